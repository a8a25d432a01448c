"""`chaos history`: the runs that were kept. Lists, tells, checks and judges them again; runs nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chaos_ext.cli.edge import guarded
from chaos_ext.cli.history_keeping import export, prune, reindex
from chaos_ext.cli.history_report import report
from chaos_ext.cli.screen import echo, formatted, table
from chaos_ext.cli.usage import Group
from chaos_ext.language import listed, t

if TYPE_CHECKING:
    from chaos_ext.history.entries import Entry

_LISTED = 50  # runs of a table, unless told otherwise


@click.group(cls=Group)
def history() -> None:
    """The runs that were kept, and what they proved.

    \b
    Examples:
      chaos history list
      chaos history show last
      chaos history diff 20261124T153639768Z last
      chaos history report last --open
    """


@history.command("list")
@click.option("--mode", help="Only runs of this failure mode.")
@click.option("--env", "environment", help="Only runs in this environment.")
@click.option("--verdict", help="Only runs with this verdict.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help="At most so many; 0: all. Default: 50 in a table, all as JSON.",
)
@formatted("table", "json", help="How to print it.")
@guarded
def list_runs(
    mode: str | None, environment: str | None, verdict: str | None, limit: int | None, form: str
) -> None:
    """List the runs, the newest first.

    \b
    Example:
      chaos history list --mode postgresql-primary-down --format json
    """
    from chaos_ext.history.index import Index, asked

    most = (_LISTED if form == "table" else 0) if limit is None else limit

    def ask(index: Index) -> tuple[list[Entry], int]:
        return index.entries(mode, environment, verdict, most), index.count(mode, environment, verdict)

    found, of = asked(_runs(), ask, say=_say)
    if form == "json":
        click.echo(json.dumps([entry.as_dict() for entry in found], indent=2, ensure_ascii=False))
        return
    if not found:
        echo(t("No run is kept. Try: chaos verify ID"))
        return
    headers = [t("started (UTC)"), t("verdict"), t("mode"), t("environment"), t("run"), t("because")]
    table([_row(each) for each in found], headers)
    if of > len(found):
        echo(t("… and {count} more; all of them: chaos history list --limit 0", count=of - len(found)))


def _row(e: Entry) -> tuple[object, ...]:
    from chaos_ext.history.entries import SAID

    because = [*e.flags, *e.reasons]
    if e.removed:
        because.append(t("evidence removed {when}", when=e.removed[:10]))
    if e.where:
        because.append(t("kept on {where}", where=e.where))
    started = e.started[:19].replace("T", " ")
    return started, SAID.get(e.verdict, e.verdict), e.mode, e.environment, e.run_id, listed(because)


@history.command()
@click.argument("run", default="last")
@guarded
def show(run: str) -> None:
    """Tell a run again, as its terminal did. RUN is an id, a part of it that fits one run, a path, or "last".

    \b
    Example:
      chaos history show last
    """
    from chaos_ext.history import bundle, entries, index
    from chaos_ext.report.terminal import Terminal, render_verdict

    folder = index.find(_runs(), run)
    entry = index.entry(folder)
    if entry.removed:
        _tell_removed(entry, entries.buried(folder))
        return
    evidence = bundle.load(folder)
    terminal = Terminal.for_stream(sys.stdout)
    for event in evidence.events:
        if event.get("kind") == "run-started":
            terminal(event)
    for trial in evidence.trials:
        for event in trial.events:
            terminal(event)
    if entry.verdict == entries.UNFINISHED:
        echo(t("\nThis run was never judged. Try: chaos history rejudge {name}", name=folder.name))
        return
    if entry.verdict == entries.DAMAGED:
        echo(
            t(
                "\nThis run is not as it was sealed ({file}), so it proves nothing. See: chaos history check {name}",
                file=listed(entry.reasons),
                name=folder.name,
            )
        )
        sys.exit(2)
    verdict = bundle.verdict_of(folder)
    again = f"chaos verify {entry.mode} --env {entry.environment}"
    for line in render_verdict(verdict, bundle=folder, next_command=again, terminal=terminal):
        click.echo(line)


def _tell_removed(entry: Entry, told: dict[str, Any]) -> None:
    from chaos_ext.history.entries import SAID

    echo(
        t(
            "{run}: {mode} in {environment} was {verdict} ({because}) on {started}.",
            run=entry.run_id,
            mode=entry.mode,
            environment=entry.environment,
            verdict=SAID.get(entry.verdict, entry.verdict),
            because=listed((*entry.flags, *entry.reasons)) or "-",
            started=entry.started[:19].replace("T", " "),
        )
    )
    echo(t("Its evidence was removed {when}: {why}.", when=entry.removed, why=str(told.get("why", "?"))))


@history.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@guarded
def check(runs: tuple[str, ...]) -> None:
    """Check that every file of the runs (all, without an argument) is as it was sealed. Exit code 2 when not.

    \b
    Example:
      chaos history check
    """
    from chaos_ext.errors import Problem, UsageError
    from chaos_ext.history import manifest
    from chaos_ext.history.entries import buried

    folders = [folder for folder in _chosen(runs) if not buried(folder)]
    problems = [
        Problem(f"{folder.name}/{difference.file}", "", difference.what, t("the file as it was sealed"))
        for folder in folders
        for difference in manifest.check(folder)
    ]
    if problems:
        raise UsageError(problems)
    echo(
        t(
            "{count} run is as it was sealed"
            if len(folders) == 1
            else "{count} runs are as they were sealed",
            count=len(folders),
        )
    )


@history.command()
@click.argument("first")
@click.argument("second", default="last")
@formatted("table", "json", help="How to print it.")
@guarded
def diff(first: str, second: str, form: str) -> None:
    """What differs between two runs: verdict, times, arms, what they rest on, and the text of the runbook.

    \b
    Example:
      chaos history diff 20261124T153639768Z last
    """
    from chaos_ext.history.compare import compare
    from chaos_ext.history.index import find
    from chaos_ext.report.clean import clean

    found = compare(find(_runs(), first), find(_runs(), second))
    if form == "json":
        click.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
        return
    rows = [
        (t("DIFFERS") if each.telling else "", each.what, each.first, each.second) for each in found.lines
    ]
    table(rows, ("", "", t("first"), t("second")))
    if found.changed:
        echo(t("What the verdicts rest on differs in: {what}", what=listed(found.changed)))
    for made in found.texts.values():
        echo()
        for line in made.splitlines():
            echo(clean(line))


@history.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@guarded
def rejudge(runs: tuple[str, ...]) -> None:
    """Judge the saved evidence of runs (all, without an argument) by today's rules. Changes nothing on the disk.

    Evidence that is not as it was sealed, or that this version cannot read, is refused with the reason: exit code 2.

    \b
    Example:
      chaos history rejudge last
    """
    from chaos_ext.history.entries import SAID, buried
    from chaos_ext.history.rejudging import again

    rows: list[tuple[object, ...]] = []
    refused = False
    for folder in _chosen(runs):
        if not runs and buried(folder):
            continue
        found = again(folder)
        was = SAID.get(found.was, found.was)
        if found.verdict is None:
            refused = True
            rows.append((t("REFUSED"), was, "-", folder.name, found.refused))
            continue
        words = listed(dict.fromkeys(r.word for r in (*found.verdict.flags, *found.verdict.reasons)))
        told = t("same") if found.same else t("DIFFERS")
        rows.append((told, was, SAID[found.verdict.word], folder.name, words))
    table(rows, ("", t("was"), t("is"), t("run"), t("because")))
    sys.exit(2 if refused else 0)


def _runs() -> Path:
    from chaos_ext import environments

    return environments.state_dir() / "runs"


def _say(line: str) -> None:
    echo(line, err=True)


def _chosen(names: tuple[str, ...]) -> list[Path]:
    from chaos_ext.history import index

    runs = _runs()
    if names:
        return [index.find(runs, name) for name in names]
    return [runs / entry.run_id for entry in index.entries(runs)]


for _command in (reindex, export, prune, report):
    history.add_command(_command)
