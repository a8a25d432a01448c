"""A runbook that is changing things, in a place that is not thrown away: should its runner die, a person must look.

The ledger says before each such block how far it has got, and when all is over. What is left in the middle, by a
runner that died or by one that was stopped, becomes the mark *needs a person*; nothing runs there until
`chaos env clear`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.safety import processes
from chaos_ext.safety.book import Mitigation
from chaos_ext.safety.ledger import Ledger


class Step(Protocol):
    """What is known of a step of a runbook here."""

    @property
    def key(self) -> str: ...
    @property
    def heading(self) -> str: ...


@contextmanager
def following(ledger: Ledger, runbook: str, is_disposable: bool) -> Iterator[Callable[[Step], None]]:
    """Follow `runbook` in the block; call what this yields right before everything that changes something.

    That call raises Blocked when it cannot be written down: then nothing must be changed. A runbook that comes to an
    end of its own, good or bad, is over; one that ends in an exception (it was stopped) leaves the mark.
    """
    key = uuid.uuid4().hex[:12]
    pid, started = processes.myself()
    runner = {"pid": pid, "started": started, "host": processes.host()}
    reached: list[Step] = []

    def begins(step: Step) -> None:
        if is_disposable:
            return
        fields = {"runner": runner, "runbook": runbook, "step": step.key, "heading": step.heading}
        ledger.append(key, "mitigating", fields)
        reached.append(step)

    try:
        yield begins
    except BaseException as error:
        if reached:
            why = str(error) or type(error).__name__
            with suppress(Blocked):  # that it was begun is written down: its end will be missed
                mark(ledger, key, runbook, reached[-1].key, reached[-1].heading, why)
        raise
    if reached:
        ledger.append(key, "mitigated", {}, later=True)


def mark(ledger: Ledger, key: str, runbook: str, step: str, heading: str, why: str) -> None:
    """Write down, durably, that a person must look. Raises Blocked."""
    fields: dict[str, Any] = {"runbook": runbook, "step": step, "heading": heading, "why": why}
    ledger.append(key, "needs-person", fields, later=True)


def mark_left(ledger: Ledger, left: list[Mitigation], why: str) -> list[str]:
    """Mark what dead runners left in the middle; what was marked, or could not be, in words. Never raises."""
    said: list[str] = []
    for each in left:
        try:
            mark(ledger, each.id, each.runbook, each.step, each.heading, why)
            said.append(
                t(
                    "'{environment}' needs a person: {runbook} was left in the middle of '{heading}'",
                    environment=ledger.environment,
                    runbook=each.runbook,
                    heading=each.heading,
                )
            )
        except Blocked as error:
            said.append(str(error))
    return said


def clear(ledger: Ledger, keys: list[str], who: str, reason: str) -> None:
    """Write down that a person has looked: who, and why it may go on. Raises Blocked."""
    for key in keys:
        ledger.append(key, "cleared", {"who": who, "reason": reason})
