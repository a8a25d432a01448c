"""`chaos env reserve|release|clear|status`: who has an environment, and whether anything may run in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo, formatted
from chaos_ext.language import t

if TYPE_CHECKING:
    from chaos_ext.errors import Blocked
    from chaos_ext.safety.book import Book, Reservation
    from chaos_ext.safety.ledger import Ledger


@click.command(
    epilog="""\b
Examples:
  chaos env reserve dedicated --from '2026-12-01T10:00+09:00' --until '2026-12-01T12:00+09:00' --for 'load test'
  chaos env reserve dedicated --from '2026-12-01 10:00' --until '2026-12-01 12:00' --zone Asia/Tokyo --for rehearsal"""
)
@click.argument("name", metavar="ENV")
@click.option(
    "--from", "starts", required=True, metavar="TIME", help="With its zone: '2026-12-01 10:00 Asia/Tokyo'."
)
@click.option("--until", "ends", required=True, metavar="TIME", help="The end, likewise.")
@click.option("--for", "purpose", required=True, help="What for, such as 'load test'.")
@click.option("--by", help="For whom; default $CHAOS_BY, else your user name.")
@click.option("--zone", help="The zone of times that name none, such as Asia/Tokyo.")
@guarded
def reserve(name: str, starts: str, ends: str, purpose: str, by: str | None, zone: str | None) -> None:
    """Have an environment to yourself for a window of time.

    Inside it nobody else starts anything there, and no fault goes in. A window that overlaps another is refused.
    Exit code 4 then.
    """
    import time

    from chaos_ext.errors import Problem, UsageError
    from chaos_ext.safety import reservations

    begin, said_in = reservations.moment("--from", starts, zone)
    end, _ = reservations.moment("--until", ends, zone)
    now = time.time()
    if end <= max(begin, now):
        expected = t("a time after --from, and not past")
        raise UsageError([Problem("--until", "", f"'{ends}'", expected)])
    made = reservations.reserve(_windows(name), begin, end, said_in, purpose, by or reservations.me())
    echo(
        t(
            "{environment}: reserved {said} (id {id})",
            environment=name,
            said=reservations.told(made),
            id=made.id,
        )
    )


@click.command(
    epilog="""\b
Examples:
  chaos env release dedicated
  chaos env release dedicated --id 1f2e3d4c5b6a"""
)
@click.argument("name", metavar="ENV")
@click.option("--id", "which", help="Which one (chaos env status shows them); default: your only one.")
@click.option("--by", help="Whose; default $CHAOS_BY, else your user name.")
@guarded
def release(name: str, which: str | None, by: str | None) -> None:
    """Give a window of time back."""
    import time

    from chaos_ext.errors import Problem, UsageError
    from chaos_ext.safety import reservations

    windows, me = _windows(name), by or reservations.me()
    there = [each for each in windows.book().reservations.values() if each.ends > time.time()]
    mine = [each for each in there if (each.by == me if which is None else each.id == which)]
    if len(mine) != 1:
        known = "; ".join(f"{each.id}: {reservations.told(each)}" for each in there) or t("none")
        raise UsageError(
            [
                Problem(
                    "--id",
                    "",
                    repr(which) if which else t("{count} windows of '{me}'", count=len(mine), me=me),
                    t("the id of one window"),
                    t("There are: {known}", known=known),
                )
            ]
        )
    reservations.release(windows, mine[0], reservations.me())
    echo(t("{environment}: released {said}", environment=name, said=reservations.told(mine[0])))


@click.command(
    epilog="""\b
Example:
  chaos env clear dedicated --reason 'looked at the replicas: all three follow pg-b'"""
)
@click.argument("name", metavar="ENV")
@click.option("--reason", required=True, help="What you looked at, and why it may go on.")
@click.option("--by", help="Who looked; default $CHAOS_BY, else your user name.")
@guarded
def clear(name: str, reason: str, by: str | None) -> None:
    """Say that a person has looked at an environment that needs one; who and why are kept.

    Refused (exit code 4) while a fault is still open there: 'chaos heal' first.
    """
    from chaos_ext.errors import Blocked, Problem, UsageError
    from chaos_ext.safety import free, mitigating, reservations
    from chaos_ext.safety.ledger import Ledger

    if not reason.strip():
        raise UsageError([Problem("--reason", "", "''", t("what you looked at, and why it may go on"))])
    directory, books, damaged = _known(name)
    if damaged:
        raise damaged[0]
    cleared = 0
    for book in books:
        keys = [each.id for each in free.left_in(book)]
        if keys and book.open_entries:
            raise Blocked(
                t(
                    "{environment}: got {count} faults still open, expected none when a person says that all is well. "
                    "Run 'chaos heal' first.",
                    environment=name,
                    count=len(book.open_entries),
                )
            )
        url = book.where if "://" in book.where else ""
        ledger = Ledger(directory, name, book.instance, url)
        mitigating.clear(ledger, keys, by or reservations.me(), reason.strip())
        cleared += len(keys)
    if cleared:
        echo(
            t(
                "{environment}: cleared by {who}: {reason}",
                environment=name,
                who=by or reservations.me(),
                reason=reason,
            )
        )
    else:
        echo(t("{environment}: nobody was needed", environment=name))


@click.command(
    epilog="""\b
