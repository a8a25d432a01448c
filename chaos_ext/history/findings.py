"""A verdict as JSON has it, and back: what verdict.json holds and what goes over a campaign's line.

``steps`` is there when mitigation steps were left out, ``mutations`` when mistakes were tried::

    "steps": [{"step": "end-session", "heading": "Step 4: End that session", "finding": "necessary",
               "with": {"back": 29, "of": 29}, "without": {"back": 0, "of": 5}, "invalid": 0,
               "p": 1.8e-06, "sentence": "…"}],
    "mutations": {"noticed": 3, "of": 4, "mutants": [
               {"mutation": "doubled", "step": "end-session", "heading": "Step 4: End that session",
                "trial": "07-mutated-doubled-end-session", "finding": "harmless", "back": true,
                "passed": true, "lost": 0, "sentence": "…"}]}

The words are those of `model.StepWord`, `model.MutantWord` and `model.Mutation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaos_ext.model import (
    MutantFinding,
    MutantWord,
    Mutation,
    Mutations,
    Reason,
    StepFinding,
    StepWord,
    Successes,
    Verdict,
    VerdictWord,
)


def verdict_fields(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON has it."""
    fields: dict[str, Any] = {
        "word": str(verdict.word),
        "reasons": [{"word": r.word, "sentence": r.sentence} for r in verdict.reasons],
        "flags": [{"word": r.word, "sentence": r.sentence} for r in verdict.flags],
        "worth": verdict.worth,
        "exit_code": verdict.exit_code,
    }
    if verdict.steps:
        fields["steps"] = [_step_fields(step) for step in verdict.steps]
    if verdict.mutations is not None:
        fields["mutations"] = {
            "noticed": verdict.mutations.noticed,
            "of": verdict.mutations.of,
            "mutants": [_mutant_fields(mutant) for mutant in verdict.mutations.mutants],
        }
    return fields


def verdict_from(fields: Mapping[str, Any]) -> Verdict:
    """The verdict that `verdict_fields` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    mutations = fields.get("mutations")
    return Verdict(
        VerdictWord(fields["word"]),
        tuple(Reason(r["word"], r["sentence"]) for r in fields["reasons"]),
        tuple(Reason(r["word"], r["sentence"]) for r in fields["flags"]),
        fields["worth"],
        fields["exit_code"],
        tuple(_step(step) for step in fields.get("steps", ())),
        None
        if mutations is None
        else Mutations(
            mutations["noticed"], mutations["of"], tuple(_mutant(each) for each in mutations["mutants"])
        ),
    )


def _step_fields(step: StepFinding) -> dict[str, Any]:
    return {
        "step": step.step,
        "heading": step.heading,
        "finding": str(step.finding),
        "with": {"back": step.with_it.back, "of": step.with_it.of},
        "without": {"back": step.without.back, "of": step.without.of},
        "invalid": step.invalid,
        "p": step.p,
        "sentence": step.sentence,
    }


def _step(fields: Mapping[str, Any]) -> StepFinding:
    return StepFinding(
        fields["step"],
        fields["heading"],
        StepWord(fields["finding"]),
        Successes(fields["with"]["back"], fields["with"]["of"]),
        Successes(fields["without"]["back"], fields["without"]["of"]),
        fields["invalid"],
        fields["p"],
        fields["sentence"],
    )


def _mutant_fields(mutant: MutantFinding) -> dict[str, Any]:
    return {
        "mutation": str(mutant.mutation),
        "step": mutant.step,
        "heading": mutant.heading,
        "trial": mutant.trial,
        "finding": str(mutant.finding),
        "back": mutant.back,
        "passed": mutant.passed,
        "lost": mutant.lost,
        "sentence": mutant.sentence,
    }


def _mutant(fields: Mapping[str, Any]) -> MutantFinding:
    return MutantFinding(
        Mutation(fields["mutation"]),
        fields["step"],
        fields["heading"],
        fields["trial"],
        MutantWord(fields["finding"]),
        fields["back"],
        fields["passed"],
        fields["lost"],
        fields["sentence"],
    )
