"""One run as data: what a page, a comment and JSON show of it. Pure.

Nothing here judges: the verdict is the one that was sealed, which trials count is `verdict.validity`'s to say, and what
was measured is `verdict.facts`'.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from chaos_ext.meter.staleness import Shown
from chaos_ext.model import Arm, Event, Interval, Reason
from chaos_ext.pages.kept import Kept
from chaos_ext.pages.stores import StoreOfTrial, shown_of, stores_of
from chaos_ext.pages.timeline import Timeline, timeline
from chaos_ext.verdict import detection, validity
from chaos_ext.verdict.detection import Linked
from chaos_ext.verdict.facts import Facts
from chaos_ext.verdict.hops import Hop


@dataclass(frozen=True)
class Trial:
    """One arm, lived through once."""

    name: str
    arm: Arm
    variant: str  # of an arm that has several: the mistake, and the block that was left out or mistaken
    started: Event  # with what it tries; empty when that was not recorded
    why_not: tuple[Reason, ...]  # why it counts for nothing; empty: it counts
    detected: Interval | None  # after the fault
    alert: Event | None
    hops: tuple[Hop, ...]  # how it was noticed
    linked: Linked | None
    recovered: bool  # or, when there was no fault, unhurt
    recovery: Interval | None  # after the fault
    slowest: str | None  # the flow that was the last to be back, or that is not
    watched_s: float
    writes: Event | None
    stores: tuple[StoreOfTrial, ...]
    shown: tuple[Shown, ...]
    finished: Event | None  # the runbook's end
    in_force: tuple[Event, ...]
    restored: Event | None
    picture: Timeline
    events: tuple[Event, ...]

    @property
    def counts(self) -> bool:
        """Whether the verdict rests on it."""
        return not self.why_not


@dataclass(frozen=True)
class ArmOfRun:
    """The trials of one arm (and variant) together."""

    arm: Arm
    variant: str
    trials: tuple[Trial, ...]

    @property
    def valid(self) -> tuple[Trial, ...]:
        """Those that count."""
        return tuple(trial for trial in self.trials if trial.counts)

    @property
    def back(self) -> int:
        """How many of those that count saw users come back."""
        return sum(trial.recovered for trial in self.valid)

    @property
    def recovery(self) -> Interval | None:
        """From the soonest to the latest recovery of those that count."""
        return _around(trial.recovery for trial in self.valid)

    @property
    def detected(self) -> Interval | None:
        """From the soonest to the latest alert of those that count."""
        return _around(trial.detected for trial in self.valid)

    @property
    def watched_s(self) -> float:
        """How long those that count were watched at least."""
        return min((trial.watched_s for trial in self.valid), default=0.0)


@dataclass(frozen=True)
class StepOfRun:
    """One block of the runbook over all trials that followed the whole of it."""

    step: str
    heading: str
    role: str
    command: str
    done: int
    ok: int
    seconds: tuple[float, float, float]  # shortest, median, longest
    why: str  # of the first time it failed

    @property
    def once(self) -> bool:
        """Whether there is one duration only."""
        return self.seconds[0] == self.seconds[2]


@dataclass(frozen=True)
class Run:
    """All of it."""

    kept: Kept
    trials: tuple[Trial, ...]
    arms: tuple[ArmOfRun, ...]
    steps: tuple[StepOfRun, ...]
    not_reached: tuple[str, ...]  # headings of steps for this platform that no trial came to

    @property
    def treated(self) -> tuple[Trial, ...]:
        """Where the whole runbook was followed."""
        return tuple(trial for trial in self.trials if trial.arm is Arm.TREATMENT)

    @property
    def alone(self) -> tuple[Trial, ...]:
        """Where nobody acted."""
        return tuple(trial for trial in self.trials if trial.arm is Arm.NO_ACTION)

    def arm(self, arm: str) -> ArmOfRun | None:
        """The trials of `arm` without a variant."""
        return next((each for each in self.arms if each.arm == arm and not each.variant), None)

    @property
    def shown(self) -> tuple[Trial, ...]:
        """One trial of each arm, to be shown in full: the slowest that counts, else the first."""
        return tuple(_telling(each.trials) for each in self.arms)


def told(kept: Kept) -> Run:
    """What there is to show of a run."""
    facts = [Facts(kept.evidence, trial) for trial in kept.evidence.trials]
    trials = tuple(map(_trial, facts))
    steps = tuple(_steps([trial for trial in trials if trial.arm is Arm.TREATMENT]))
    return Run(kept, trials, tuple(_arms(trials)), steps, tuple(_not_reached(kept, trials)))


def _trial(facts: Facts) -> Trial:
    alert, fault, restored = facts.last("alert"), facts.fault, facts.last("restored")
    seen = (
        Interval(alert["earliest"], alert["latest"])
        if alert and alert["fired"] and None not in (alert["earliest"], alert["latest"])
        else None
    )
    back = facts.recovery.interval
    return Trial(
        name=facts.trial,
        arm=facts.arm,
        variant=" ".join(part for part in (facts.mutation, facts.step) if part),
        started=facts.last("trial-started") or {},
        why_not=validity.invalid(facts),
        detected=facts.since_fault(seen) if fault and seen else None,
        alert=alert
        and {**alert, "receivers": _listed(alert.get("receivers")), "told": _listed(alert.get("told"))},
        hops=detection.hops(facts),
        linked=detection.linked(facts),
        recovered=_well(facts),
        recovery=facts.since_fault(back) if fault and back else None,
        slowest=facts.recovery.flow,
        watched_s=facts.watched_s,
        writes=_writes(facts.last("write-log")),
        stores=tuple(stores_of(facts)),
        shown=tuple(shown_of(facts)),
        finished=facts.last("runbook-finished"),
        in_force=tuple(
            {**look, "evidence": [seen for seen in look["evidence"] if isinstance(seen, dict)]}
            for look in facts.all("fault-in-force")
        ),
        restored=restored and {**restored, "left": _listed(restored.get("left"))},
        picture=timeline(facts),
        events=facts.evidence.events,
    )


def _writes(log: Event | None) -> Event | None:
    """What a write log counted: numbers and lists, whatever else another version put there."""
    if log is None:
        return None
    of_all = {key: value for key, value in log.items() if key not in ("stores", "shown")}
    kept = {key: value for key, value in of_all.items() if key in ("readable", "why") or _counts(value)}
    counts = {
        key: value for key in ("acknowledged", "indeterminate") if isinstance(value := kept.get(key), int)
    }
    return {**kept, "acknowledged": 0, "indeterminate": 0, **counts, "lost": _listed(log.get("lost"))}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _counts(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, int) and not isinstance(value, bool))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _well(facts: Facts) -> bool:
    """Whether users were back; of a runbook that was followed without a fault, whether it hurt nobody."""
    if facts.arm is not Arm.HEALTHY:
        return facts.recovery.recovered
    looked = facts.last("recovery")
    return bool(looked and looked["recovered"])


def _arms(trials: Sequence[Trial]) -> Iterable[ArmOfRun]:
    """In the order in which arms are explained, and within an arm as the variants came."""
    for arm in Arm:
        of = [trial for trial in trials if trial.arm is arm]
        for variant in dict.fromkeys(trial.variant for trial in of):
            yield ArmOfRun(arm, variant, tuple(trial for trial in of if trial.variant == variant))


def _around(intervals: Iterable[Interval | None]) -> Interval | None:
    known = [each for each in intervals if each is not None]
    if not known:
        return None
    return Interval(min(each.earliest for each in known), max(each.latest for each in known))


def _telling(trials: Sequence[Trial]) -> Trial:
    valid = [trial for trial in trials if trial.counts] or list(trials)
    return max(valid, key=lambda trial: trial.recovery.latest if trial.recovery else -1.0)


def _steps(treated: Sequence[Trial]) -> Iterable[StepOfRun]:
    """By block: a step with several blocks has several rows, told apart by what they run."""
    found: dict[tuple[str, str, str], list[Event]] = {}
    for trial in treated:
        for event in trial.events:
            if event.get("kind") == "step-finished":
                key = (str(event.get("step")), str(event.get("role")), str(event.get("command") or ""))
                found.setdefault(key, []).append(event)
    for (step, role, command), events in found.items():
        took = [_number(e.get("seconds")) for e in events]
        failed = [e for e in events if not e.get("ok")]
        yield StepOfRun(
            step=step,
            heading=str(events[0].get("heading") or step),
            role=role,
            command=command.strip("\n"),
            done=len(events),
            ok=len(events) - len(failed),
            seconds=(min(took), median(took), max(took)),
            why=str(failed[0].get("why") or "") if failed else "",
        )


def _not_reached(kept: Kept, trials: Sequence[Trial]) -> Iterable[str]:
    """Steps of the runbook that hold something to run here, and that nobody came to (a branch that was not taken)."""
    if kept.runbook is None:
        return
    reached = {
        event.get("step")
        for trial in trials
        for event in trial.events
        if event.get("kind") == "step-finished"
    }
    for step in kept.runbook.all_steps:
        if step.blocks_on(kept.evidence.environment.platform) and step.key not in reached:
            yield step.heading


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` when it is a mapping, else an empty one: files of other versions hold what they hold."""
    return value if isinstance(value, Mapping) else {}
