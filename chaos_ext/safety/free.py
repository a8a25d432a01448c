"""Whether anything may be broken in a place now: nothing unhealed, no person needed, nobody else's window of time.

Asked by everything that would inject, and again before each fault. Every doubt refuses, and says what to do.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.safety import processes, reservations
from chaos_ext.safety.book import Book, Hold, Left, Mitigation
from chaos_ext.safety.entries import CLOCKS_DIFFER_S, Entry
from chaos_ext.safety.ledger import Ledger


def refuse_unless_free(ledger: Ledger) -> None:
    """Raise Blocked when something is unhealed there, a person must look, or the time is somebody else's."""
    book = ledger.book()
    refuse_if_unhealed(book)
    refuse_if_marked(book, ledger.environment)
    reservations.refuse_if_reserved(reservations.book_of(ledger, book), ledger.environment)


def refuse_if_unhealed(book: Book) -> None:
    """Raise Blocked when something that nobody is looking after, or that is others', may still be broken.

    What this very process has injected, and is going to undo, does not count; what it failed to undo does.
    """
    entries = [
        e for e in with_silence(book).open_entries if e.state == "failed" or not e.is_of_this_process()
    ]
    if not entries:
        return
    doubtful = [e for e in entries if e.runner_host != processes.host() and _is_in_doubt(e)]
    if doubtful:
        raise Blocked(
            t(
                "{path}: got {name} of {host} with a lease until {until}, written at {wall}; here it is {now}. One "
                "of these clocks is wrong. Set both right (chronyc makestep), see whether that run is over, then "
                "'chaos heal --even-if-running'.",
                path=book.where,
                name=doubtful[0].name,
                host=doubtful[0].runner_host,
                until=moment(doubtful[0].lease_until),
                wall=doubtful[0].intended_wall,
                now=moment(time.time()),
            )
        )
    running = [e for e in entries if e.runner_may_live() and e.state != "failed"]
    if running and len(running) == len(entries):
        raise Blocked(
            t(
                "{path}: got {names} in force by a run that may be alive ({host}, pid {pid}), at the latest until "
                "{until}; expected nothing of others. Wait for it. If that machine is gone: after that time 'chaos "
                "heal' puts it back.",
                path=book.where,
                names=_names(running),
                host=running[0].runner_host,
                pid=running[0].runner_pid,
                until=moment(running[0].lease_until),
            )
        )
    raise Blocked(
        t(
            "{path}: got {unhealed} unhealed: {names}; expected none before anything new is "
            "broken. Run 'chaos heal'.",
            path=book.where,
            unhealed=len(entries),
            names=_names(entries),
        )
    )


def refuse_if_marked(book: Book, environment: str) -> None:
    """Raise Blocked when a runbook was left half-way there, and no person has looked since."""
    left = left_in(book)
    if left:
        raise Blocked(
            t(
                "{path}: got '{environment}' needs a person: {runbook} was left in the middle of '{heading}' at "
                "{wall}; expected nothing half-done. Look at it, then: chaos env clear {environment} --reason '…'",
                path=book.where,
                environment=environment,
                runbook=left[0].runbook,
                heading=left[0].heading,
                wall=left[0].wall,
            )
        )


def left_in(book: Book) -> list[Left]:
    """Everything that a person must look at, marked already or not."""
    return [*book.marks.values(), *left_mitigations(book)]


def left_mitigations(book: Book) -> list[Mitigation]:
    """Runbooks whose runner is gone in the middle of them; what this process follows is not among them."""
    living = {hold.runner for hold in book.holds.values() if not is_silent(book, hold)}

    def goes_on(mitigation: Mitigation) -> bool:
        if mitigation.runner.host == processes.host():
            return mitigation.runner.is_here_and_lives
        return mitigation.runner in living

    return [mitigation for mitigation in book.mitigations.values() if not goes_on(mitigation)]


def with_silence(book: Book) -> Book:
    """The book, its entries knowing whether their runner has not been heard of for too long."""
    silent = {hold.runner for hold in book.holds.values() if is_silent(book, hold)}
    silent -= {hold.runner for hold in book.holds.values() if not is_silent(book, hold)}
    gone = {(runner.pid, runner.started, runner.host) for runner in silent}
    for key, entry in book.entries.items():
        is_gone = (entry.runner_pid, entry.runner_started, entry.runner_host) in gone
        book.entries[key] = replace(
            entry, runner_is_gone=is_gone or entry.runner_is_gone, ahead_s=book.ahead_s
        )
    return book


def is_silent(book: Book, hold: Hold) -> bool:
    """Whether a hold on a shared environment has run out, by the ledger's clock when that was asked; with some room."""
    return time.time() - book.ahead_s > hold.lease_until + CLOCKS_DIFFER_S


def now() -> str:
    """This machine's time, as `moment` writes it."""
    return moment(time.time())


def moment(seconds: float) -> str:
    """Seconds since 1970 as people read them, UTC; the bare number when it is no date."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g}"


def _is_in_doubt(entry: Entry) -> bool:
    return entry.state != "failed" and not entry.runner_is_gone and entry.lease() == "doubtful"


def _names(entries: list[Entry]) -> str:
    return ", ".join(f"{entry.name} ({entry.state} {entry.changed_wall})" for entry in entries)
