"""What trials show in which the runbook was followed otherwise than it is written: without a step, or with a mistake.

A step is held against the whole runbook by how often users were back in time with nothing lost: Fisher's exact test,
corrected for the number of steps (Holm). What is not shown to be necessary may be so all the same: for a failure that
was not tried, or to keep it from coming back.

After a mistake the question is another one: users are not back, and does the runbook's own Verification say so?
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from chaos_ext.language import t
from chaos_ext.model import (
    Arm,
    Event,
    Impact,
    MutantFinding,
    MutantWord,
    Mutation,
    Mutations,
    Reason,
    StepFinding,
    StepWord,
    Successes,
    Variant,
)
from chaos_ext.runbook.variants import WRONG_TARGET_SAYS
from chaos_ext.verdict import outcome
from chaos_ext.verdict.evidence import RunEvidence
from chaos_ext.verdict.facts import Facts, these
from chaos_ext.verdict.statistics import fisher_exact, holm

_SIGNIFICANT = 0.05


# --- steps ---------------------------------------------------------------------------------------


def steps(evidence: RunEvidence, trials: Sequence[Facts], valid: Sequence[Facts]) -> tuple[StepFinding, ...]:
    """What each mitigation step that was left out is worth, in the order of the runbook."""
    without = [f for f in trials if f.arm is Arm.WITHOUT_STEP]
    left_out = {
        v.step: str(event.get("why")) for v, event in _left_out(evidence) if v.arm is Arm.WITHOUT_STEP
    }
    headings = _headings(evidence)
    known = [*headings, *sorted({f.step for f in without} | left_out.keys())]
    treated = _successes([f for f in valid if f.arm is Arm.TREATMENT])
    found = []
    for step in dict.fromkeys(known):
        tried = [f for f in without if f.step == step]
        if not tried and step not in left_out:
            continue
        count = _successes([f for f in tried if f in valid])
        p = fisher_exact(treated.back, treated.of, count.back, count.of) if count.of and treated.of else None
        found.append(
            StepFinding(
                step,
                headings.get(step, step),
                StepWord.NOT_SHOWN if tried else StepWord.LEFT_OUT,
                treated,
                count,
                len(tried) - count.of,
                p,
                t("Not tried: {why}.", why=left_out.get(step, "")),
            )
        )
    asked = [finding for finding in found if finding.p is not None]
    corrected = iter(holm([finding.p for finding in asked if finding.p is not None]))
    return tuple(
        _judged(f, None if f.p is None else next(corrected)) if f.finding is StepWord.NOT_SHOWN else f
        for f in found
    )


def _judged(finding: StepFinding, p: float | None) -> StepFinding:
    """The finding with its word and sentence. `p`: corrected."""
    with_it, without = finding.with_it, finding.without
    if p is None:
        return replace(finding, sentence=t("Not shown necessary: no trial without it counts."))
    figures = t(
        "users were back in {back} of {of} trials without it, in {back_with} of {of_with} with it (Holm-corrected "
        "p = {p:.2g})",
        back=without.back,
        of=without.of,
        back_with=with_it.back,
        of_with=with_it.of,
        p=p,
    )
    if p >= _SIGNIFICANT:
        words = (
            t(
                "Not shown necessary, which does not mean unnecessary: {figures}. So few trials cannot show it.",
                figures=figures,
            )
            if fisher_exact(with_it.of, with_it.of, 0, without.of) >= _SIGNIFICANT
            else t("Not shown necessary, which does not mean unnecessary: {figures}.", figures=figures)
        )
        return replace(finding, p=p, sentence=words)
    if without.back * with_it.of < with_it.back * without.of:
        words = t("It is necessary: {figures}.", figures=figures)
        return replace(finding, finding=StepWord.NECESSARY, p=p, sentence=words)
    words = t("It is harmful: {figures}. Take it out, or mend it.", figures=figures)
    return replace(finding, finding=StepWord.HARMFUL, p=p, sentence=words)


def _successes(of: Sequence[Facts]) -> Successes:
    return Successes(sum(_is_success(facts) for facts in of), len(of))


def _is_success(facts: Facts) -> bool:
    """Whether users were back in time with everything that they were told is stored."""
    return outcome.in_time(facts) and _lost(facts) <= facts.run.objectives.lost_acknowledged_writes


def _lost(facts: Facts) -> int:
    log = facts.last("write-log")
    if log is None or not log["readable"]:
        return 0
    changed = log.get("changed")
    return len({str(each) for each in (*log["lost"], *(changed if isinstance(changed, list) else ()))})


# --- mistakes ------------------------------------------------------------------------------------


def mutations(evidence: RunEvidence, trials: Sequence[Facts], valid: Sequence[Facts]) -> Mutations | None:
    """What became of each mistake, and how good Verification is at noticing; None when none was to be tried."""
    headings = _headings(evidence)
    found = [_mutant(facts, headings, counts=facts in valid) for facts in trials if facts.arm is Arm.MUTATED]
    for variant, event in _left_out(evidence):
        if variant.mutation is not None:
            words = t("Not tried: {why}.", why=event.get("why"))
            found.append(
                MutantFinding(
                    variant.mutation,
                    variant.step,
                    headings.get(variant.step, variant.step),
                    "",
                    MutantWord.LEFT_OUT,
                    None,
                    None,
                    0,
                    words,
                )
            )
    if not found:
        return None
    noticed = sum(mutant.finding is MutantWord.NOTICED for mutant in found)
    blind = sum(mutant.finding is MutantWord.BLIND for mutant in found)
    return Mutations(noticed, noticed + blind, tuple(found))


def _mutant(facts: Facts, headings: dict[str, str], *, counts: bool) -> MutantFinding:
    mutation = facts.mutation
    assert mutation is not None
    word, passed = MutantWord.UNKNOWN, None
    sentence: str = t("The trial proves nothing.")
    if counts and mutation is Mutation.WRONG_TARGET and not _mistook(facts):
        sentence = t("Nothing in this step named a target that has a neighbour: no mistake was made.")
    elif counts:
        passed = _passed(facts)
        word, sentence = _what_became(facts, passed)
    return MutantFinding(
        mutation,
        facts.step,
        headings.get(facts.step, facts.step),
        facts.trial,
        word,
        facts.recovery.recovered if counts else None,
        passed,
        _lost(facts),
        sentence,
    )


def _mistook(facts: Facts) -> bool:
    return any(str(e.get("line", "")).startswith(WRONG_TARGET_SAYS) for e in facts.all("step-output"))


def _passed(facts: Facts) -> bool:
    """Whether Verification was ever content: at the end of the runbook, or asked once more at the end of the trial."""
    finished, after = facts.last("runbook-finished"), facts.last("verification-after")
    return bool((finished is not None and finished["ok"]) or (after is not None and after["passed"]))


def _what_became(facts: Facts, passed: bool) -> tuple[MutantWord, str]:
    lost = _lost(facts)
    finished = facts.last("runbook-finished")
    stopped_at = None if finished is None or finished["ok"] else finished.get("failed_step")
    if facts.recovery.recovered and lost > facts.run.objectives.lost_acknowledged_writes:
        return MutantWord.HARMFUL, t(
            "Users were back, but {lost} writes that they were told are stored are lost.", lost=lost
        )
    if facts.recovery.recovered and stopped_at:
        return MutantWord.HARMLESS, t(
            "Users were back all the same; the runbook stopped at {step}.", step=stopped_at
        )
    if facts.recovery.recovered:
        return MutantWord.HARMLESS, t("Users were back all the same.")
    hurt = _hurt_at_the_end(facts)
    if not hurt and not facts.proven_by_evidence:
        return MutantWord.LATE, t(
            "Users were only just coming back when it was looked at: nothing can be said of Verification."
        )
    broken = t("{flows} was still broken", flows=these(hurt)) if hurt else t("the fault was still in force")
    if passed:
        return MutantWord.BLIND, t(
            "Verification passed while {broken}. Make it check what users feel.", broken=broken
        )
    if stopped_at:
        return MutantWord.NOTICED, t(
            "Users were not back ({broken}); the runbook stopped at {step}, and Verification failed.",
            broken=broken,
            step=stopped_at,
        )
    return MutantWord.NOTICED, t("Users were not back ({broken}), and Verification failed.", broken=broken)


def _hurt_at_the_end(facts: Facts) -> list[str]:
    """The flows that users felt broken in the last half of a stable window, when Verification was asked."""
    assert facts.end is not None
    since = facts.end - facts.run.environment.windows.stable / 2
    return [
        flow
        for flow in facts.run.services.flows
        if facts.figures(flow, since, facts.end).impact not in (None, Impact.NONE)
    ]


# --- what it says against the runbook ------------------------------------------------------------


def against(found_steps: Sequence[StepFinding], found: Mutations | None) -> Iterator[Reason]:
    """A step that is shown to do harm, and a Verification that did not notice."""
    for step in found_steps:
        if step.finding is StepWord.HARMFUL:
            yield Reason("harmful", t("{heading}: {sentence}", heading=step.heading, sentence=step.sentence))
    for mutant in () if found is None else found.mutants:
        if mutant.finding is MutantWord.BLIND:
            yield Reason(
                "verification-blind", t("{trial}: {sentence}", trial=mutant.trial, sentence=mutant.sentence)
            )


# --- of the run ----------------------------------------------------------------------------------


def _headings(evidence: RunEvidence) -> dict[str, str]:
    """The name of each mitigation step and its heading, as the run recorded them, in the order of the runbook."""
    for event in evidence.events:
        if event.get("kind") == "run-started" and isinstance(event.get("steps"), list):
            return {
                str(step["step"]): str(step["heading"])
                for step in event["steps"]
                if isinstance(step, dict) and {"step", "heading"} <= step.keys()
            }
    return {}


def _left_out(evidence: RunEvidence) -> Iterator[tuple[Variant, Event]]:
    for event in evidence.events:
        if event.get("kind") == "variant-left-out":
            try:
                yield Variant.named(str(event.get("variant"))), event
            except ValueError:
                continue  # a whole arm: there is no step to tell it of


def not_run(evidence: RunEvidence) -> list[Arm]:
    """The arm of each trial that was planned, and left out once a treatment had shown that it changes nothing."""
    return [variant.arm for variant, event in _left_out(evidence) for _ in event.get("trials") or ()]
