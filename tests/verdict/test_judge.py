"""What holds for every run, whatever is in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaos_ext.model import Arm, VerdictWord
from chaos_ext.verdict.evidence import RunEvidence
from chaos_ext.verdict.judge import judge

T, N = Arm.TREATMENT, Arm.NO_ACTION
GOOD = (VerdictWord.VERIFIED, VerdictWord.REPRODUCED)
quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

COMMON = (
    "trial-started",
    "environment-proven",
    "meter-started",
    "baseline",
    "fault-intended",
    "fault-injected",
    "fault-in-force",
    "impact",
    "alert",
    "recovery",
    "fault-undone",
    "trial-finished",
)
FOLLOWED = (
    "runbook-started",
    "verification-before",
    "step-started",
    "step-finished",
    "runbook-finished",
    "write-log",
)


def test_a_run_that_proves_its_runbook_is_verified(runs: Any) -> None:
    verdict = judge(runs.verified())
    assert verdict.word is VerdictWord.VERIFIED
    assert (verdict.reasons, verdict.flags, verdict.exit_code) == ((), (), 0)


def test_its_worth_names_arms_platform_blocks_and_the_rate(runs: Any) -> None:
    worth = judge(runs.verified()).worth
    assert "treatment 1×, no-action 1× on lab" in worth
    assert "look, start, check" in worth
    assert (
        "1 of 1 recoveries inside the objective: at 95 % confidence a success rate of at least 5 %" in worth
    )
    assert "too few trials to exclude chance" in worth


def test_more_trials_are_worth_more(runs: Any) -> None:
    told = [runs.treatment(number=n) for n in range(1, 6)] + [runs.no_action(number=n) for n in range(6, 9)]
    worth = judge(runs.run(*told)).worth
    assert (
        "5 of 5 recoveries inside the objective: at 95 % confidence a success rate of at least 55 %" in worth
    )
    assert "with nobody acting 0 of 3 (Fisher's exact test: p = 0.018)" in worth


@pytest.mark.parametrize(
    ("kind", "arm"),
    [(kind, arm) for arm in (T, N) for kind in COMMON] + [(k, T) for k in FOLLOWED] + [("watched", N)],
)
def test_what_was_not_recorded_is_never_verified(runs: Any, kind: str, arm: Arm) -> None:
    before = runs.verified()
    after = runs.without(before, kind, arm)
    assert after != before
    verdict = judge(after)
    assert verdict.word not in GOOD
    assert verdict.exit_code != 0
    told = [reason.sentence for reason in verdict.reasons if reason.word == "no-data"]
    assert any(kind in sentence for sentence in told), verdict


@pytest.mark.parametrize("when", ["after-injection", "before-mitigation"])
def test_both_looks_at_the_fault_are_needed(runs: Any, when: str) -> None:
    assert judge(runs.without(runs.verified(), "fault-in-force", T, when=when)).word is VerdictWord.UNKNOWN


@pytest.mark.parametrize("field", ["events", "samples", "writes"])
@pytest.mark.parametrize("arm", [T, None])
def test_no_evidence_is_never_verified(runs: Any, arm: Arm | None, field: str) -> None:
    verdict = judge(runs.of(runs.verified(), arm, lambda t: replace(t, **{field: ()})))
    assert verdict.word is VerdictWord.UNKNOWN


def test_a_run_without_trials_proves_nothing(runs: Any) -> None:
    verdict = judge(replace(runs.verified(), trials=(), arms=()))
    assert verdict.word is VerdictWord.UNKNOWN
    assert verdict.exit_code == 4


def test_findings_of_a_trial_that_does_not_count_are_no_findings(runs: Any) -> None:
    late = runs.edit(runs.verified(), "alert", T, fired=False)
    assert judge(late).word is VerdictWord.REFUTED
    unwell = runs.edit(late, "baseline", T, holds=False, why="cold")
    verdict = judge(unwell)
    assert {reason.word for reason in verdict.reasons} == {"baseline-not-met"}


def test_a_finding_of_one_trial_beats_the_doubt_about_another(runs: Any) -> None:
    run = runs.edit(runs.verified(), "alert", T, fired=False)
    run = runs.edit(run, "baseline", N, holds=False, why="cold")
    verdict = judge(run)
    assert verdict.word is VerdictWord.REFUTED
    assert verdict.exit_code == 1
    assert [reason.word for reason in verdict.reasons] == ["not-detected", "baseline-not-met"]


def test_what_was_left_broken_matters_more_than_the_stop(runs: Any) -> None:
    stopped = runs.plus(runs.verified(), "abort", T, why="Ctrl-C")
    assert judge(stopped).exit_code == 130
    assert judge(runs.edit(stopped, "fault-undone", T, outcome="failed", why="x")).exit_code == 5


def test_a_mode_without_a_runbook_is_reproduced_at_best(runs: Any) -> None:
    mode = runs.mode(runbook="none", recovery="runbook")
    verdict = judge(runs.run(runs.no_action(), mode=mode))
    assert (verdict.word, verdict.exit_code) == (VerdictWord.REPRODUCED, 0)
    healed = judge(runs.run(runs.no_action(back=8.0), mode=mode))
    assert [reason.word for reason in healed.reasons] == ["heals-itself"]


def test_a_finding_names_trial_numbers_and_objective(runs: Any) -> None:
    verdict = judge(runs.run(mode=runs.objectives(recover_within="3s")))
    (reason,) = verdict.reasons
    assert reason.word == "too-slow"
    assert reason.sentence == (
        "01-treatment shows that submit was back 3.6–3.8 s after the fault; the objective is 3 s."
    )


def test_lost_writes_are_named_with_the_observed_rpo(runs: Any) -> None:
    verdict = judge(runs.edit(runs.verified(), "write-log", T, lost=["w2"]))
    (reason,) = verdict.reasons
    assert "lost 1 of" in reason.sentence
    assert "w2" in reason.sentence
    assert "Observed RPO: 3.0–3.1 s" in reason.sentence


def test_the_same_finding_in_many_trials_is_counted(runs: Any) -> None:
    told = [runs.treatment(number=n) for n in range(1, 6)]
    verdict = judge(runs.edit(runs.run(*told, runs.no_action(number=6)), "alert", T, fired=False))
    same = [reason.sentence for reason in verdict.reasons if reason.word == "not-detected"]
    assert len(same) == 4
    assert same[-1] == "and 2 more times in this run."


def test_a_lab_that_is_left_throws_no_fault_away(runs: Any) -> None:
    run = runs.without(runs.run(environment=runs.environment(disposable=True)), "fault-undone", T)
    left = (
        {"kind": "environment-not-restored", "at": 1.0, "why": "lab x is left"},
        {"kind": "lab-stopped", "at": 1.0},
    )
    told = [flag.sentence for flag in judge(replace(run, events=left)).flags]
    assert len(told) == 2
    assert "no record that kill-store was undone" in told[1]


# --- properties ---

Spoil = Callable[[Any, RunEvidence, Arm], RunEvidence]
SPOILS: dict[str, Spoil] = {
    "baseline": lambda r, run, arm: r.edit(run, "baseline", arm, holds=False, why="x"),
    "abort": lambda r, run, arm: r.plus(run, "abort", arm, why="x"),
    "alert": lambda r, run, arm: r.edit(run, "alert", arm, fired=False),
    "link": lambda r, run, arm: r.edit(run, "alert", arm, links=False),
    "in force": lambda r, run, arm: r.edit(run, "fault-in-force", arm, holds=False),
    "undo": lambda r, run, arm: r.edit(run, "fault-undone", arm, outcome="failed"),
    "lost": lambda r, run, arm: r.edit(run, "write-log", T, lost=["w1"]),
    "twice": lambda r, run, arm: r.edit(run, "write-log", T, duplicated=["w1"]),
    "blind": lambda r, run, arm: r.edit(run, "verification-before", T, passed=True),
    "step": lambda r, run, arm: r.edit(run, "step-finished", T, where={"role": "mitigate"}, ok=False),
    "runbook": lambda r, run, arm: r.edit(run, "runbook-finished", T, ok=False, failed_step="start"),
    "journal": lambda r, run, arm: r.of(run, arm, lambda t: replace(t, journal=None)),
    "torn": lambda r, run, arm: r.of(run, arm, lambda t: replace(t, unreadable=("samples.jsonl: torn",))),
    "samples": lambda r, run, arm: r.of(run, arm, lambda t: replace(t, samples=t.samples[::2])),
    "not injected": lambda r, run, arm: r.plus(run, "fault-not-injected", arm, name="kill-store", why="x"),
    "left": lambda r, run, arm: replace(run, events=({"kind": "environment-not-restored", "at": 1.0},)),
    "stopped": lambda r, run, arm: replace(run, events=({"kind": "abort", "at": 1.0},)),
}
BAD = st.lists(st.tuples(st.sampled_from(sorted(SPOILS)), st.sampled_from([T, N])), min_size=1, max_size=6)


@quick
@given(BAD)
def test_a_bad_fact_never_makes_a_verdict_good(runs: Any, bad: list[tuple[str, Arm]]) -> None:
    run = runs.verified()
    flags: set[str] = set()
    for name, arm in bad:
        run = SPOILS[name](runs, run, arm)
        verdict = judge(run)
        assert verdict.word not in GOOD or verdict.flags, name
        assert verdict.exit_code != 0
        now = {flag.word for flag in verdict.flags}
        if name != "stopped":  # it replaces the run's own events
            assert flags <= now
        flags = now


@quick
@given(st.integers(0, 40), st.sampled_from([T, N]), st.booleans())
def test_an_event_that_lost_a_field_never_makes_a_verdict_good_or_the_judge_fail(
    runs: Any, at: int, arm: Arm, all_of_it: bool
) -> None:
    def torn(trial: Any) -> Any:
        i = at % len(trial.events)
        event = trial.events[i]
        kept = {"kind": event["kind"]} if all_of_it else {**event, "at": None}
        return replace(trial, events=(*trial.events[:i], kept, *trial.events[i + 1 :]))

    assert judge(runs.of(runs.verified(), arm, torn)).exit_code != 0


@quick
@given(BAD)
def test_judging_again_says_the_same(runs: Any, bad: list[tuple[str, Arm]]) -> None:
    run = runs.verified()
    for name, arm in bad:
        run = SPOILS[name](runs, run, arm)
    assert judge(run) == judge(run)


@pytest.mark.parametrize("earlier", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("back", [4.5, 6.5, 9.0])
def test_the_interval_of_recovery_holds_the_truth(runs: Any, back: float, earlier: float) -> None:
    """With the objective just below the truth it is too slow, just above it is not."""
    truth = back + earlier - 3.25  # since the fault began to bite
    told = (runs.treatment(back=back + earlier, end=back + 5), runs.no_action(end=20.0))
    slow = judge(runs.run(*told, mode=runs.objectives(recover_within=f"{truth - 0.5:.2f}s")))
    fine = judge(runs.run(*told, mode=runs.objectives(recover_within=f"{truth + 0.5:.2f}s")))
    assert "too-slow" in {r.word for r in slow.reasons}
    assert fine.word is VerdictWord.VERIFIED


# --- what nobody measured, and what somebody else undid ---


def _unmeasured(runs, arm, flow, since, until):
    """The run in which nothing of `flow` was sent between two moments after the meter began; numbers still count up."""

    def change(trial):
        kept = [s for s in trial.samples if s.flow != flow or not since <= s.sent - 1000.0 < until]
        of = sorted((s for s in kept if s.flow == flow), key=lambda s: s.sent)
        numbers = {s.number: number for number, s in enumerate(of)}
        samples = (replace(s, number=numbers[s.number]) if s.flow == flow else s for s in kept)
        return replace(trial, samples=tuple(samples))

    return runs.of(runs.verified(), arm, change)


@pytest.mark.parametrize("flow", ["submit", "read"])
@pytest.mark.parametrize(
    ("since", "until"), [(8.0, 99.0), (6.0, 9.0), (0.5, 2.5)], ids=["to the end", "in the middle", "baseline"]
)
def test_a_stretch_without_samples_is_no_proof_that_nothing_came_back(runs, flow, since, until):
    verdict = judge(_unmeasured(runs, Arm.NO_ACTION, flow, since, until))
    assert verdict.word is VerdictWord.UNKNOWN
    assert any(f"measured nothing of {flow}" in reason.sentence for reason in verdict.reasons)


def test_a_short_stall_of_this_machine_is_borne(runs):
    assert judge(_unmeasured(runs, Arm.NO_ACTION, "read", 6.0, 7.0)).word is VerdictWord.VERIFIED


@pytest.mark.parametrize("arm", [Arm.TREATMENT, Arm.NO_ACTION])
def test_a_fault_that_somebody_else_undid_proves_nothing(runs, arm):
    run = runs.edit(
        runs.verified(), "fault-undone", arm, outcome="already", closed_before=True, why="undone before: x"
    )
    assert "fault-expired" in {reason.word for reason in judge(run).reasons}
    assert judge(run).word is VerdictWord.UNKNOWN


def test_a_second_undo_of_our_own_is_no_somebody_else(runs):
    run = runs.plus(
        runs.verified(), "fault-undone", name="kill-store", outcome="already", closed_before=True, why=""
    )
    assert judge(run).word is VerdictWord.VERIFIED


def test_a_trial_longer_than_the_janitor_lets_a_fault_last_proves_nothing(runs):
    def limited(longest):
        return runs.run(environment=runs.environment(limits={"targets": 1, "longest_fault": longest}))

    verdict = judge(limited("10s"))  # the no-action arm is watched for 10.8 s
    assert verdict.word is VerdictWord.UNKNOWN
    assert {reason.word for reason in verdict.reasons} == {"fault-expired"}
    assert judge(limited("11s")).word is VerdictWord.VERIFIED


def test_the_runbook_that_was_followed_is_the_one_of_the_run(runs):
    assert judge(replace(runs.verified(), runbook_digest="d1")).word is VerdictWord.VERIFIED
    verdict = judge(replace(runs.verified(), runbook_digest="d0"))
    assert verdict.word is VerdictWord.UNKNOWN
    assert "The runbook was changed while this run went on" in verdict.reasons[0].sentence


def test_a_runbook_that_changed_nothing_brought_nothing_back(runs):
    run = runs.edit(
        runs.verified(), "step-started", Arm.TREATMENT, where={"role": "mitigate"}, role="diagnose"
    )
    run = runs.edit(run, "step-finished", Arm.TREATMENT, where={"role": "mitigate"}, role="diagnose")
    verdict = judge(run)
    assert verdict.word is VerdictWord.UNKNOWN
    assert "without one step that changes anything" in verdict.reasons[0].sentence


def test_the_look_right_before_the_first_mitigation_counts(runs):
    """During diagnosis the fault went away: that it was in force before that is not enough."""

    def change(trial):
        at = next(
            i for i, e in enumerate(trial.events) if e["kind"] == "step-started" and e["role"] == "mitigate"
        )
        evidence = [{"name": "kill-store", "holds": False}]
        look = {"when": "before-mitigation", "holds": False, "evidence": evidence, "wall": ""}
        look |= {"kind": "fault-in-force", "at": trial.events[at]["at"] - 0.01}
        return replace(trial, events=(*trial.events[:at], look, *trial.events[at:]))

    verdict = judge(runs.of(runs.verified(), Arm.TREATMENT, change))
    assert (verdict.word, verdict.reasons[0].word) == (VerdictWord.UNKNOWN, "fault-not-in-force")
