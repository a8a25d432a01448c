"""`chaos catalog show`: one failure mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chaos_ext.cli.catalog.options import as_json, in_format, in_language
from chaos_ext.cli.edge import guarded

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_ext.model import FailureMode


@click.command(
    epilog="""\b
Examples:
  chaos catalog show postgresql-primary-down
  chaos catalog show postgresql-primary-down --format json"""
)
@click.argument("id_", metavar="ID")
@in_format
@in_language
@guarded
def show(id_: str, form: str, language: str) -> None:
    """One failure mode: what happens, who is hurt, how it is reproduced, and its runbook."""
    from chaos_ext import environments
    from chaos_ext.catalog import load

    root = environments.project_root()
    mode = load.mode(root, id_)
    path = load.path_of(root, id_).relative_to(root)
    if form == "json":
        click.echo(
            as_json({"file": str(path), **mode.model_dump(mode="json", by_alias=True, exclude_none=True)})
        )
        return
    from chaos_ext.report.text import pad

    for label, value in _details(mode, language, path):
        click.echo(f"{pad(label, 12)}  {value}".rstrip())


def _details(mode: FailureMode, language: str, path: Path) -> list[tuple[str, str]]:
    from chaos_ext.model import text_in

    claimed = [f"{flow}: {impact}" for flow, impact in mode.impact.flows.items()]
    claimed += [f"{flow}: possibly {impact}" for flow, impact in mode.impact.possible.items()]
    flows = ", ".join(claimed) or "no flow"
    score = f"severity {mode.severity} x likelihood {mode.likelihood} x detectability {mode.detectability}"
    lines = [
        ("", text_in(mode.title, language)),
        ("id", mode.id),
        ("file", str(path)),
        ("product", ", ".join((mode.product, *mode.also_known_as))),
        ("category", mode.category),
        ("event", text_in(mode.event, language)),
        ("impact", f"{text_in(mode.impact.summary, language)} ({flows})"),
        ("priority", f"{mode.priority} of 27 ({score})"),
        ("alert", mode.detection.alert),
        ("recovery", mode.recovery),
        ("runbook", mode.runbook if mode.runbook == "none" else f"catalog/{mode.runbook}"),
    ]
    for name, each in mode.objectives.items():
        kept = f"detect within {each.detect_within:g} s, recover within {each.recover_within:g} s"
        lines.append(("objectives", f"{name}: {kept}, lose at most {each.lost_acknowledged_writes} writes"))
    for platform, faults in mode.reproduce.items():
        for fault in faults:
            function = fault.provider.get("func") or fault.provider.get("path") or fault.provider.get("url")
            lines.append(("reproduce", f"{platform}: {fault.name} ({function})"))
    if mode.leaves is not None:
        lines.append(("leaves", text_in(mode.leaves, language)))
    lines.append(("owner", mode.owner))
    lines += [("reference", reference) for reference in mode.references]
    return lines
