"""Undoes at once when a trial is aborted, whatever the main thread is busy with.

The main thread may sit in a block of a runbook, in an injection, in an activity of others or in a pause of Chaos
Toolkit. It winds up in its own time; its rollbacks then find everything undone. What cannot be undone here is left
to them, and to the janitor; so is what may be broken once more by a call that does not end.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from chaos_ext.errors import ChaosExtError
from chaos_ext.safety.abort import Abort, under_way
from chaos_ext.safety.heal import Outcome, undo_entry, undo_once
from chaos_ext.safety.ledger import Entry, Ledger

# From the abort on: what is under way may end before something is undone below it, a block of a runbook above all.
PATIENCE_S = 0.1
# What hangs may come back and change something. Faults were undone meanwhile, and are undone again.
HANGING_S = 6.0

Emit = Callable[..., Any]  # emit(kind, **fields), as record.Recorder.emit


class Stopper:
    """Waits for the abort in a thread of its own."""

    def __init__(self, abort: Abort, ledger: Ledger, emit: Emit) -> None:
        self._abort, self._ledger, self._emit = abort, ledger, emit
        self._expected: dict[str, Entry] = {}
        self._secrets: dict[str, dict[str, Any]] = {}
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stopper", daemon=True)
        self._thread.start()
        abort.when_set(self._wake.set)

    def expect(self, entry: Entry, secrets: dict[str, Any]) -> None:
        """A fault that is about to go in, and what looking at it needs."""
        self._expected[entry.id] = entry
        self._secrets[entry.id] = secrets

    def close(self) -> None:
        """Wait for what it has begun to undo. A second call does nothing."""
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        self._wake.wait()
        if not self._abort.is_set():
            return
        asked = self._abort.asked
        self._record(
            "abort",
            why=self._abort.why,
            seen=self._abort.seen,
            by=asked.by if asked else "",
            condition=asked.condition if asked else "",
        )
        going_on = under_way.wait_for_end(PATIENCE_S)
        if not (left := self._left()):
            return
        after_s = time.monotonic() - (self._abort.seen or 0.0)
        self._record("undo-started", name=left[0].name, entry=left[0].id, after_s=round(after_s, 6))
        once: dict[str, Outcome | None] = {}
        if going_on:
            once = {
                entry.id: undo_once(entry, self._secrets.get(entry.id), waits=self._waits(entry))
                for entry in left
            }
            if under_way.wait_for_end(HANGING_S):
                return  # the entries stay open: rollbacks come right after what hangs
        for entry in left:
            outcome = undo_entry(entry, secrets=self._secrets.get(entry.id), waits=self._waits(entry))
            before = once.get(entry.id)
            if outcome.state == "already" and before is not None:
                outcome = before
            if outcome.state != "already":
                self._record(
                    "fault-undone", name=entry.name, entry=entry.id, outcome=outcome.state, why=outcome.why
                )

    def _left(self) -> list[Entry]:
        """What is broken by us, the last fault first; when the ledger cannot be read any more, as we knew it."""
        entries = list(self._expected.values())
        with contextlib.suppress(ChaosExtError, OSError):
            entries = [e for e in self._ledger.entries() if e.is_open and e.is_of_this_process()]
        return entries[::-1]

    def _waits(self, entry: Entry) -> Callable[[str], None]:
        return lambda who: self._record("undo-waits", name=entry.name, entry=entry.id, why=who)

    def _record(self, kind: str, **fields: Any) -> None:
        with contextlib.suppress(OSError):  # a full disk is no reason to leave something broken
            self._emit(kind, **fields)
