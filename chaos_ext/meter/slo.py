"""Does a flow keep its promise? Pure statistics over its samples.

A handful of operations cannot show 99 %: one failure in thirty is bad luck, or the start of an outage. So a
promise counts as broken only when so many failures would be improbable (under 1 %) in a service that keeps it,
by the exact binomial tail; the same for operations slower than promised.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chaos_ext.meter.follow import LATE, STALE, WRONG
from chaos_ext.meter.samples import OVERLOAD, Sample
from chaos_ext.model import Impact, Slo

IMPROBABLE = 0.01
# When nearly all that failed, failed in one of these ways, that is what users felt.
_TOLD = {LATE: Impact.LATE, STALE: Impact.STALE, WRONG: Impact.WRONG}
_NEARLY_ALL = 0.9


@dataclass(frozen=True)
class FlowSummary:
    """What one flow felt over some operations. Figures are None when there was no operation to tell from."""

    operations: int
    failed: int
    success: float | None  # share of operations that succeeded
    p_latency_s: float | None  # at the SLO's percentile (nearest rank), over those that succeeded
    meets_slo: bool | None

    def as_dict(self) -> dict[str, Any]:
        """The figures as an event carries them."""
        return asdict(self)


def evidence(samples: Iterable[Sample]) -> list[Sample]:
    """The samples that say something about the service: an operation that was never sent for overload does not."""
    return [sample for sample in samples if not sample.why.startswith(OVERLOAD)]


def binomial_tail(k: int, n: int, p: float) -> float:
    """P(X >= k) for X ~ Binomial(n, p), exact up to rounding."""
    if k <= 0:
        return 1.0
    if k > n or p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    if k <= n * p:  # below the mean the upward sum may start at an underflowed term: take the lower tail
        return max(0.0, 1.0 - _sum_from(n - k + 1, n, 1 - p))
    return min(1.0, _sum_from(k, n, p))


def _sum_from(k: int, n: int, p: float) -> float:
    """P(X >= k) by adding terms that shrink, which holds for k above the mean."""
    log_term = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    term = math.exp(log_term + k * math.log(p) + (n - k) * math.log1p(-p))
    total, odds = 0.0, p / (1 - p)
    for i in range(k, n + 1):
        total += term
        if term <= total * 1e-17:
            break
        term *= (n - i) / (i + 1) * odds
    return total


def is_slow(sample: Sample, slo: Slo) -> bool:
    """Slower than promised, whether it succeeded in the end or not."""
    return sample.done - sample.sent > slo.latency


def meets_slo(samples: Iterable[Sample], slo: Slo) -> bool | None:
    """Whether these operations are compatible with the SLO; None without operations (no data)."""
    ops = evidence(samples)
    if not ops:
        return None
    failed = sum(not op.ok for op in ops)
    slow = sum(is_slow(op, slo) for op in ops)
    return (
        binomial_tail(failed, len(ops), 1 - slo.success) >= IMPROBABLE
        and binomial_tail(slow, len(ops), 1 - slo.percentile / 100) >= IMPROBABLE
    )


_A_HANDFUL = 10  # fewer operations than this show nothing once one of them failed


def is_well(figures: FlowSummary) -> bool:
    """Whether these operations show a flow that keeps its promise: good ones were seen, and of a handful none failed.

    Stricter than `meets_slo`, which one failure in three cannot contradict: something is to be broken that was well.
    """
    if not figures.meets_slo or figures.failed == figures.operations:
        return False
    return figures.operations >= _A_HANDFUL or not figures.failed


def impact_of(samples: Iterable[Sample], slo: Slo) -> Impact | None:
    """What the flow's users felt over these operations; None without operations (no data)."""
    ops = evidence(samples)
    if not ops:
        return None
    failed = [op.why for op in ops if not op.ok]
    most_fail = len(failed) * 2 > len(ops)
    if most_fail or binomial_tail(len(failed), len(ops), 1 - slo.success) < IMPROBABLE:
        why, count = Counter(failed).most_common(1)[0]
        if why in _TOLD and count >= _NEARLY_ALL * len(failed):
            return _TOLD[why]
    if most_fail:
        return Impact.OUTAGE
    return Impact.NONE if meets_slo(ops, slo) else Impact.DEGRADED


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The nearest-rank percentile; None without values."""
    if not values:
        return None
    rank = math.ceil(len(values) * percent / 100 - 1e-9)
    return sorted(values)[max(1, rank) - 1]


def summary(samples: Iterable[Sample], slo: Slo) -> FlowSummary:
    """The figures of these operations of one flow."""
    ops = evidence(samples)
    good = [op.done - op.sent for op in ops if op.ok]
    return FlowSummary(
        operations=len(ops),
        failed=len(ops) - len(good),
        success=len(good) / len(ops) if ops else None,
        p_latency_s=percentile(good, slo.percentile),
        meets_slo=meets_slo(ops, slo),
    )


def allowed(n: int, share: float) -> int:
    """How many of `n` operations may miss a promise that `share` of them keeps it."""
    return math.floor(n * (1 - share) + 1e-9)  # 1 - 0.9 is a little under 0.1
