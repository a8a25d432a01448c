"""A meter that sent late was waiting for a CPU: what it measured meanwhile says nothing about the service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chaos_ext.language import say
from chaos_ext.meter.samples import Sample
from chaos_ext.model import Arm, Verdict, VerdictWord
from chaos_ext.verdict.evidence import RunEvidence
from chaos_ext.verdict.judge import judge

Runs = Any  # conftest's
ORIGIN = 1000.0  # when its meters start
T, N = Arm.TREATMENT, Arm.NO_ACTION
# The treatment of conftest: meter 0, fault 3.2 to 3.3, mitigation 6.0, back 7.0, end 11.0; windows of 3 s.
BASELINE, FAULT, STABLE = (0.19, 3.19), (3.29, 5.99), (7.99, 10.99)
# Ten submits and thirty reads a second, so many while the fault is untouched; half of them may be late.
OPERATIONS, ALLOWED = 108, 54


def late(
    run: RunEvidence, lag_s: float, when: tuple[float, float], arm: Arm = T, first: int | None = None
) -> RunEvidence:
    """The run with operations that were scheduled in `when` sent later; only the `first` of them, if given."""

    def delayed(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        due = sorted((s.scheduled, s.flow) for s in samples if when[0] <= s.scheduled - ORIGIN < when[1])
        chosen = set(due[:first])
        return tuple(
            replace(s, sent=s.sent + lag_s, done=s.done + lag_s) if (s.scheduled, s.flow) in chosen else s
            for s in samples
        )

    changed = tuple(replace(t, samples=delayed(t.samples)) if t.arm is arm else t for t in run.trials)
    return replace(run, trials=changed)


def starved(verdict: Verdict) -> bool:
    return any("too busy to measure" in reason.sentence for reason in verdict.reasons)


def slow(runs: Runs) -> RunEvidence:
    """Back later than the objective."""
    return runs.run(runs.treatment(back=14.5, end=18.5), runs.no_action(end=25.0))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("made", "when", "told"),
    [
        pytest.param("verified", FAULT, "while nothing was done about the fault", id="users were hurt"),
        pytest.param("slow", (6.0, 18.4), "once something was done about the fault", id="not back in time"),
    ],
)
def test_a_meter_that_sent_late_where_something_is_decided_leaves_it_open(runs: Runs, made, when, told):
    run = slow(runs) if made == "slow" else runs.verified()
    assert not starved(judge(late(run, 0.0099, when)))
    verdict = judge(late(run, 0.0101, when))
    assert verdict.word is VerdictWord.UNKNOWN
    assert [reason.word for reason in verdict.reasons] == ["no-data"]
    assert told in verdict.reasons[0].sentence


@pytest.mark.parametrize("lag_s", [0.011, 0.5])
def test_half_may_be_late_and_one_more_may_not(runs: Runs, lag_s):
    assert not starved(judge(late(runs.verified(), lag_s, FAULT, first=ALLOWED)))
    verdict = judge(late(runs.verified(), lag_s, FAULT, first=ALLOWED + 1))
    assert [reason.sentence for reason in verdict.reasons if reason.word == "no-data"] == [
        f"01-treatment sent {ALLOWED + 1} of {OPERATIONS} operations more than 10 ms late while nothing was done "
        "about the fault, where half may be: this machine is too busy to measure. Run fewer labs at once (JOBS=1), or "
        "on a quieter machine."
    ]


@pytest.mark.parametrize(
    "when",
    [
        pytest.param(BASELINE, id="it-held"),
        pytest.param((6.01, 7.99), id="while-it-is-brought-back-in-time"),
        pytest.param(STABLE, id="it-is-back"),
        pytest.param((11.01, 99.0), id="after-the-end"),
    ],
)
def test_a_lag_where_nothing_is_decided_does_not_matter(runs: Runs, when):
    assert judge(late(runs.verified(), 0.05, when)).word is VerdictWord.VERIFIED


def test_a_fault_may_take_every_core_while_it_goes_in(runs: Runs):
    slowly = runs.treatment(fault=(3.2, 5.2), mitigation=9.0, back=10.0, end=14.0)
    run = runs.run(slowly, runs.no_action(end=17.0), mode=runs.objectives(detect_within="8s"))
    assert judge(late(run, 0.05, (3.2, 5.19))).word is VerdictWord.VERIFIED
    assert starved(judge(late(run, 0.05, (5.2, 7.2))))


def test_a_service_too_slow_on_a_starved_machine_is_not_refuted(runs: Runs):
    assert judge(slow(runs)).word is VerdictWord.REFUTED
    verdict = judge(late(slow(runs), 0.03, FAULT))
    assert verdict.word is VerdictWord.UNKNOWN
    assert starved(verdict)


def test_the_arm_in_which_nobody_acts_is_measured_as_well(runs: Runs):
    verdict = judge(late(runs.verified(), 0.03, (3.3, 14.0), arm=N))
    assert verdict.word is VerdictWord.UNKNOWN
    assert "02-no-action sent" in verdict.reasons[0].sentence


def test_it_is_told_in_japanese(runs: Runs):
    sentence = judge(late(runs.verified(), 0.011, FAULT)).reasons[0].sentence
    for told in (sentence, str(sentence)):  # as it was made, and as it comes back from a file
        assert say(told, "ja") == (
            "01-treatment: 障害に何も対処していない間に、操作108件のうち108件を10ミリ秒より遅れて送りました"
            "（許容は半数まで）。マシンが混んでいて計測できません。同時に動かすラボを減らすか（JOBS=1）、空いているマシンで実行してください。"
        )
