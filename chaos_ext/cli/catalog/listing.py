"""`chaos catalog list`: the failure modes, the worst first."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from chaos_ext.cli.catalog.options import as_json, in_format, in_language
from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import table
from chaos_ext.language import t

if TYPE_CHECKING:
    from chaos_ext.model import FailureMode


@click.command(
    "list",
    epilog="""\b
Examples:
  chaos catalog list
  chaos catalog list --format json --language ja""",
)
@in_format
@in_language
@guarded
def list_(form: str, language: str) -> None:
    """The failure modes, the worst first (priority: severity x likelihood x detectability)."""
    from chaos_ext import environments
    from chaos_ext.catalog import load
    from chaos_ext.model import text_in

    modes = load.catalog(environments.project_root()).modes.values()
    ranked = sorted(modes, key=lambda mode: (-mode.priority, mode.id))
    if form == "json":
        click.echo(as_json([_summary(mode, language) for mode in ranked]))
        return
    rows = [
        (mode.id, mode.priority, mode.product, ",".join(mode.reproduce), text_in(mode.title, language))
        for mode in ranked
    ]
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    table(rows, (t("ID"), t("PRIORITY"), t("PRODUCT"), t("IN"), t("TITLE")), columns)


def _summary(mode: FailureMode, language: str) -> dict[str, Any]:
    from chaos_ext.model import text_in

    return {
        "id": mode.id,
        "title": text_in(mode.title, language),
        "product": mode.product,
        "also_known_as": list(mode.also_known_as),
        "category": mode.category,
        "severity": mode.severity,
        "likelihood": mode.likelihood,
        "detectability": mode.detectability,
        "priority": mode.priority,
        "platforms": list(mode.reproduce),
        "recovery": mode.recovery,
        "runbook": mode.runbook,
        "owner": mode.owner,
    }
