"""`chaos catalog show`: one failure mode, or all of them in one of two tables."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chaos_ext.cli import output as target
from chaos_ext.cli.catalog.options import as_json, in_language
from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import columns, echo, formatted
from chaos_ext.language import Language, Said, listed, say, t

if TYPE_CHECKING:
    from chaos_ext.model import FailureMode


@click.command(
    epilog="""\b
Examples:
  chaos catalog show postgresql-primary-down
  chaos catalog show --view application
  chaos catalog show --view product --format markdown --output catalogue.md
  chaos catalog show --view application --format json --env lab
  chaos catalog show --view product --format xlsx --output catalogue.xlsx --lang ja"""
)
@click.argument("id_", metavar="[ID]", required=False)
@click.option(
    "--view",
    type=click.Choice(["application", "product"]),
    help="application: service × failure mode, expected beside measured, and gaps. product: by product.",
)
@formatted("table", "markdown", "json", "xlsx", help="How to print it; markdown and xlsx with --view only.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file, not to the terminal.",
)
@target.force
@click.option("--env", "environment", default="lab", show_default=True, help="Whose runs and objectives.")
@in_language
@guarded
def show(
    id_: str | None,
    view: str | None,
    form: str,
    output: Path | None,
    force: bool,
    environment: str,
    language: str,
) -> None:
    """One failure mode (ID), or the catalogue as a table (--view).

    ID: what happens, who is hurt, how it is reproduced, and its runbook. --view application: for each service and
    failure mode what people expect beside what the last run measured, and what no failure mode tries.
    """
    if (id_ is None) == (view is None):
        raise click.UsageError(t("Give the ID of a failure mode, or --view application, or --view product."))
    if view is None and form in ("markdown", "xlsx"):
        raise click.UsageError(
            t("--format {form} is for a table: add --view product, and leave ID out.", form=form)
        )
    if form == "xlsx" and output is None:
        raise click.UsageError(t("--format xlsx needs --output FILE.xlsx."))
    if output is not None:
        target.refuse("--output", output, over=force, suffix=".xlsx" if form == "xlsx" else "")
    if id_ is not None:
        _print(_one(id_, form, language), output)
    elif form == "xlsx":
        from chaos_ext.cli.catalog.sheet import write_workbook

        assert output is not None
        write_workbook(output, environment, str(view))
    else:
        _print(_table(str(view), form, environment, output is None), output)


def _print(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text)
        return
    from chaos_ext.language import t

    output.write_text(text + "\n", encoding="utf-8")
    echo(t("wrote {path}", path=output), err=True)


def _table(view: str, form: str, environment: str, on_screen: bool) -> str:
    from chaos_ext import environments
    from chaos_ext.catalog import load
    from chaos_ext.history import measured
    from chaos_ext.language import chosen, chosen_for
    from chaos_ext.report import view_tables, views

    root = environments.project_root()
    catalog = load.catalog(root)
    last = measured.last(environments.state_dir() / "runs", catalog, environments.load(environment, root))
    language = chosen_for(sys.stdout) if on_screen else chosen()
    make = views.application if view == "application" else views.product
    made = make(catalog, environment, last, language)
    if form == "json":
        return as_json(made.as_dict())
    width = columns() if on_screen else 0
    parts = (
        view_tables.application_parts(made)
        if isinstance(made, views.ApplicationView)
        else view_tables.product_parts(made)
    )
    return view_tables.rendered(parts, form, language, width)


def _one(id_: str, form: str, language: str) -> str:
    from chaos_ext import environments
    from chaos_ext.catalog import load
    from chaos_ext.report.text import pad

    told_in: Language = "ja" if language == "ja" else "en"
    root = environments.project_root()
    mode = load.mode(root, id_)
    path = load.path_of(root, id_).relative_to(root)
    if form == "json":
        return as_json({"file": str(path), **mode.model_dump(mode="json", by_alias=True, exclude_none=True)})
    return "\n".join(
        f"{pad(say(label, told_in), 12)}  {say(words, told_in) if isinstance(words, Said) else words}".rstrip()
        for label, words in _details(mode, language, path)
    )


def _details(mode: FailureMode, language: str, path: Path) -> list[tuple[str, str]]:
    from chaos_ext.model import text_in
    from chaos_ext.verdict.words import IMPACTS

    claimed = [t("{flow}: {impact}", flow=f, impact=IMPACTS[i]) for f, i in mode.impact.flows.items()]
    claimed += [
        t("{flow}: possibly {impact}", flow=f, impact=IMPACTS[i]) for f, i in mode.impact.possible.items()
    ]
    summary = text_in(mode.impact.summary, language)
    priority = t(
        "{priority} of 27 (severity {severity} x likelihood {likelihood} x detectability {detectability})",
        priority=mode.priority,
        severity=mode.severity,
        likelihood=mode.likelihood,
        detectability=mode.detectability,
    )
    lines: list[tuple[str, str]] = [
        ("", text_in(mode.title, language)),
        ("id", mode.id),
        (t("file"), str(path)),
        (t("product"), ", ".join((mode.product, *mode.also_known_as))),
        (t("category"), mode.category),
        (t("event"), text_in(mode.event, language)),
        (t("impact"), t("{summary} ({flows})", summary=summary, flows=listed(claimed) or t("no flow"))),
        (t("priority"), priority),
        (t("alert"), mode.detection.alert),
        (t("recovery"), t("by itself") if mode.recovery == "self" else t("by the runbook")),
        (t("runbook"), t("none") if mode.runbook == "none" else f"catalog/{mode.runbook}"),
    ]
    for name, each in mode.objectives.items():
        kept = t(
            "{name}: detect within {detect:g} s, recover within {recover:g} s, lose at most {lost} writes",
            name=name,
            detect=each.detect_within,
            recover=each.recover_within,
            lost=each.lost_acknowledged_writes,
        )
        lines.append((t("objectives"), kept))
    for platform, faults in mode.reproduce.items():
        for fault in faults:
            function = fault.provider.get("func") or fault.provider.get("path") or fault.provider.get("url")
            lines.append((t("reproduce"), f"{platform}: {fault.name} ({function})"))
    for entry in mode.leaves:
        why = text_in(entry.why, language)
        lines.append((t("leaves"), t("{path}: {why}", path=entry.path, why=why)))
    lines.append((t("owner"), mode.owner))
    lines += [(t("reference"), reference) for reference in mode.references]
    return lines
