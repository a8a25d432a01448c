"""What a number of trials can tell, exactly. `math.comb` is enough.

Every bound holds at a confidence: of a hundred runs that tell one at 95 %, five at most tell a wrong one. None
assumes that times or outcomes follow a distribution; all assume that the trials are alike and independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

_PRECISE = 1e-12


def success_rate_at_least(successes: int, of: int | None = None, confidence: float = 0.95) -> float:
    """The success rate that `successes` `of` so many trials show at this confidence; `of` None: of as many.

    1 of 1 → 5 %, 29 of 29 → 90 %, 9 of 10 → 61 %. 0 without a success. It is the rate at which so many successes, or
    more, would still happen with probability 1 - confidence; of a clean sheet p**n = 1 - confidence.
    Source: C. J. Clopper, E. S. Pearson, Biometrika 26 (1934), 404, one-sided.
    """
    trials = successes if of is None else of
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials}")
    if not successes:
        return 0.0
    if successes == trials:
        return float((1 - confidence) ** (1 / trials))
    low, high = 0.0, 1.0
    while high - low > _PRECISE:
        middle = (low + high) / 2
        low, high = (low, middle) if _at_least(successes, trials, middle) > 1 - confidence else (middle, high)
    return low


def _at_least(successes: int, of: int, rate: float) -> float:
    """How likely so many successes or more are at this rate."""
    return sum(comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(successes, of + 1))


def fisher_exact(yes: int, of_yes: int, no: int, of_no: int) -> float:
    """How likely a difference at least as great is by chance alone (two-sided Fisher's exact test).

    `yes` of `of_yes` trials of one arm recovered, `no` of `of_no` of the other. 5 of 5 against 0 of 3: 0.018.
    1.0 when one arm has no trial. Source: R. A. Fisher, The Design of Experiments (1935).
    """
    if not of_yes or not of_no:
        return 1.0
    recovered, trials = yes + no, of_yes + of_no

    def ways(in_first: int) -> int:
        return comb(of_yes, in_first) * comb(of_no, recovered - in_first)

    possible = range(max(0, recovered - of_no), min(recovered, of_yes) + 1)
    as_extreme = sum(ways(n) for n in possible if ways(n) <= ways(yes))
    return as_extreme / comb(trials, recovered)


def holm(chances: Sequence[float]) -> list[float]:
    """Each p-value corrected for how many were asked, in the given order: the k-th smallest of n times n - k + 1.

    Never smaller than one before it in that order, never above 1. Who asks five questions finds an answer by chance
    more often than who asks one. Source: S. Holm, Scandinavian Journal of Statistics 6 (1979), 65.
    """
    corrected = [0.0] * len(chances)
    so_far = 0.0
    for rank, index in enumerate(sorted(range(len(chances)), key=lambda i: chances[i])):
        so_far = max(so_far, min(1.0, (len(chances) - rank) * chances[index]))
        corrected[index] = so_far
    return corrected


def tolerance_bound(values: Sequence[float], coverage: float, confidence: float = 0.95) -> float | None:
    """The value that at least `coverage` of all such values do not exceed, at this confidence; None: too few.

    The smallest measured value of which that can be said: the largest of 59 for 95 %, the second largest of 93.
    Whatever the distribution. Source: S. S. Wilks, Annals of Mathematical Statistics 12 (1941), 91.
    """
    ordered = sorted(values)
    n, above, bound = len(ordered), 0.0, None
    for left in range(n):  # how many values are larger than the bound
        above += comb(n, left) * (1 - coverage) ** left * coverage ** (n - left)
        if above > 1 - confidence:
            break
        bound = ordered[n - 1 - left]
    return bound


def not_slower_than_the_slowest(of: int, confidence: float = 0.95) -> float:
    """The share of all such values that the largest `of` so many covers at this confidence: 5 → 55 %, 59 → 95 %.

    The same formula, asked the other way: coverage**n = 1 - confidence. 0 without a value.
    """
    return success_rate_at_least(of, of, confidence)
