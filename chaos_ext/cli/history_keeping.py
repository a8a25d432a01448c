"""`chaos history reindex`, `export` and `prune`: the index of the runs, rows of it, and what need not be kept."""

from __future__ import annotations

import time
from pathlib import Path

import click

from chaos_ext.cli import output as target
from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo
from chaos_ext.language import t


@click.command()
@guarded
def reindex() -> None:
    """Make the index again from the runs. It is also made again by itself whenever it is not as they are.

    The index is a file beside the runs, or what CHAOS_INDEX names: postgresql://user@host/database, for a team.

    \b
    Example:
      chaos history reindex
    """
    from chaos_ext import environments
    from chaos_ext.history import index

    began = time.monotonic()
    count = index.rebuild(environments.state_dir() / "runs", say=_say)
    echo(t("{count} runs are in the index, read in {s:.1f} s", count=count, s=time.monotonic() - began))


@click.command()
@click.option(
    "--as",
    "form",
    type=click.Choice(["csv", "jsonl", "markdown"]),
    default="csv",
    show_default=True,
    help="For a spreadsheet, a program, or a page.",
)
@click.option("--mode", help="Only runs of this failure mode.")
@click.option("--env", "environment", help="Only runs in this environment.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@target.force
@guarded
def export(form: str, mode: str | None, environment: str | None, output: Path | None, force: bool) -> None:
    """Every run as a row: when, what, verdict, trials, seconds to alert and recovery, lost writes.

    \b
    Examples:
      chaos history export --output runs.csv
      chaos history export --as jsonl --mode postgresql-primary-down
    """
    from chaos_ext import environments
    from chaos_ext.history import index
    from chaos_ext.report.export import exported

    if output is not None:
        target.refuse("--output", output, over=force)
    runs = environments.state_dir() / "runs"
    text = exported(index.asked(runs, lambda known: known.entries(mode, environment), say=_say), form)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
        echo(t("wrote {path}", path=output), err=True)


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be removed; remove nothing.")
@guarded
def prune(dry_run: bool) -> None:
    """Remove the evidence of runs that catalog/history.yaml does not want kept, and say which.

    A tombstone stays of each: what it was, what it proved, when it was removed and why. Always kept: the newest runs of
    each failure mode, of each the newest with every verdict, and what was never judged or is damaged.

    \b
    Example:
      chaos history prune --dry-run
    """
    from datetime import UTC, datetime

    from chaos_ext import environments
    from chaos_ext.catalog import keeping
    from chaos_ext.history import index, retention
    from chaos_ext.pages import files

    root, runs = environments.project_root(), environments.state_dir() / "runs"
    rules = keeping.rules(root)
    if not rules:
        echo(t("Nothing says how long runs are kept, so all are. See docs/history.md: catalog/history.yaml"))
        return
    entries = index.asked(runs, lambda known: known.entries(), say=_say)
    chosen = list(retention.removable(entries, rules, datetime.now(UTC)))
    size = 0
    for each in chosen:
        if not dry_run:
            size += retention.remove(runs, each)
            files.remove(environments.state_dir(), each.entry.run_id)
        echo(
            t(
                "would remove {run}: {why}" if dry_run else "removed {run}: {why}",
                run=each.entry.run_id,
                why=each.why,
            )
        )
    if not dry_run:
        for folder in retention.half_removed(runs, entries):
            retention.clear(folder)
            echo(t("removed the rest of {run}", run=folder.name))
        known = index.opened(runs, say=_say)
        removed = [index.entry(runs / each.entry.run_id) for each in chosen]
        known.keep(removed, (), _say)
    echo(
        t(
            "{count} of {all} runs would be removed"
            if dry_run
            else "{count} of {all} runs removed, {mb:.1f} MB",
            count=len(chosen),
            all=len(entries),
            mb=size / 1e6,
        )
    )


def _say(line: str) -> None:
    echo(line, err=True)
