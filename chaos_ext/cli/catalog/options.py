"""What the commands of `chaos catalog` share: how to print, and in which language."""

from __future__ import annotations

import json
from typing import Any

import click

from chaos_ext.cli.screen import formatted

in_format = formatted("table", "json", help="How to print it.")


def _spoken(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    import sys

    from chaos_ext.language import chosen_for

    return value or chosen_for(sys.stdout)


in_language = click.option(
    "--language",
    type=click.Choice(["en", "ja"]),
    callback=_spoken,
    help="Language of titles and texts; default: as --lang.",
)


def as_json(value: Any) -> str:
    """`value` as a command prints it."""
    return json.dumps(value, ensure_ascii=False, indent=2)
