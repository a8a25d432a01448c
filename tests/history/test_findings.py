"""A verdict goes through JSON and comes back as it was, with what it says of steps and mistakes."""

from __future__ import annotations

import json

import pytest

from chaos_ext.history.findings import verdict_fields, verdict_from
from chaos_ext.model import (
    Arm,
    MutantFinding,
    MutantWord,
    Mutation,
    Mutations,
    Reason,
    StepFinding,
    StepWord,
    Successes,
    Variant,
    Verdict,
    VerdictWord,
)

STEP = StepFinding(
    "end-session",
    "Step 4: End that session",
    StepWord.NECESSARY,
    Successes(29, 29),
    Successes(0, 5),
    1,
    0.00001,
    "Without it users were back in 0 of 5 trials.",
)
MUTANT = MutantFinding(
    Mutation.DOUBLED,
    "end-session",
    "Step 4: End that session",
    "07-mutated-doubled-end-session",
    MutantWord.BLIND,
    False,
    True,
    2,
    "It passed.",
)


def _plain() -> Verdict:
    return Verdict(VerdictWord.REFUTED, (Reason("too-slow", "It was."),), (), "Treatment 1×.", 1)


@pytest.mark.parametrize(
    "verdict",
    [
        pytest.param(_plain(), id="two arms"),
        pytest.param(
            Verdict(VerdictWord.VERIFIED, (), (), "w", 0, (STEP,), Mutations(0, 1, (MUTANT,))), id="all arms"
        ),
    ],
)
def test_a_verdict_survives_json(verdict: Verdict) -> None:
    assert verdict_from(json.loads(json.dumps(verdict_fields(verdict)))) == verdict


def test_what_was_not_tried_is_not_there() -> None:
    """An older bundle has neither key, and a run of two arms writes what it always wrote."""
    assert verdict_fields(_plain()).keys() == {"word", "reasons", "flags", "worth", "exit_code"}


@pytest.mark.parametrize(
    ("variant", "name"),
    [
        (Variant(Arm.TREATMENT), "treatment"),
        (Variant(Arm.NO_ACTION), "no-action"),
        (Variant(Arm.WITHOUT_STEP, "end-session"), "without-step-end-session"),
        (Variant(Arm.MUTATED, "end-session", Mutation.WRONG_TARGET), "mutated-wrong-target-end-session"),
        (Variant(Arm.MUTATED, "PRIMARY", Mutation.CUT), "mutated-cut-PRIMARY"),
    ],
)
def test_a_variant_is_its_name(variant: Variant, name: str) -> None:
    assert str(variant) == name
    assert Variant.named(name) == variant


@pytest.mark.parametrize(
    "name",
    ["", "treat", "treatment-2", "without-step", "without-step-", "mutated", "mutated-end", "mutated-cut-"],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no variant"):
        Variant.named(name)
