"""What the commands of `chaos catalog` share: how to print, and in which language."""

from __future__ import annotations

import json
from typing import Any

import click

in_format = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
in_language = click.option(
    "--language",
    type=click.Choice(["en", "ja"]),
    default="en",
    show_default=True,
    help="Language of titles and texts.",
)


def as_json(value: Any) -> str:
    """`value` as a command prints it."""
    return json.dumps(value, ensure_ascii=False, indent=2)
