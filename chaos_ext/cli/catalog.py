"""`chaos catalog`: what can fail, whether the catalogue holds together, what it compiles to."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from chaos_ext.cli.edge import guarded

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_ext.catalog.check import Checked
    from chaos_ext.model import FailureMode

_KINDS = ("failure-mode", "services", "environment")

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


@click.group()
def catalog() -> None:
    """What can fail, and whether what is written about it holds together."""


@catalog.command(
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
    from chaos_ext.report.text import table

    modes = load.catalog(environments.project_root()).modes.values()
    ranked = sorted(modes, key=lambda mode: (-mode.priority, mode.id))
    if form == "json":
        click.echo(_json([_summary(mode, language) for mode in ranked]))
        return
    rows = [
        (mode.id, mode.priority, mode.product, ",".join(mode.reproduce), text_in(mode.title, language))
        for mode in ranked
    ]
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    click.echo(table(rows, ("ID", "PRIORITY", "PRODUCT", "IN", "TITLE"), columns))


@catalog.command(
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
            _json({"file": str(path), **mode.model_dump(mode="json", by_alias=True, exclude_none=True)})
        )
        return
    from chaos_ext.report.text import pad

    for label, value in _details(mode, language, path):
        click.echo(f"{pad(label, 12)}  {value}".rstrip())


@catalog.command(
    epilog="""\b
Examples:
  chaos catalog check
  chaos catalog check --format json

\b
Exit codes: 0 nothing wrong · 2 something is"""
)
@in_format
@guarded
def check(form: str) -> None:
    """Check every file: failure modes, runbooks, services, environments, compiled experiments.

    Says all that is wrong at once, as file:line: field: got …, expected ….
    """
    from chaos_ext import environments
    from chaos_ext.catalog import check as checking

    checked = checking.check(environments.project_root())
    if form == "json":
        click.echo(_json([vars(problem) for problem in checked.problems]))
    else:
        for problem in checked.problems:
            click.echo(str(problem))
        click.echo(_summed_up(checked))
    sys.exit(2 if checked.problems else 0)


@catalog.command(
    epilog="""\b
Examples:
  chaos catalog compile
  make compile"""
)
@guarded
def compile() -> None:  # the command's name
    """Write experiments/ENVIRONMENT/ID.yaml anew from the catalogue; commit what changes.

    Writes nothing while anything else is wrong.
    """
    from chaos_ext import environments
    from chaos_ext.catalog import check as checking
    from chaos_ext.errors import UsageError

    root = environments.project_root()
    checked = checking.check(root, compiled=False)
    if checked.problems:
        raise UsageError(checked.problems)
    written, removed = checking.write(root, checked)
    for path in written:
        click.echo(f"wrote {path.relative_to(root)}")
    for path in removed:
        click.echo(f"removed {path.relative_to(root)}")
    same = len(checked.experiments) - len(written)
    click.echo(f"{len(written)} written, {len(removed)} removed, {same} up to date already.")


@catalog.command(
    epilog="""\b
Examples:
  chaos catalog schema failure-mode > failure-mode.json
  chaos catalog schema --write"""
)
@click.argument("kind", type=click.Choice(_KINDS), required=False)
@click.option("--write", is_flag=True, help="Write all of them to schemas/, where the files refer to them.")
@guarded
def schema(kind: str | None, write: bool) -> None:
    """JSON Schema for editors: of failure modes, services or environments."""
    from chaos_ext import environments
    from chaos_ext.catalog import schema as schemas

    if kind is None and not write:
        raise click.UsageError(f"Say which: {', '.join(_KINDS)}; or --write for all.")
    if kind is not None:
        click.echo(schemas.text(kind), nl=False)
    if write:
        root = environments.project_root()
        for path, text in schemas.files(root).items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(f"wrote {path.relative_to(root)}", err=kind is not None)


def _summed_up(checked: Checked) -> str:
    looked_at = f"{_count(checked.modes, 'failure mode')} and {_count(checked.environments, 'environment')}"
    if not checked.problems:
        return f"{looked_at}: nothing wrong."
    return f"{looked_at} understood: {_count(len(checked.problems), 'problem')}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


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


def _details(mode: FailureMode, language: str, path: Path) -> list[tuple[str, str]]:
    from chaos_ext.model import text_in

    flows = ", ".join(f"{flow}: {impact}" for flow, impact in mode.impact.flows.items()) or "no flow"
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
