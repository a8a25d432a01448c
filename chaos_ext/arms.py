"""Which trials a run has: the arms that were asked for, what they come to for this runbook, and in which order. Pure.

A count of `without-step` is for each mitigation step, one of `mutated` for each mistake that can be made in one.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chaos_ext.errors import Problem, UsageError, did_you_mean
from chaos_ext.language import listed, t
from chaos_ext.model import Arm, Environment, Mutation, Variant
from chaos_ext.runbook.model import Runbook
from chaos_ext.runbook.variants import mitigation_steps, name_of, variants

SETS: dict[str, dict[Arm, int]] = {
    "smoke": {Arm.TREATMENT: 1, Arm.NO_ACTION: 1},
    "standard": {Arm.TREATMENT: 5, Arm.NO_ACTION: 3},
    "certify": {
        Arm.TREATMENT: 29,
        Arm.NO_ACTION: 3,
        Arm.LOOK_ONLY: 1,
        Arm.HEALTHY: 1,
        Arm.WITHOUT_STEP: 5,
        Arm.MUTATED: 1,
    },
}
MORE = {"smoke": "standard", "standard": "certify"}  # what to ask for next
ONLY_WHERE_DISPOSABLE = t(
    "mistakes are only made in a place that is thrown away afterwards (disposable: true)"
)
_MOST = 1000  # trials of one arm
_BY_RUNBOOK = (Arm.LOOK_ONLY, Arm.WITHOUT_STEP, Arm.MUTATED, Arm.HEALTHY)


@dataclass(frozen=True)
class LeftOut:
    """A variant of what was asked for that cannot be tried here."""

    name: str  # of the variant, or of the whole arm
    why: str


def counts(asked: str) -> dict[Arm, int]:
    """How many trials of each arm `asked` means: a set's name, or a list such as ``treatment=5,no-action=3,look-only``.

    Raises UsageError with everything that is wrong. A treatment must be among them: it says how long nobody must act.
    """
    if asked in SETS:
        return dict(SETS[asked])
    problems: list[Problem] = []
    found: dict[Arm, int] = {}
    known = [arm.value for arm in Arm]
    for item in filter(None, (part.strip() for part in asked.split(","))):
        name, _, number = item.partition("=")
        name = name.strip()
        count = number.strip() if "=" in item else "1"
        if name not in known:
            expected = t(
                "one of {sets}, or a list of {arms}, each with =COUNT",
                sets=listed(SETS),
                arms=listed(known),
            )
            problems.append(Problem("ARMS", "", repr(name), expected, did_you_mean(name, [*known, *SETS])))
        elif not (count.isascii() and count.isdigit() and 1 <= int(count) <= _MOST):
            expected = t("a number of trials from 1 to {most}", most=_MOST)
            problems.append(Problem("ARMS", name, repr(count), expected))
        elif Arm(name) in found:
            problems.append(Problem("ARMS", name, t("it twice"), t("each arm once")))
        else:
            found[Arm(name)] = int(count)
    if not problems and Arm.TREATMENT not in found:
        got = t("no treatment")
        hint = t("How long nobody must act is known only when the runbook was followed.")
        problems.append(Problem("ARMS", "", got, t("at least one treatment"), hint))
    if problems:
        raise UsageError(problems)
    return {arm: found[arm] for arm in Arm if arm in found}


def spelled(arms: Mapping[Arm, int]) -> str:
    """What to ask for to have these: the set's name, or the list."""
    known = next((name for name, of in SETS.items() if of == arms), None)
    return known or ",".join(f"{arm}={count}" for arm, count in arms.items())


def trials(
    arms: Mapping[Arm, int], runbook: Runbook | None, environment: Environment
) -> tuple[list[Variant], list[LeftOut]]:
    """The trials that `arms` come to, not yet in their order, and what is left out. `runbook` None: there is none."""
    planned: list[Variant] = []
    left_out: list[LeftOut] = []
    made, impossible = (
        ((), ()) if runbook is None else variants(runbook, environment.platform, environment.siblings)
    )
    for arm, count in arms.items():
        if why := _why_not(arm, runbook, environment, [v for v in made if v.arm is arm]):
            left_out.append(LeftOut(str(arm), why))
        elif arm in (Arm.WITHOUT_STEP, Arm.MUTATED):
            planned += [variant for variant in made if variant.arm is arm for _ in range(count)]
            left_out += [LeftOut(str(v), reason) for v, reason in impossible if v.arm is arm]
        else:
            planned += [Variant(arm)] * count
    return planned, left_out


def _why_not(arm: Arm, runbook: Runbook | None, environment: Environment, made: Sequence[Variant]) -> str:
    """Why not one trial of this arm can be made; empty when some can."""
    if arm not in _BY_RUNBOOK:
        return ""
    if runbook is None:
        return t("this failure mode has no runbook")
    if arm is Arm.MUTATED and not environment.disposable:
        return ONLY_WHERE_DISPOSABLE
    if arm in (Arm.WITHOUT_STEP, Arm.MUTATED) and not made:
        return t(
            "the runbook has no step that changes something on {platform}", platform=environment.platform
        )
    return ""


def ordered(planned: Sequence[Variant], seed: int) -> list[Variant]:
    """The trials in the order in which they are run.

    Drawn from the seed, but a treatment comes first: it says how long nobody must act for the no-action arm to mean
    anything, which steps of the runbook are ever come to, and a runbook that is refuted at once is known at once.
    """
    first = next(variant for variant in planned if variant.arm is Arm.TREATMENT)
    rest = list(planned)
    rest.remove(first)
    random.Random(seed).shuffle(rest)
    return [first, *rest]


def numbered(order: Sequence[Variant]) -> Iterator[tuple[str, Variant]]:
    """Each trial's directory, and what it tries."""
    digits = max(2, len(str(len(order))))
    for number, variant in enumerate(order, start=1):
        yield f"{number:0{digits}d}-{variant}", variant


def experiment_of(experiment: Mapping[str, Any], variant: Variant) -> dict[str, Any]:
    """The compiled experiment as this variant runs it.

    Healthy: nothing in it injects, so nothing can. Mutated: the runbook's Verification has a last word, at the moment
    at which recovery was looked at.
    """
    method = list(experiment["method"])
    if variant.arm is Arm.HEALTHY:
        kept = [a for a in method if a["name"] in ("respond", "recovered")]
        return {**experiment, "method": kept, "rollbacks": []}
    if variant.arm is Arm.MUTATED:
        respond = next(a for a in method if a["name"] == "respond")
        arguments = {"runbook": respond["provider"]["arguments"]["runbook"]}
        provider = {
            "type": "python",
            "module": "chaos_ext.probes.verification",
            "func": "says",
            "arguments": arguments,
        }
        method.append({"type": "probe", "name": "verification-at-the-end", "provider": provider})
        return {**experiment, "method": method}
    return dict(experiment)


def come_to(variant: Variant, runbook: Runbook, platform: str, exercised: Collection[str]) -> bool:
    """Whether a runbook that was followed to its end, and ran steps of these keys, came to what `variant` changes."""
    if not variant.step:
        return True
    steps = mitigation_steps(runbook, platform)
    at = next((n for n, step in enumerate(steps) if name_of(step, platform) == variant.step), None)
    if at is None:
        return False
    changed = steps[at : at + 2] if variant.mutation is Mutation.SWAPPED else steps[at : at + 1]
    return all(step.key in exercised for step in changed)
