"""What click says of a wrong command line, in the language that was chosen."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import IO, Any, get_args

import click

from chaos_ext.cli.screen import echo, language_option
from chaos_ext.language import Language, choose, chosen_for, t


class _Told(click.UsageError):
    """A usage error of click's, shown in the chosen language."""

    def show(self, file: IO[Any] | None = None) -> None:
        if self.ctx is not None:
            usage = self.ctx.get_usage().removeprefix("Usage: ")
            echo(t("Usage: {usage}", usage=usage), err=True)
            options = self.ctx.help_option_names
            if options:
                command, option = self.ctx.command_path, options[0]
                echo(t("Try '{command} {option}' for help.", command=command, option=option), err=True)
            echo(err=True)
        echo(t("Error: {message}", message=self.message), err=True)


def _hear(args: Sequence[str]) -> None:
    """Take the language from the command line before click reads it: click stops at the first mistake."""
    for word, following in pairwise([*args, ""]):
        language = following if word == "--lang" else word.removeprefix("--lang=")
        if word.startswith("--lang") and language in get_args(Language):
            choose(language)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except _Told:
        raise
    except click.UsageError as error:
        if chosen_for(sys.stderr) == "en":
            raise
        raise _Told(error.format_message(), error.ctx) from error


class Command(click.Command):
    """A command whose usage errors are told in the chosen language."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        _hear(args)
        with _told():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _told():
            return super().invoke(ctx)


class Group(click.Group):
    """A group that takes ``--lang``; its usage errors and those of its commands are told in the chosen language."""

    command_class = Command

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.append(language_option())

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        _hear(args)
        with _told():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _told():
            return super().invoke(ctx)