Examples:
  chaos env status
  chaos env status dedicated --format json"""
)
@click.argument("name", metavar="[ENV]", required=False)
@formatted("table", "json", help="How to print it.")
@guarded
def status(name: str | None, form: str) -> None:
    """Who runs something in an environment, what is broken there, who has reserved it, and whether it needs a person.

    Exit code 4 when its ledger cannot be read: then nobody knows.
    """
    from chaos_ext import environments

    names = [name] if name else environments.names()
    found = [_status(each) for each in names]
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for each in found:
            _say(each)
    if any(each["unknown"] for each in found):
        raise SystemExit(4)


def _status(name: str) -> dict[str, Any]:
    import time

    from chaos_ext.errors import ChaosExtError
    from chaos_ext.safety import free, hold, lock
    from chaos_ext.safety.book import Book

    try:
        directory, books, damaged = _known(name)
    except ChaosExtError as error:
        return _nothing(name) | {"unknown": [str(error)]}
    now = time.time()
    found = _nothing(name) | {"unknown": [str(error) for error in damaged]}
    if not any(book.instance == name for book in books):  # held, and nothing was ever written there
        books.append(Book(name, name))
    for book in books:
        if holder := lock.holder_of(directory, book.instance):
            found["held"].append({"instance": book.instance, **holder})
        elif living := hold.living(book, now):
            each = living[0]
            runner = {"host": each.runner.host, "pid": each.runner.pid, "since": each.since}
            found["held"].append({"instance": book.instance, "what": each.what, "who": each.who, **runner})
        for entry in free.with_silence(book).open_entries:
            fault = {"name": entry.name, "instance": book.instance, "state": entry.state}
            found["open"].append(fault | {"since": entry.intended_wall, "alive": entry.runner_may_live()})
        for left in free.left_in(book):
            reached = {"runbook": left.runbook, "step": left.step, "heading": left.heading}
            found["needs_person"].append(reached | {"instance": book.instance, "since": left.wall})
        found["reservations"] += [_window(w, now) for w in book.reservations.values() if w.ends > now]
    found["reservations"].sort(key=lambda window: window["starts"])
    return found


def _nothing(name: str) -> dict[str, Any]:
    return {
        "environment": name,
        "held": [],
        "open": [],
        "needs_person": [],
        "reservations": [],
        "unknown": [],
    }


def _window(each: Reservation, now: float) -> dict[str, Any]:
    from chaos_ext.safety import reservations

    return {
        "id": each.id, "starts": each.starts, "ends": each.ends, "zone": each.zone, "purpose": each.purpose,
        "by": each.by, "now": each.starts <= now, "said": reservations.told(each),
    }  # fmt: skip


def _say(found: dict[str, Any]) -> None:
    name = found["environment"]
    for why in found["unknown"]:
        echo(t("{environment}: unknown: {why}", environment=name, why=why))
    for each in found["held"]:
        echo(
            t(
                "{environment}: in use: {what} of {who} on {host} (pid {pid}, since {since})",
                environment=name,
                **each,
            )
        )
    for each in found["needs_person"]:
        echo(
            t(
                "{environment}: needs a person: {runbook} was left in the middle of '{heading}' ({step}) at {since}. "
                "Look at it, then: chaos env clear {environment} --reason '…'",
                environment=name,
                **each,
            )
        )
    for each in found["open"]:
        echo(
            t(
                "{environment}: broken: {name} ({state}, since {since}), its run is alive"
                if each["alive"]
                else "{environment}: broken: {name} ({state}, since {since}). Run 'chaos heal'.",
                environment=name,
                **each,
            )
        )
    for each in found["reservations"]:
        echo(
            t(
                "{environment}: reserved now: {said} (id {id})"
                if each["now"]
                else "{environment}: reserved: {said} (id {id})",
                environment=name,
                **each,
            )
        )
    if not any(value for key, value in found.items() if key != "environment"):
        echo(t("{environment}: free", environment=name))


def _known(name: str) -> tuple[Any, list[Book], list[Blocked]]:
    """This machine's folder, and all that is known of one environment."""
    from chaos_ext import environments
    from chaos_ext.safety import shared

    environments.path_of(name)  # says when there is none of that name
    damaged: list[Blocked] = []
    directory = shared.directory()
    books = shared.books(directory, damaged, shared.urls([], name))
    return directory, [book for book in books if book.environment == name], damaged


def _windows(name: str) -> Ledger:
    """Where an environment's windows stand. Raises UsageError when there is no such environment."""
    from chaos_ext import environments
    from chaos_ext.safety import shared

    environment = environments.fill(environments.load(name), {}, only=("ledger", "secrets"))
    return shared.ledger_of(environment, name)


COMMANDS = (reserve, release, clear, status)
