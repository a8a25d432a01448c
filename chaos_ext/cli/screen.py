"""What a command says to a person, in the language that this person chose."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from chaos_ext.language import Said, chosen_for, say

F = TypeVar("F", bound=Callable[..., Any])


def told(text: object, err: bool = False) -> str:
    """`text` as standard output (or standard error) shows it: a sentence of ours in the chosen language, if it can."""
    stream = sys.stderr if err else sys.stdout
    shown = str(text)
    if isinstance(shown, Said):
        shown = say(shown, chosen_for(stream))
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return shown.encode(encoding, "replace").decode(encoding)


def echo(text: object = "", err: bool = False) -> None:
    """Print `text` in the chosen language; what the stream cannot show becomes a question mark."""
    click.echo(told(text, err), err=err)


def table(rows: Iterable[Sequence[object]], headers: Sequence[str], columns: int = 0) -> None:
    """Print rows below headers in columns, sentences and words of ours in the chosen language."""
    from chaos_ext.report import text

    language = chosen_for(sys.stdout)
    said = [[say(cell, language) if isinstance(cell, Said) else cell for cell in row] for row in rows]
    click.echo(told(text.table(said, [say(header, language) for header in headers], columns)))


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


def with_language(callback: F) -> F:
    """Give a command the option ``--lang``."""
    return click.option("--lang", **_LANGUAGE)(callback)


def language_option() -> click.Option:
    """The option ``--lang`` of a group."""
    return click.Option(["--lang"], **_LANGUAGE)
