"""Trials in which the runbook was followed otherwise than it is written: what they show, and what they do not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaos_ext.model import Arm, MutantWord, Mutation, StepWord, VerdictWord
from chaos_ext.verdict.evidence import RunEvidence
from chaos_ext.verdict.judge import judge

STEPS = [
    {"step": "start", "key": "step-3", "heading": "Step 3: Start it"},
    {"step": "limit", "key": "step-4", "heading": "Step 4: Limit it"},
]
NEVER = {"back": None, "end": 20.0, "ok": False}


@pytest.fixture
def made(runs):
    """A run of these trials, numbered, whose record names the steps of the runbook."""

    def make(*told, left_out=(), **more) -> RunEvidence:
        run = runs.run(*(replace(one, number=n) for n, one in enumerate(told, 1)), **more)
        events = [{"kind": "run-started", "at": 0.0, "wall": "", "steps": STEPS}]
        events += [
            {
                "kind": "variant-left-out",
                "at": 0.0,
                "wall": "",
                "variant": variant,
                "why": why,
                "trials": names,
            }
            for variant, why, names in left_out
        ]
        return replace(run, events=tuple(events))

    return make


@pytest.fixture
def well(runs):
    """Trials of the two usual arms, as many as asked for."""
    return lambda treated=1, alone=1: (
        *(runs.treatment(mitigation=6.0 + n / 100) for n in range(treated)),
        *(runs.no_action() for _ in range(alone)),
    )


def _without(runs, step, **fields):
    return runs.treatment(arm=Arm.WITHOUT_STEP, step=step, **fields)


def _mutated(runs, mutation=Mutation.DOUBLED, **fields):
    return runs.treatment(arm=Arm.MUTATED, step="start", mutation=mutation, **fields)


# --- steps ---------------------------------------------------------------------------------------


def test_two_arms_say_nothing_of_steps_or_mistakes(runs):
    verdict = judge(runs.verified())
    assert verdict.word is VerdictWord.VERIFIED
    assert verdict.steps == ()
    assert verdict.mutations is None


def test_a_step_without_which_users_are_not_back_is_necessary_and_another_one_is_not_shown_to_be(
    made, well, runs
):
    gone = [_without(runs, "start", **NEVER)] * 5
    still = [_without(runs, "limit")] * 5
    verdict = judge(made(*well(29, 3), *gone, *still))

    start, limit = verdict.steps
    assert (start.step, start.heading, start.finding) == ("start", "Step 3: Start it", StepWord.NECESSARY)
    assert (start.with_it.back, start.with_it.of, start.without.back, start.without.of) == (29, 29, 0, 5)
    assert start.p == pytest.approx(2 * 1 / 278256)  # 1 / C(34, 5), of two questions
    assert (limit.step, limit.finding, limit.p) == ("limit", StepWord.NOT_SHOWN, 1.0)
    assert "does not mean unnecessary" in limit.sentence
    assert "few trials" not in limit.sentence
    assert verdict.word is VerdictWord.VERIFIED, verdict.reasons


def test_so_few_trials_that_nothing_could_be_shown_are_called_so(made, well, runs):
    (start,) = judge(made(*well(), _without(runs, "start", **NEVER))).steps
    assert (start.finding, start.p) == (StepWord.NOT_SHOWN, 1.0)
    assert "So few trials cannot show it" in start.sentence


def test_the_more_steps_are_asked_about_the_more_must_be_shown(made, well, runs):
    """5 of 5 against 0 of 3 is p = 0.018 for one step, and more than 0.05 for the second of three."""
    alone = judge(made(*well(5, 3), *[_without(runs, "start", **NEVER)] * 3)).steps
    many = judge(
        made(
            *well(5, 3),
            *(_without(runs, step, **NEVER) for step in ("start", "limit", "third") for _ in range(3)),
        )
    ).steps
    assert [s.finding for s in alone] == [StepWord.NECESSARY]
    assert [s.finding for s in many] == [StepWord.NOT_SHOWN] * 3
    assert many[0].p == pytest.approx(3 / 56)


def test_a_step_without_which_users_are_back_more_often_is_harmful_and_refutes(made, well, runs):
    bad = [runs.treatment(**{**NEVER, "ok": True})] * 8
    better = [_without(runs, "start")] * 8
    verdict = judge(made(*bad, runs.no_action(end=25.0), *better))
    assert verdict.steps[0].finding is StepWord.HARMFUL
    assert verdict.word is VerdictWord.REFUTED
    assert any(r.word == "harmful" and "Step 3: Start it" in r.sentence for r in verdict.reasons)


def test_a_step_that_keeps_what_users_were_told_is_stored_is_necessary(made, well, runs):
    loses = [_without(runs, "start", lost=("w3",))] * 5
    verdict = judge(made(*well(29, 3), *loses))
    assert verdict.steps[0].finding is StepWord.NECESSARY
    assert verdict.word is VerdictWord.VERIFIED, "the runbook as it is written loses nothing"


def test_a_trial_that_breaks_a_rule_is_counted_and_shown_and_never_a_pass(made, well, runs):
    run = made(*well(), *[_without(runs, "start")] * 2)
    broken = replace(
        run.trials[-1], events=tuple(e for e in run.trials[-1].events if e["kind"] != "fault-in-force")
    )
    verdict = judge(replace(run, trials=(*run.trials[:-1], broken)))
    assert (verdict.steps[0].invalid, verdict.steps[0].without.of) == (1, 1)
    assert verdict.word is VerdictWord.UNKNOWN
    assert "without-step 1 valid of 2" in verdict.worth


def test_a_trial_of_another_step_than_its_record_says_is_not_of_this_run(made, well, runs):
    run = made(*well(), _without(runs, "start"))
    verdict = judge(replace(run, trials=(*run.trials[:-1], replace(run.trials[-1], step="limit"))))
    assert [r.word for r in verdict.reasons] == ["no-data"]


def test_what_was_left_out_is_told_and_not_missed(made, well, runs):
    why = "the runbook was followed to its end and did not come to this step"
    names = ["03-without-step-limit", "04-without-step-limit"]
    run = made(*well(), left_out=[("without-step-limit", why, names), ("mutated", "no step", [])])
    run = replace(run, arms=(*run.arms, Arm.WITHOUT_STEP, Arm.WITHOUT_STEP))
    verdict = judge(run)
    assert verdict.word is VerdictWord.VERIFIED, verdict.reasons
    (limit,) = verdict.steps
    assert (limit.finding, limit.p) == (StepWord.LEFT_OUT, None)
    assert why in limit.sentence

    verdict = judge(replace(run, arms=(*run.arms, Arm.WITHOUT_STEP)))
    assert [r.word for r in verdict.reasons] == ["no-data"], "one more was planned than was left out"


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "finding", "passed", "word"),
    [
        pytest.param({}, MutantWord.HARMLESS, True, VerdictWord.VERIFIED, id="users were back"),
        pytest.param(
            {"ok": False}, MutantWord.HARMLESS, True, VerdictWord.VERIFIED, id="back, and it stopped"
        ),
        pytest.param(NEVER, MutantWord.NOTICED, False, VerdictWord.VERIFIED, id="it noticed"),
        pytest.param(
            {**NEVER, "ok": True},
            MutantWord.BLIND,
            True,
            VerdictWord.REFUTED,
            id="it came to its end all the same",
        ),
        pytest.param(
            {**NEVER, "passes": True},
            MutantWord.BLIND,
            True,
            VerdictWord.REFUTED,
            id="a step failed, and Verification would have passed",
        ),
        pytest.param({"lost": ("w3",)}, MutantWord.HARMFUL, True, VerdictWord.VERIFIED, id="writes are lost"),
    ],
)
def test_what_becomes_of_a_mistake(made, well, runs, told, finding, passed, word):
    verdict = judge(made(*well(), _mutated(runs, **told)))
    assert verdict.mutations is not None
    (mutant,) = verdict.mutations.mutants
    assert (mutant.finding, mutant.passed) == (finding, passed), mutant.sentence
    assert mutant.trial == "03-mutated-doubled-start"
    assert mutant.lost == len(told.get("lost", ()))
    assert verdict.word is word, verdict.reasons
    assert any(r.word == "verification-blind" for r in verdict.reasons) is (finding is MutantWord.BLIND)


def test_users_who_were_just_coming_back_say_nothing_of_verification(made, well, runs):
    late = _mutated(runs, back=18.0, end=20.0, passes=True)
    run = made(*well(), late)
    run = runs.edit(run, "recovery", Arm.MUTATED, recovered=False, flow=None, earliest=None, latest=None)
    (mutant,) = judge(run).mutations.mutants
    assert (mutant.finding, mutant.back) == (MutantWord.LATE, False)


def test_the_score_counts_what_could_be_noticed(made, well, runs):
    how = (Mutation.DOUBLED, Mutation.CUT, Mutation.SWAPPED)
    told = ({}, NEVER, {**NEVER, "passes": True})
    left = [("mutated-wrong-target-start", "it names no target", [])]
    mutants = [_mutated(runs, mutation, **fields) for mutation, fields in zip(how, told, strict=True)]
    found = judge(made(*well(), *mutants, left_out=left)).mutations
    assert (found.noticed, found.of) == (1, 2)
    assert [m.finding for m in found.mutants] == [
        MutantWord.HARMLESS,
        MutantWord.NOTICED,
        MutantWord.BLIND,
        MutantWord.LEFT_OUT,
    ]


def test_a_wrong_target_that_was_none_is_no_mistake(made, well, runs):
    run = made(*well(), _mutated(runs, Mutation.WRONG_TARGET, **NEVER))
    (mutant,) = judge(run).mutations.mutants
    assert (mutant.finding, mutant.passed) == (MutantWord.UNKNOWN, None)

    told = {"step": "step-3", "line": "wrong target: PRIMARY is b, not a", "stream": "stderr"}
    (mutant,) = judge(runs.plus(run, "step-output", Arm.MUTATED, **told)).mutations.mutants
    assert mutant.finding is MutantWord.NOTICED


def test_without_its_last_word_a_mistake_proves_nothing(made, well, runs):
    run = runs.without(made(*well(), _mutated(runs, **NEVER)), "verification-after", Arm.MUTATED)
    verdict = judge(run)
    assert verdict.mutations.mutants[0].finding is MutantWord.UNKNOWN
    assert (verdict.mutations.noticed, verdict.mutations.of) == (0, 0)
    assert verdict.word is VerdictWord.UNKNOWN


@pytest.mark.parametrize("arm", [Arm.MUTATED, Arm.TREATMENT])
@pytest.mark.parametrize("disposable", [True, False])
def test_what_a_mistake_leaves_in_a_place_that_is_thrown_away_is_gone(made, well, runs, arm, disposable):
    run = made(*well(), _mutated(runs), environment=runs.environment(disposable=disposable))
    run = replace(run, events=(*run.events, {"kind": "lab-stopped", "at": 9.0, "wall": "", "seconds": 1.0}))
    left = {"store": {"primary": "b", "roles": {"batch": {"login": True}}}}
    run = runs.edit(run, "snapshot", arm, where={"when": "after"}, seen=left)
    verdict = judge(runs.edit(run, "fault-undone", arm, outcome="failed", why="it is another one now"))
    words = {flag.word for flag in verdict.flags}
    is_gone = disposable and arm is Arm.MUTATED
    assert words == (set() if is_gone else {"undo-failed", "environment-not-restored"})


# --- only looking, and nothing broken ------------------------------------------------------------


def test_looking_that_heals_nothing_is_well_and_looking_that_heals_refutes(made, well, runs):
    looks = runs.treatment(arm=Arm.LOOK_ONLY, back=None, end=14.0)
    assert judge(made(*well(), looks)).word is VerdictWord.VERIFIED

    heals = judge(made(*well(), replace(looks, back=7.0)))
    assert [r.word for r in heals.reasons] == ["heals-itself"]
    assert "only looked at" in heals.reasons[0].sentence


def test_who_looks_must_watch_as_long_as_who_does_nothing(made, well, runs):
    verdict = judge(made(*well(), runs.treatment(arm=Arm.LOOK_ONLY, back=None, end=8.0)))
    assert [r.word for r in verdict.reasons] == ["no-action-arm-too-short"]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        pytest.param({}, [], id="harmless"),
        pytest.param({"ok": False}, [], id="a runbook that finds nothing to do may stop"),
        pytest.param(
            {"submit_hurts": lambda at, number: 6.0 <= at < 8.0}, ["harmful"], id="it takes users down"
        ),
        pytest.param({"lost": ("w3",)}, ["data-lost"], id="it loses writes"),
        pytest.param(
            {"submit_hurts": lambda at, number: 3.0 <= at < 5.2}, ["baseline-not-met"], id="not well before"
        ),
    ],
)
def test_a_runbook_that_is_followed_with_nothing_broken(made, well, runs, told, words):
    verdict = judge(made(*well(), runs.treatment(arm=Arm.HEALTHY, **told)))
    assert [r.word for r in verdict.reasons] == words
    assert f"healthy {'0 valid of 1' if words == ['baseline-not-met'] else '1×'}" in verdict.worth


def test_a_healthy_trial_with_a_fault_in_it_is_none(made, well, runs):
    run = made(*well(), runs.treatment(arm=Arm.HEALTHY))
    verdict = judge(runs.plus(run, "fault-intended", Arm.HEALTHY, name="kill-store"))
    assert "no-data" in [r.word for r in verdict.reasons]


# --- what many trials are worth ------------------------------------------------------------------


def test_many_recoveries_say_how_fast_most_are(made, well):
    assert "take at most" not in judge(made(*well(4, 3))).worth
    five, many = judge(made(*well(5, 3))).worth, judge(made(*well(29, 3))).worth
    assert "50 % of recoveries take at most" in five
    assert "90 % of recoveries take at most" in many
    assert "a success rate of at least 90 %" in many


def test_a_recovery_that_was_not_seen_is_slower_than_all(made, well, runs):
    slow = runs.treatment(**{**NEVER, "ok": True})
    worth = judge(made(*well(9, 3), slow, runs.no_action(end=25.0))).worth
    assert "take at most" not in worth
    assert (
        "9 of 10 recoveries inside the objective: at 95 % confidence a success rate of at least 61 %" in worth
    )
