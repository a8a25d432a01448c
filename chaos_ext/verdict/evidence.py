"""What a verdict is derived from, as plain data, and which of it can be believed to be whole.

An event that lacks a field, or holds something else in it, is as good as one that was never recorded:
it is put aside here, so that the rules may read every event they meet without looking twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from chaos_ext.meter.samples import Sample
from chaos_ext.model import Arm, Environment, Event, FailureMode, Mutation, Objectives, Services
from chaos_ext.verdict.alerted import is_watch


@dataclass(frozen=True)
class TrialEvidence:
    """One trial as it was saved. Nothing in it was judged."""

    trial: str  # its directory's name, such as "01-treatment"
    arm: Arm
    events: tuple[Event, ...]
    samples: tuple[Sample, ...]
    writes: tuple[dict[str, Any], ...]  # lines of writes.jsonl: before a send, and after it
    journal: dict[str, Any] | None  # Chaos Toolkit's own; None when it left none
    read_back: tuple[
        dict[str, Any], ...
    ] = ()  # lines of readback.jsonl: {"flow", "store", "items"} as they came
    reads: tuple[dict[str, Any], ...] = ()  # lines of reads.jsonl: every look at a store
    unreadable: tuple[str, ...] = ()  # files that are damaged, each with what is wrong
    step: str = ""  # name of the runbook's block that was left out or mistaken
    mutation: Mutation | None = None  # the mistake


@dataclass(frozen=True)
class RunEvidence:
    """A whole run: what was claimed, where, and what each trial recorded."""

    mode: FailureMode
    environment: Environment
    services: Services
    trials: tuple[TrialEvidence, ...]
    arms: tuple[Arm, ...] = ()  # the trials that were planned; empty: the ones that are there
    events: tuple[Event, ...] = ()  # of the run itself: labs started and stopped
    unreadable: tuple[str, ...] = ()  # the run's own files that are damaged
    runbook_digest: str = ""  # sha256 of the runbook when the run began; empty: not known

    @property
    def objectives(self) -> Objectives:
        """What a recovery must keep to in this environment."""
        return self.mode.objectives_in(self.environment.name)

    @property
    def rehearses(self) -> bool:
        """Whether there were no users: nothing was measured, and no alert was looked for."""
        return self.environment.rehearsal is not None

    @property
    def has_runbook(self) -> bool:
        """Whether there is anything to follow; without it the best verdict is `reproduced`."""
        return self.mode.runbook != "none"

    @property
    def faults(self) -> tuple[str, ...]:
        """Names of the faults that must be in force on this platform."""
        return tuple(fault.name for fault in self.mode.reproduce.get(self.environment.platform, ()))

    @property
    def expires_after_s(self) -> float | None:
        """After how many seconds the provider ends the (first such) fault by itself; None: never."""
        ends = [f.expires_after for f in self.mode.reproduce.get(self.environment.platform, ())]
        known = [end for end in ends if end is not None]
        return min(known) if known else None


_TEXT, _FLAG, _TIME, _LIST, _MAP, _COUNT = "text", "flag", "time", "list", "map", "count"
_TEXTS = "list of texts"
_TIME_OR_NONE = "time or null"

# What the rules read of each kind of event. Kinds that are not named here are only shown, never judged.
_READ: dict[str, dict[str, str]] = {
    "trial-started": {"trial": _TEXT, "arm": _TEXT, "mode": _TEXT, "environment": _TEXT},
    "environment-proven": {"proofs": _LIST},
    "meter-started": {"flows": _MAP},
    "baseline": {"holds": _FLAG},
    "fault-intended": {"name": _TEXT},
    "fault-injected": {"name": _TEXT, "started": _TIME, "ended": _TIME},
    "fault-not-injected": {"name": _TEXT},
    "fault-in-force": {"when": _TEXT, "holds": _FLAG, "evidence": _LIST},
    "impact": {"seen": _FLAG},
    "alert": {
        "name": _TEXT,
        "fired": _FLAG,
        "earliest": _TIME_OR_NONE,
        "latest": _TIME_OR_NONE,
        "links": _FLAG,
    },
    "runbook-started": {"runbook": _TEXT, "digest": _TEXT},
    "verification-before": {"passed": _FLAG},
    "verification-after": {"passed": _FLAG},
    "step-started": {"step": _TEXT, "role": _TEXT},
    "step-finished": {"step": _TEXT, "role": _TEXT, "ok": _FLAG},
    "runbook-finished": {"ok": _FLAG, "needs_person": _FLAG, "exercised": _LIST},
    "watched": {"seconds": _TIME},
    "recovery": {"recovered": _FLAG, "earliest": _TIME_OR_NONE, "latest": _TIME_OR_NONE},
    "write-log": {
        "acknowledged": _COUNT,
        "lost": _TEXTS,
        "duplicated": _TEXTS,
        "unexpected": _TEXTS,
        "readable": _FLAG,
    },
    "fault-undone": {"name": _TEXT, "outcome": _TEXT},
    "snapshot": {"when": _TEXT, "seen": _MAP, "failed": _MAP},
    "restored": {"holds": _FLAG, "differences": _LIST},
    "abort": {},
    "trial-finished": {},
}


# What the rules read where it is there: versions before did not record it.
_READ_IF_THERE: dict[tuple[str, str], Callable[[object], bool]] = {("alert", "watch"): is_watch}


def split(events: Iterable[Event]) -> tuple[tuple[Event, ...], tuple[str, ...]]:
    """The events that are whole, and for each other one a sentence that says what it lacks."""
    whole: list[Event] = []
    damaged: list[str] = []
    for event in events:
        lack = [
            f"{field} ({expected})"
            for field, expected in {"at": _TIME, **_READ.get(str(event.get("kind")), {})}.items()
            if not _is(expected, event.get(field, _ABSENT))
        ]
        lack += [
            field
            for (kind, field), holds in _READ_IF_THERE.items()
            if kind == event.get("kind") and field in event and not holds(event[field])
        ]
        if lack:
            damaged.append(f"event {event.get('kind')!r} lacks {', '.join(lack)}")
        else:
            whole.append(event)
    return tuple(whole), tuple(damaged)


_ABSENT = object()


def _is(expected: str, value: object) -> bool:
    if expected == _TIME_OR_NONE:
        return value is None or _is(_TIME, value)
    if expected == _TIME:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if expected == _COUNT:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if expected == _TEXTS:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    types: dict[str, type] = {_TEXT: str, _FLAG: bool, _LIST: list, _MAP: dict}
    return isinstance(value, types[expected])
