"""What a command says to a person, in the language that this person chose."""

from __future__ import annotations

import functools
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from chaos_ext.language import Said, chosen_for, say

F = TypeVar("F", bound=Callable[..., Any])
_WITHOUT_TERMINAL = 100


def told(text: object, err: bool = False) -> str:
    """`text` as standard output (or standard error) shows it: a sentence of ours in the chosen language, if it can."""
    stream = sys.stderr if err else sys.stdout
    from chaos_ext.masking.register import hide

    shown = str(text)
    if isinstance(shown, Said):
        shown = say(shown, chosen_for(stream))
    shown = hide(shown)
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return shown.encode(encoding, "replace").decode(encoding)


def echo(text: object = "", err: bool = False) -> None:
    """Print `text` in the chosen language; what the stream cannot show becomes a question mark."""
    click.echo(told(text, err), err=err)


def table(rows: Iterable[Sequence[object]], headers: Sequence[str], columns: int = 0) -> None:
    """Print rows below headers in columns, sentences and words of ours in the chosen language."""
    from chaos_ext.report import text

    click.echo(told(text.table(*_said(rows, headers), columns)))


def fitted(rows: Iterable[Sequence[object]], headers: Sequence[str]) -> None:
    """Like `table` where that fits the terminal, else a block for each row, named by its first two columns."""
    from chaos_ext.report.blocks import fitting

    click.echo(told(fitting(*_said(rows, headers), columns())))


def columns() -> int:
    """How wide the terminal is; 100 where neither it nor COLUMNS says so."""
    return shutil.get_terminal_size((_WITHOUT_TERMINAL, 24)).columns


def _said(rows: Iterable[Sequence[object]], headers: Sequence[str]) -> tuple[list[list[object]], list[str]]:
    language = chosen_for(sys.stdout)
    said = [[say(cell, language) if isinstance(cell, Said) else cell for cell in row] for row in rows]
    return said, [say(header, language) for header in headers]


def confirm(question: str) -> bool:
    """Ask a person, who may type nothing for no."""
    return click.confirm(told(question), default=False)


def _choose(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    from chaos_ext.language import choose

    if value:
        choose(value)


_LANGUAGE: dict[str, Any] = {
    "type": click.Choice(["en", "ja"]),
    "is_eager": True,
    "expose_value": False,
    "callback": _choose,
    "help": "Language of what is printed; default: the locale's (LC_ALL, LC_MESSAGES, LANG).",
}


def formatted(*forms: str, help: str) -> Callable[[F], F]:
    """Give a command ``--format`` (as `form`; the first of `forms` unless told), and ``--json`` for short."""

    def of(callback: F) -> F:
        short = click.option(
            "--json", "form", flag_value="json", default=forms[0], help="The same as --format json."
        )
        full = click.option(
            "--format", "form", type=click.Choice(forms), default=forms[0], show_default=True, help=help
        )
        return full(short(callback))

    return of


def without_secrets(callback: F) -> F:
    """While it runs, nothing that is printed shows a secret which this process knows."""

    @functools.wraps(callback)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        from chaos_ext.masking.streams import masked

        with masked():
            return callback(*args, **kwargs)

    return wrapper  # type: ignore[return-value]


def with_language(callback: F) -> F:
    """Give a command the option ``--lang``."""
    return click.option("--lang", **_LANGUAGE)(callback)


def language_option() -> click.Option:
    """The option ``--lang`` of a group."""
    return click.Option(["--lang"], **_LANGUAGE)
