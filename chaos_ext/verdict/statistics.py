"""What a number of trials can tell, exactly. `math.comb` is enough."""

from __future__ import annotations

from math import comb


def success_rate_at_least(recoveries: int, confidence: float = 0.95) -> float:
    """The success rate that `recoveries` out of as many trials show at this confidence: 1 → 5 %, 29 → 90 %.

    The rate p at which n successes in a row would still happen with probability 1 - confidence: p**n = 0.05.
    0 without a trial. Only for a clean sheet; a single failure is a refutation, not a rate.
    """
    return float((1 - confidence) ** (1 / recoveries)) if recoveries else 0.0


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
