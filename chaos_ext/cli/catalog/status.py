"""`chaos catalog status`: what is proven, and still true."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chaos_ext.cli import output as target
from chaos_ext.cli.catalog.options import as_json
from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo, formatted
from chaos_ext.language import listed, t

if TYPE_CHECKING:
    from chaos_ext.catalog.load import Catalog
    from chaos_ext.history.status import Standing

_ACCEPTABLE = ("refuted", "unknown", "never", "stale", "overdue")


@click.command(
    epilog="""\b
Examples:
  chaos catalog status
  chaos catalog status --format junit --output status.xml --accept never
  chaos catalog status postgresql-primary-down --env lab --json

\b
Exit codes: 0 everything is verified (or reproduced) and nothing has changed since · 1 something is refuted ·
4 something is unknown, never tried, stale or overdue · 5 a run left something broken · 2 usage or catalogue error"""
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--env", "names", multiple=True, default=("lab",), show_default=True, help="Environment; may be repeated."
)
@click.option(
    "--accept",
    multiple=True,
    type=click.Choice(_ACCEPTABLE),
    help="A status that is no reason to fail; may be repeated.",
)
@formatted("table", "json", "markdown", "junit", help="How to print it.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@target.force
@guarded
def status(
    ids: tuple[str, ...],
    names: tuple[str, ...],
    accept: tuple[str, ...],
    form: str,
    output: Path | None,
    force: bool,
) -> None:
    """Where each failure mode stands, the worst first: what its newest run proved, and whether that still holds.

    stale: the failure mode, its runbook, environment, services, the code of its activities, the verdict's rules or what
    is deployed is not what it was. overdue: older than the mode's reverify_every. never: not tried there yet.
    """
    from datetime import UTC, datetime

    from chaos_ext import environments
    from chaos_ext.catalog import load
    from chaos_ext.history import index, status
    from chaos_ext.report import status as report

    if output is not None:
        target.refuse("--output", output, over=force)
    root = environments.project_root()
    catalog = load.catalog(root)
    for each in ids:
        load.find(catalog, each)
    places = [environments.load(name, root) for name in dict.fromkeys(names)]

    def ask(known: index.Index) -> list[Standing]:
        now = datetime.now(UTC)
        return [each for place in places for each in status.standings(known, catalog, place, now, ids)]

    runs = environments.state_dir() / "runs"
    found = status.worst_first(index.asked(runs, ask, say=lambda line: echo(line, err=True)))
    remarks = _remarks(catalog) if not ids else []
    if form == "junit":
        _print(report.junit_xml(found, accept).rstrip("\n"), output)
    elif form == "json":
        _print(as_json({"standings": [each.as_dict() for each in found], "remarks": remarks}), output)
    else:
        _print(_table(found, remarks, form, output is None), output)
    bad = [each.exit_code for each in found if not each.good and (each.flags or each.word not in accept)]
    sys.exit(next((code for code in (5, 1, 4) if code in bad), 0))


def _remarks(catalog: Catalog) -> list[str]:
    """What a person should know besides: likely failures without a runbook, and what no failure mode tries."""
    from chaos_ext.catalog.coverage import coverage, without_runbook

    told: list[str] = []
    if likely := without_runbook(catalog.modes.values()):
        told.append(t("Likely, but without a runbook: {ids}.", ids=listed(likely)))
    covers = coverage(catalog.modes.values(), catalog.services)
    if gaps := sum(not each.modes for each in covers):
        told.append(
            t(
                "{gaps} of {all} ways in which a dependency can fail are tried by no failure mode; see: chaos catalog "
                "show --view application",
                gaps=gaps,
                all=len(covers),
            )
        )
    return told


def _table(found: list[Standing], remarks: list[str], form: str, on_screen: bool) -> str:
    import shutil

    from chaos_ext.language import chosen, chosen_for
    from chaos_ext.report import status as report
    from chaos_ext.report.view_tables import rendered

    language = chosen_for(sys.stdout) if on_screen else chosen()
    columns = shutil.get_terminal_size((100, 24)).columns if on_screen and sys.stdout.isatty() else 0
    return rendered(report.parts(found, remarks), form, language, columns)


def _print(text: str, output: Path | None) -> None:
    from chaos_ext.masking.register import hide

    if output is None:
        click.echo(text)
        return
    output.write_text(hide(text) + "\n", encoding="utf-8")
    echo(t("wrote {path}", path=output), err=True)
