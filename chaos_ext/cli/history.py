"""`chaos history`: the runs that were kept. Lists, tells, checks and judges them again; runs nothing."""

from __future__ import annotations

import json
from pathlib import Path

import click

from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo, table
from chaos_ext.cli.usage import Group
from chaos_ext.language import t


@click.group(cls=Group)
def history() -> None:
    """The runs that were kept, and what they proved.

    \b
    Examples:
      chaos history list
      chaos history show last
    """


@history.command("list")
@click.option("--mode", help="Only runs of this failure mode.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@guarded
def list_runs(mode: str | None, form: str) -> None:
    """List the runs, the newest first.

    \b
    Example:
      chaos history list --mode postgresql-primary-down --format json
    """
    from chaos_ext.history.index import entries
    from chaos_ext.verdict.words import VERDICTS

    found = [entry for entry in entries(_runs()) if mode in (None, entry.mode)]
    if form == "json":
        click.echo(json.dumps([entry.as_dict() for entry in found], indent=2, ensure_ascii=False))
        return
    if not found:
        echo(t("No run is kept. Try: chaos verify ID"))
        return
    rows = [
        (
            e.started[:19].replace("T", " "),
            VERDICTS.get(e.verdict, e.verdict),
            e.mode,
            e.environment,
            e.run_id,
            ", ".join(e.flags + e.reasons),
        )
        for e in found
    ]
    table(rows, (t("started (UTC)"), t("verdict"), t("mode"), t("environment"), t("run"), t("because")))


@history.command()
@click.argument("run", default="last")
@guarded
def show(run: str) -> None:
    """Tell a run again, as its terminal did. RUN is an id, a part of it that fits one run, a path, or "last".

    \b
    Example:
      chaos history show last
    """
    import sys

    from chaos_ext.history import bundle, index
    from chaos_ext.report.terminal import Terminal, render_verdict

    folder = index.find(_runs(), run)
    entry, evidence = index.entry(folder), bundle.load(folder)
    terminal = Terminal.for_stream(sys.stdout)
    for event in evidence.events:
        if event.get("kind") == "run-started":
            terminal(event)
    for trial in evidence.trials:
        for event in trial.events:
            terminal(event)
    if entry.verdict == index.UNFINISHED:
        echo(t("\nThis run was never judged. Try: chaos history rejudge {name}", name=folder.name))
        return
    verdict = bundle.verdict_of(folder)
    again = f"chaos verify {entry.mode} --env {entry.environment}"
    for line in render_verdict(verdict, bundle=folder, next_command=again, terminal=terminal):
        click.echo(line)


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

    folders = _chosen(runs)
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
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@guarded
def rejudge(runs: tuple[str, ...]) -> None:
    """Judge the saved evidence of runs (all, without an argument) by today's rules. Changes nothing on the disk.

    \b
    Example:
      chaos history rejudge last
    """
    from chaos_ext.history import bundle, index
    from chaos_ext.verdict.judge import judge
    from chaos_ext.verdict.words import VERDICTS

    rows = []
    for folder in _chosen(runs):
        entry, verdict = index.entry(folder), judge(bundle.load(folder))
        words = ", ".join(dict.fromkeys(r.word for r in (*verdict.flags, *verdict.reasons)))
        told = t("same") if str(verdict.word) == entry.verdict else t("DIFFERS")
        was = VERDICTS.get(entry.verdict, entry.verdict)
        rows.append((told, was, VERDICTS[verdict.word], folder.name, words))
    table(rows, ("", t("was"), t("is"), t("run"), t("because")))


def _runs() -> Path:
    from chaos_ext import environments

    return environments.state_dir() / "runs"


def _chosen(names: tuple[str, ...]) -> list[Path]:
    from chaos_ext.history import index

    runs = _runs()
    if names:
        return [index.find(runs, name) for name in names]
    return [runs / entry.run_id for entry in index.entries(runs)]
