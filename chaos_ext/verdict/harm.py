"""What a runbook does to a failure that heals by itself: it must neither harm nor delay.

Told by holding the trials in which it was followed against those in which nobody acted, from the fault on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chaos_ext.language import t
from chaos_ext.model import Arm, Impact, Interval, Reason
from chaos_ext.verdict.facts import Facts, spell
from chaos_ext.verdict.words import impact as impact_word

_AT_ONCE = Interval(0.0, 0.0)


def harmful(valid: Sequence[Facts]) -> Iterator[Reason]:
    """Why following the runbook was worse than doing nothing, from the trials that count."""
    alone = [facts for facts in valid if facts.arm is Arm.NO_ACTION]
    if not alone or alone[0].run.mode.recovery != "self":
        return
    for facts in valid:
        if facts.followed and facts.fault is not None and facts.end is not None:
            yield from _hurts(facts, alone)
            yield from _delays(facts, alone)


def _hurts(facts: Facts, alone: Sequence[Facts]) -> Iterator[Reason]:
    """A flow that was well was hurt once the runbook changed something, and was not at that time when nobody acted."""
    began = facts.mitigation_at
    if began is None:
        return  # it changed nothing
    assert facts.fault is not None
    assert facts.end is not None
    after_s = began - facts.fault.earliest
    for flow in facts.run.services.flows:
        felt = facts.figures(flow, began, facts.end, done_by=facts.end)
        if not _was_well(facts, flow, began):
            continue  # still hurt by the failure: whether that took longer than without the runbook is told below
        if felt.impact in (None, Impact.NONE) or any(_hurt_then(other, flow, after_s) for other in alone):
            continue
        yield facts.reason(
            "harmful",
            t(
                "measured {impact} in {flow} ({figures}) once its runbook began to change something; when nobody "
                "acted, users felt nothing at that time. Take that step out: the failure heals by itself.",
                impact=impact_word(felt.impact),
                flow=flow,
                figures=felt,
            ),
        )


def _was_well(facts: Facts, flow: str, at: float) -> bool:
    """Whether what `flow` felt last, in the second before, was good."""
    lately_s = max(1.0, 1.5 / facts.run.services.flows[flow].per_second)
    return facts.figures(flow, at - lately_s, at, done_by=at).well


def _hurt_then(facts: Facts, flow: str, after_s: float) -> bool:
    """Whether `flow` was hurt later than `after_s` after the fault. Where a trial had ended, all was well."""
    if facts.fault is None or facts.end is None:
        return True  # nothing to compare with
    since = facts.fault.earliest + after_s
    return facts.figures(flow, since, facts.end, done_by=facts.end).impact not in (None, Impact.NONE)


def _delays(facts: Facts, alone: Sequence[Facts]) -> Iterator[Reason]:
    """Users were surely back later than without it, by more than one stable window."""
    recovered = facts.recovery
    slowest = [_after(other) for other in alone if other.recovery.recovered]
    if not recovered.recovered or len(slowest) < len(alone):
        return  # that it did not come back is another finding
    mine, theirs = _after(facts), max(slowest, key=lambda interval: interval.latest)
    if mine.earliest > theirs.latest + facts.run.environment.windows.stable:
        yield facts.reason(
            "harmful",
            t(
                "had users back only {mine} after the fault; when nobody acted they were back after {theirs}. "
                "The runbook holds up what heals by itself.",
                mine=spell(mine),
                theirs=spell(theirs),
            ),
        )


def _after(facts: Facts) -> Interval:
    interval = facts.recovery.interval
    return _AT_ONCE if interval is None else facts.since_fault(interval)
