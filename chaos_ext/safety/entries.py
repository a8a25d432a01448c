"""One fault in the undo ledger: what was done, how it is undone, and whether its runner may still come back."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from chaos_ext.safety import processes

if TYPE_CHECKING:  # the models take longer to import than all the rest of a janitor
    from chaos_ext.model import Activity

State = Literal["intended", "injected", "undone", "superseded", "failed"]
STATES: tuple[State, ...] = ("intended", "injected", "undone", "superseded", "failed")
CLOSED: tuple[State, ...] = ("undone", "superseded")
LONGEST_LEASE_S = 86400.0  # a fault that was allowed to last longer was written by a clock that was wrong
CLOCKS_DIFFER_S = 60.0  # by which two machines' clocks may differ without anybody doubting them
Lease = Literal["running", "over", "doubtful"]


@dataclass(frozen=True)
class Holder:
    """The process that a fault lives in (a lock, sessions): by pid and start, because pids are given out again."""

    pid: int
    started: str  # as processes.start_of has it
    host: str

    @property
    def is_here_and_lives(self) -> bool:
        """Whether that very process, and no other with its pid, lives on this machine."""
        return self.host == processes.host() and processes.is_alive(self.pid, self.started)


@dataclass(frozen=True)
class Entry:
    """One fault: what was done, how it is undone, how one sees that it is in force, and how far it got."""

    id: str
    path: Path  # the ledger file, or the local copy of a shared ledger, that holds it
    name: str
    environment: str
    instance: str
    identity: dict[str, dict[str, str]]  # what must be proven before anything is touched
    activity: Activity
    undo: Activity | None
    cannot_be_undone_because: str
    in_force: Activity
    configuration: dict[str, Any]
    target: Any
    prior: Any  # what was seen before the fault
    lease_until: float  # seconds since 1970; later than this nobody is expected to come back for it
    runner_pid: int
    runner_started: str
    runner_host: str
    intended_wall: str
    state: State
    changed_wall: str
    why: str = ""
    output: Any = None  # what the injecting activity returned
    ledger: str = ""  # URL of the shared ledger that holds it, without a password; "" when a file does
    holder: Holder | None = None
    runner_is_gone: bool = (
        False  # a shared ledger has not heard of its runner for longer than a runner is silent
    )
    ahead_s: float = 0.0  # this machine's clock, of the one by which its lease counts

    @property
    def targets(self) -> list[str]:
        """What it hits, each once; also when an older version wrote it."""
        return self.target if isinstance(self.target, list) else [str(self.target)]

    @property
    def is_open(self) -> bool:
        """Whether something may still be broken."""
        return self.state not in CLOSED

    def lease(self, now: float | None = None) -> Lease:
        """Whether its runner may still come back for it, by the clock; doubtful when that cannot be true."""
        now = time.time() - self.ahead_s if now is None else now
        intended = seconds_of(self.intended_wall)
        if intended is None or intended > now + CLOCKS_DIFFER_S:
            return "doubtful"
        if not -1.0 <= self.lease_until - intended <= LONGEST_LEASE_S:
            return "doubtful"
        return "running" if now < self.lease_until else "over"

    def runner_may_live(self) -> bool:
        """Whether whoever injected this may still come back for it.

        On another machine we cannot see its process; there the lease decides, unless its runner is known to
        have given up or to be gone. A lease that cannot be true leaves the doubt.
        """
        if self.runner_host == processes.host():
            return processes.is_alive(self.runner_pid, self.runner_started)
        return not self.runner_is_gone and self.state != "failed" and self.lease() != "over"

    def is_of_this_process(self) -> bool:
        """Whether this very process injected it."""
        return (self.runner_host, self.runner_pid, self.runner_started) == (
            processes.host(),
            *processes.myself(),
        )


# what is not part of the first line's `fault`
NOT_OF_THE_FAULT = (
    "id", "path", "state", "changed_wall", "why", "output", "ledger", "holder", "runner_is_gone",
    "ahead_s",
)  # fmt: skip


def seconds_of(wall: str) -> float | None:
    """A moment as `record.wall_now` writes it, in seconds since 1970; None when it is none."""
    try:
        moment = datetime.fromisoformat(wall)
        return moment.timestamp() if moment.tzinfo is not None else None
    except (ValueError, OverflowError, OSError):
        return None


def file_stem(instance: str) -> str:
    """A file name for `instance`: itself when that is a harmless name, otherwise its digest."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", instance):
        return instance
    return hashlib.sha256(instance.encode(errors="replace")).hexdigest()[:40]
