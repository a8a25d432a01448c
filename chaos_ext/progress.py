"""How long the rest of a run takes, from what its trials took so far. Pure.

A trial to come takes as long as those like it did: of the same variant, else of the same arm, else what its windows and
objectives allow, scaled by how that guess fared for the arms that were seen. In a random order most arms have been
seen after a third of the trials.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean

from chaos_ext.model import Arm, Environment, FailureMode, Variant

_AROUND_A_TRIAL_S = 6.0  # the lab, the fault, the looks

Took = tuple[Variant, float]  # a finished trial and its seconds, everything around it included


def guess_s(variant: Variant, mode: FailureMode, environment: Environment) -> float:
    """How long a trial takes at most, before any has been seen: its windows, and what the objectives allow."""
    windows = environment.windows
    around_s = _AROUND_A_TRIAL_S + windows.baseline + windows.stable
    if variant.arm is Arm.HEALTHY:
        return around_s + windows.stable
    return around_s + mode.objectives_in(environment.name).recover_within


def left_s(done: Sequence[Took], to_come: Iterable[Variant], guesses: Mapping[Variant, float]) -> float:
    """Seconds that the trials `to_come` take, judging by those `done`. `guesses` has one for every variant."""
    known: dict[Variant, list[float]] = {}
    of_arm: dict[Arm, list[float]] = {}
    for variant, seconds in done:
        known.setdefault(variant, []).append(seconds)
        of_arm.setdefault(variant.arm, []).append(seconds)
    guessed = sum(guesses[variant] for variant, _ in done)
    scale = sum(seconds for _, seconds in done) / guessed if guessed else 1.0

    def each(variant: Variant) -> float:
        seen = known.get(variant) or of_arm.get(variant.arm)
        return mean(seen) if seen else scale * guesses[variant]

    return sum(map(each, to_come))
