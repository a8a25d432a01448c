"""`chaos heal` and `chaos ledger`: put back what a dead run left, and see what is open."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo, formatted, table
from chaos_ext.cli.usage import Command, Group
from chaos_ext.language import spoken, t

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from chaos_ext.errors import Blocked
    from chaos_ext.safety.book import Book
    from chaos_ext.safety.ledger import Entry

_COLUMNS = (t("state"), t("name"), t("environment"), t("instance"), t("intended"), t("runner"), t("why"))
_ENV = click.option(
    "--env",
    "environment",
    metavar="ENV",
    help="Only this environment; without it, this machine's and every one.",
)


@click.command(cls=Command)
@click.option("--instance", help="Only this one; without it, every one.")
@_ENV
@click.option(
    "--even-if-running", is_flag=True, help="Also undo the faults of a run that is alive, or may be."
)
@guarded
def heal(instance: str | None, environment: str | None, even_if_running: bool) -> None:
    """Undo what a dead run left broken, and look that it is gone.

    Ledgers that machines share (an environment's `ledger`) are read too, so this may run on any machine that reaches
    the environment. Of a run on another machine it waits for the lease to end, unless that run is known to be gone.

    Without --instance also the rest of dead runs: what their runbooks have under way is ended, their labs are taken
    down, what they saved is judged and sealed.

    \b
    Doing it twice is harmless. Exit codes: 0 nothing is broken (any more), 4 left to a run
    that is alive or a ledger cannot be read, 5 something is still broken.

    \b
    Example:
        chaos heal
        chaos heal --env dedicated
        chaos heal --instance 0b5c0e6e-6f0e-4c54-8a9e-6f6f5ad1b1de
    """
    from chaos_ext import environments, leftovers
    from chaos_ext.errors import ChaosExtError
    from chaos_ext.safety.heal import heal as put_back

    directory, books, damaged = _known(environment)
    said = 0

    def tell(lines: Iterable[str]) -> None:
        nonlocal said
        for line in lines:
            said += 1
            echo(line)

    tell(leftovers.end_blocks())
    books = [book for book in books if instance in (None, book.instance)]
    entries = sorted((e for book in books for e in book.open_entries), key=lambda entry: entry.intended_wall)
    entries = [entry for entry in entries if instance in (None, entry.instance)]
    running = [entry for entry in entries if not even_if_running and entry.runner_may_live()]
    for entry in running:
        echo(_why_left(entry))
    orphans = [entry for entry in entries if entry not in running]
    outcomes = put_back(directory, instance, echo, orphans)
    tell(_mark_and_tidy(directory, books))
    for error in damaged:
        echo(error, err=True)
    failed = [outcome.entry for outcome in outcomes if outcome.state == "failed"]
    wrong = False
    if instance is None:
        before = said
        try:
            tell(leftovers.take_labs_down())
        except ChaosExtError as error:
            echo(error, err=True)
            wrong = True
        if failed and said > before:  # what could not be undone may have gone with its lab
            again = put_back(directory, instance, echo, failed)
            failed = [outcome.entry for outcome in again if outcome.state == "failed"]
        tell(leftovers.seal_dead_runs(environments.state_dir()))
    if not entries and not damaged and not said and not wrong:
        echo(t("nothing to heal"))
    raise SystemExit(5 if failed or wrong else 4 if running or damaged else 0)


def _why_left(entry: Entry) -> str:
    from chaos_ext.safety import free, processes

    if entry.runner_host == processes.host():
        return t(
            "left {name} in {instance}: its run (pid {pid}) is alive",
            name=entry.name,
            instance=entry.instance,
            pid=entry.runner_pid,
        )
    if entry.lease() == "doubtful":
        return t(
            "left {name} in {instance}: its lease until {until}, written at {wall} on {host}, cannot be true; here it "
            "is {now}. Set both clocks right; when that run is surely over: chaos heal --even-if-running",
            name=entry.name,
            instance=entry.instance,
            until=free.moment(entry.lease_until),
            wall=entry.intended_wall,
            host=entry.runner_host,
            now=free.now(),
        )
    return t(
        "left {name} in {instance}: its run on {host} (pid {pid}) may be alive until {until}. When that machine is "
        "surely gone: chaos heal --even-if-running",
        name=entry.name,
        instance=entry.instance,
        host=entry.runner_host,
        pid=entry.runner_pid,
        until=free.moment(entry.lease_until),
    )


def _mark_and_tidy(directory: Path, books: list[Book]) -> Iterator[str]:
    """Mark what dead runners left in the middle of a runbook, and say so. Forget holds that went silent."""
    from contextlib import suppress

    from chaos_ext.errors import Blocked
    from chaos_ext.safety import free, mitigating
    from chaos_ext.safety.ledger import Ledger

    for book in books:
        url = book.where if "://" in book.where else ""
        ledger = Ledger(directory, book.environment, book.instance, url)
        yield from mitigating.mark_left(ledger, free.left_mitigations(book), t("its runner is gone"))
        with suppress(Blocked):
            for key, hold in book.holds.items():
                if free.is_silent(book, hold):
                    ledger.append(key, "let-go", {})


@click.group(cls=Group)
def ledger() -> None:
    """The undo ledger: what was broken, and whether it was put back.

    \b
    Example:
        chaos ledger show
    """


@ledger.command()
@click.option("--all", "everything", is_flag=True, help="Also what was put back.")
@_ENV
@formatted("table", "json", help="How to print it.")
@guarded
def show(everything: bool, environment: str | None, form: str) -> None:
    """Show what is open; with --all, everything that was ever injected.

    This machine's files, and the ledgers that machines share. Exit code 4 when one cannot be read.

    \b
    Example:
        chaos ledger show --all --format json
        chaos ledger show --env dedicated
    """
    _, books, damaged = _known(environment, everything)
    found = sorted((e for book in books for e in book.entries.values()), key=lambda e: e.intended_wall)
    entries = [entry for entry in found if everything or entry.is_open]
    rows = [_row(entry) for entry in entries]
    if form == "json":
        click.echo(json.dumps([{**row, **_more(e)} for row, e in zip(rows, entries, strict=True)], indent=2))
    elif rows:
        table([[_said(key, words) for key, words in row.items()] for row in rows], _COLUMNS)
    elif not damaged:
        echo(t("nothing was ever injected") if everything else t("nothing is open"))
    if form == "table":
        _say_marks(books)
    for error in damaged:
        echo(error, err=True)
    if damaged:
        raise SystemExit(4)


def _say_marks(books: list[Book]) -> None:
    from chaos_ext.safety import free

    for book in books:
        for each in free.left_in(book):
            echo(
                t(
                    "'{environment}' needs a person: {runbook} was left in the middle of '{heading}' ({step}) at "
                    "{wall}",
                    environment=book.environment,
                    runbook=each.runbook,
                    heading=each.heading,
                    step=each.step,
                    wall=each.wall,
                )
            )


def _known(environment: str | None, everything: bool = False) -> tuple[Path, list[Book], list[Blocked]]:
    """This machine's folder, what all ledgers say, and which could not be read."""
    from chaos_ext.errors import Blocked
    from chaos_ext.safety import free, shared

    directory = shared.directory()
    problems: list[str] = []
    urls = shared.urls(problems, environment)
    damaged = [Blocked(problem) for problem in problems]
    books = shared.books(directory, damaged, urls, everything)
    found = [free.with_silence(book) for book in books if environment in (None, book.environment)]
    return directory, found, damaged


def _row(entry: Entry) -> dict[str, str]:
    return {
        "state": entry.state,
        "name": entry.name,
        "environment": entry.environment,
        "instance": entry.instance,
        "intended": entry.intended_wall,
        "runner": _runner(entry),
        "why": entry.why,
    }


def _runner(entry: Entry) -> str:
    from chaos_ext.safety import free, processes

    if entry.runner_host == processes.host():
        return t("{pid} alive" if entry.runner_may_live() else "{pid} dead", pid=entry.runner_pid)
    pid, host, until = entry.runner_pid, entry.runner_host, free.moment(entry.lease_until)
    if entry.runner_is_gone or entry.state == "failed":
        return t("{pid} on {host}, gone", pid=pid, host=host)
    if entry.lease() == "doubtful":
        return t("{pid} on {host}, lease until {until}?", pid=pid, host=host, until=until)
    return t("{pid} on {host}, lease until {until}", pid=pid, host=host, until=until)


def _said(key: str, words: str) -> str:
    """What stands in the ledger in English, for a screen."""
    from chaos_ext.safety.heal import STATES

    if key == "state":
        return STATES.get(words, words)
    return spoken(words) if key == "why" else words


def _more(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "ledger": entry.ledger or str(entry.path),
        "changed": entry.changed_wall,
        "lease_until": entry.lease_until,
        "host": entry.runner_host,
        "target": entry.target,
        "prior": entry.prior,
        "output": entry.output,
        "holder": vars(entry.holder) if entry.holder else None,
        "activity": entry.activity,
        "undo": entry.undo,
        "in_force": entry.in_force,
    }
