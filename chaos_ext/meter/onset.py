"""When users of one flow first felt a fault, as an interval that holds the truth. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from chaos_ext.meter import intervals
from chaos_ext.meter.samples import Sample
from chaos_ext.meter.slo import IMPROBABLE, binomial_tail, evidence
from chaos_ext.model import Interval, Slo


def onset(samples: Iterable[Sample], slo: Slo, fault: Interval, apart_s: float) -> Interval | None:
    """When a flow that a fault hurts was hurt first: not before the fault began; None when no operation shows it.

    - `samples`: of one flow, from a while before the fault on
    - `apart_s`: so long without a failed operation, and the next one belongs to something else

    Failed operations tell it, slow ones only where failures are no more than the SLO allows. Failures from before the
    fault are not of it.
    """
    ops = evidence(samples)
    since = [op for op in ops if op.done >= fault.earliest]
    failed = sum(not op.ok for op in since)
    by_failures = bool(failed) and binomial_tail(failed, len(since), 1 - slo.success) < IMPROBABLE
    slower_than = None if by_failures else slo.latency

    def is_bad(op: Sample) -> bool:
        return not op.ok or (slower_than is not None and op.latency_s > slower_than)

    found = intervals.outages(
        [op for op in ops if op.done >= fault.earliest or not is_bad(op)], apart_s, slower_than
    )
    if not found:
        return None
    first = found[0].onset
    if first is None:  # too few good operations before it
        return Interval(fault.earliest, min(op.done for op in since if is_bad(op)))
    return Interval(max(first.earliest, fault.earliest), first.latest)
