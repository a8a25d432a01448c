"""Abort conditions: when a trial has gone so far wrong that it is stopped and undone. Pure.

Users outside the blast radius. A flow that the failure mode claims not to hurt, not even possibly, is hurt when every
one of the last stretches of time says so by itself, with the arithmetic of the meter (`slo.impact_of`): two stretches
in which most operations failed, or four below the SLO. A stretch is a stable window of the environment, and long enough
to hold a few operations of the flow. One unlucky operation, or a second of them, is none of that. Replayed over
the 509 saved trials of the shipped catalogue, this fires in none of the 438 that were verified.

A fault that outlives its objective. Users are still hurt when 1.5 times the objective have passed since the fault was
in, and a stable window on top, which even a recovery at the last moment would need to be seen. Where nobody acts, the
watch is meant to last as long as the slowest treatment; there the limit is half an objective after its end. Once it is
being looked whether users are back, this is not asked any more: that ends at the same moment by itself, and what comes
after it (reading back what was written, the undo) is what a trial that went wrong is there to show.

The environment's own limits: `longest_fault` since the first fault, and the number of targets that are broken at once.

A meter that was late proves nothing (`verdict/starved.py`). A verdict takes half of the operations late for no data;
what would end a trial asks for more: a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chaos_ext.language import listed, t
from chaos_ext.meter.samples import Sample
from chaos_ext.meter.slo import evidence, impact_of
from chaos_ext.model import Arm, Flow, Impact, ImpactClaim

PATIENCE = 1.5  # times the objective
LATE_S = 0.010  # sent later than this after its time is late
MOST_LATE = 0.25  # of the operations of a stretch
OPERATIONS = 10  # that all stretches together hold at least
_STRETCHES = {Impact.OUTAGE: 2, Impact.DEGRADED: 4}  # in a row
_HURT = (Impact.OUTAGE, Impact.DEGRADED)


class Reached(NamedTuple):
    """A condition that is met: its name in the environment's file, and why, in a sentence without its full stop."""

    condition: str
    why: str


@dataclass(frozen=True)
class Moment:
    """What is known of the trial at `now`; monotonic seconds."""

    began: float  # the fault began to go in
    was_in: float  # and was confirmed to be in
    now: float
    samples: Mapping[str, Sequence[Sample]]  # of each flow, sent since the fault began, known by now


def protect_users(arm: Arm, disposable: bool) -> bool:
    """Whether what users feel stops a trial.

    Not where a step is left out, or a mistake made, in a place that is thrown away: that it goes wrong is what is to be
    seen there, and one such trial must not end all others.
    """
    return not (disposable and arm in (Arm.WITHOUT_STEP, Arm.MUTATED))


def span_s(flows: Mapping[str, Flow], stable_s: float) -> float:
    """How far back these conditions look."""
    most = max(_STRETCHES.values())
    return max(max(most * stable_s, OPERATIONS / flow.per_second) for flow in flows.values())


def hurt_outside_claim(
    moment: Moment, claim: ImpactClaim, flows: Mapping[str, Flow], stable_s: float
) -> Reached | None:
    """A flow that is surely not to be hurt is hurt."""
    for name, flow in flows.items():
        if claim.on(name) is not Impact.NONE or claim.possible.get(name, Impact.NONE) is not Impact.NONE:
            continue
        for worst, stretches in _STRETCHES.items():
            each_s = max(stable_s, OPERATIONS / flow.per_second / stretches)
            begin = moment.now - stretches * each_s
            if begin < moment.began or not measured(moment, begin):
                continue
            of = [s for s in evidence(moment.samples.get(name, ())) if begin <= s.done <= moment.now]
            felt = [
                impact_of(
                    [s for s in of if begin + i * each_s <= s.done < begin + (i + 1) * each_s], flow.slo
                )
                for i in range(stretches)
            ]
            if all(impact in _HURT and (worst is Impact.DEGRADED or impact is worst) for impact in felt):
                return Reached(
                    "hurt_outside_claim",
                    t(
                        "{flow} is hurt, which the failure mode claims not to touch: {failed} of {operations} "
                        "operations failed in the last {s:g} s",
                        flow=name,
                        failed=sum(not s.ok for s in of),
                        operations=len(of),
                        s=stretches * each_s,
                    )
                    if any(not s.ok for s in of)
                    else t(
                        "{flow} is hurt, which the failure mode claims not to touch: slower than promised for the "
                        "last {s:g} s",
                        flow=name,
                        s=stretches * each_s,
                    ),
                )
    return None


def outlived(
    moment: Moment, flows: Mapping[str, Flow], stable_s: float, within_s: float, watch_s: float | None
) -> Reached | None:
    """Users are still hurt long after they should have been back. `watch_s`: how long nobody acts, or None."""
    limit = moment.was_in + PATIENCE * within_s + stable_s
    if watch_s is not None:
        limit = max(limit, moment.began + watch_s + (PATIENCE - 1) * within_s)
    since = moment.now - stable_s
    if moment.now <= limit or not measured(moment, since):
        return None
    hurt = [
        name
        for name, flow in flows.items()
        if impact_of([s for s in moment.samples.get(name, ()) if s.done >= since], flow.slo)
        not in (None, Impact.NONE)
    ]
    if not hurt:
        return None
    return Reached(
        "fault_outlives",
        t(
            "users are still hurt ({flows}) {age_s:.0f} s after the fault; the objective is {within_s:g} s",
            flows=listed(hurt),
            age_s=moment.now - moment.began,
            within_s=within_s,
        ),
    )


def limit_passed(age_s: float, broken: Sequence[str], longest_fault_s: float, targets: int) -> Reached | None:
    """A limit of the environment is passed. `age_s`: of the oldest fault. `broken`: the targets, each once."""
    if age_s > longest_fault_s:
        return Reached(
            "limits_passed",
            t("the fault is older than limits.longest_fault allows ({s:g} s)", s=longest_fault_s),
        )
    if len(broken) > targets:
        return Reached(
            "limits_passed",
            t(
                "{number} targets are broken at once ({broken}), and limits.targets allows {most}",
                number=len(broken),
                broken=listed(broken),
                most=targets,
            ),
        )
    return None


def measured(moment: Moment, since: float) -> bool:
    """Whether the meter itself was in time since then: the operations were sent when they were due."""
    lags = [s.sent - s.scheduled for of in moment.samples.values() for s in evidence(of) if s.done >= since]
    return bool(lags) and sum(lag > LATE_S for lag in lags) <= MOST_LATE * len(lags)
