"""Whether the machine let the meter work: one that sent late was waiting for a CPU, and so was what it measured.

An open-loop meter that is well sends an operation when it is scheduled. How late it was is how long one process waited
for one turn on a CPU, and it tells of reading as well as of sending: an answer that lies in a socket until the meter
has its turn makes `done - sent` longer by as much.

The bounds come from measurements on two cores. The median operation was sent 0.9 ms late on a quiet machine (48 trials,
half of them with two labs at once), at most 2.3 ms at load 10, where twelve of twelve verdicts were still the right
ones, and 10 ms with twenty busy processes beside (load 20), where a chain of four small services answered 96 % too
late: an answer takes many turns on a CPU, a send takes one. The latest few tell nothing: a tenth later than 50 ms was
seen where all was well, and none later than 62 ms at load 20. What tells is a small lag of most operations.

A lag makes answers later, never sooner: what was well in spite of it was well. So a baseline that held and a recovery
that was seen in time are not asked about; that users were hurt, or not back in time, is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chaos_ext.language import t
from chaos_ext.meter.slo import evidence
from chaos_ext.model import Reason
from chaos_ext.verdict.facts import Facts

# Late is later than this, and of the operations of a stretch half may be.
_LATE_S = 0.010
_MOST_LATE = 0.5


class _Stretch(NamedTuple):
    """A part of the trial that decides something, [since, until)."""

    since: float
    until: float
    told: str


def sent_in_time(facts: Facts) -> Iterator[Reason]:
    """Where users were hurt, or not back in time, most operations were sent when due; else nothing is told."""
    found = []
    for stretch in _deciding(facts):
        sent = [
            s.sent - s.scheduled
            for of in facts.samples.values()
            for s in evidence(of)
            if stretch.since <= s.scheduled < stretch.until
        ]
        late = sum(lag > _LATE_S for lag in sent)
        if late > _MOST_LATE * len(sent):
            found.append((late / len(sent), late, len(sent), stretch.told))
    if not found:
        return
    _, late, operations, told = max(found)
    yield facts.no_data(
        t(
            "sent {late} of {operations} operations more than {bound_ms:.0f} ms late {when}, where half may be: this "
            "machine is too busy to measure. Run fewer labs at once (JOBS=1), or on a quieter machine.",
            late=late,
            operations=operations,
            bound_ms=1000 * _LATE_S,
            when=told,
        )
    )


def _deciding(facts: Facts) -> Iterator[_Stretch]:
    if facts.fault is None or facts.end is None:
        return
    until = facts.end if facts.touched_at is None else min(facts.end, facts.touched_at)
    yield _Stretch(facts.fault.latest, until, t("while nothing was done about the fault"))
    if not _back_in_time(facts):
        yield _Stretch(until, facts.end, t("once something was done about the fault"))


def _back_in_time(facts: Facts) -> bool:
    recovery, within_s = facts.recovery, facts.run.objectives.recover_within
    if recovery.interval is None:
        return recovery.recovered
    return recovery.recovered and facts.since_fault(recovery.interval).latest <= within_s
