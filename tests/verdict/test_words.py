"""For every word of a verdict a run that earns it, and its neighbour, only just different, that does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from verdict.cases import answers, left_behind, noticed, records, stores, trials
from verdict.cases.spoiling import Case, Cases

from chaos_ext.model import Verdict, VerdictWord
from chaos_ext.verdict.judge import REFUTED, UNKNOWN, judge

WORDS = trials.CASES + records.CASES + answers.CASES + noticed.CASES + stores.CASES
FLAGGED = left_behind.CASES


def words(verdict: Verdict) -> set[str]:
    return {reason.word for reason in verdict.reasons}


def ids(cases: Cases) -> list[str]:
    return [f"{word}: {what}" for word, what, _, _ in cases]


@pytest.mark.parametrize(("word", "what", "earns", "neighbour"), WORDS, ids=ids(WORDS))
def test_a_word_is_earned_and_its_neighbour_does_not_earn_it(
    runs: Any, word: str, what: str, earns: Case, neighbour: Case
) -> None:
    verdict, other = judge(earns(runs)), judge(neighbour(runs))
    assert word in words(verdict), verdict
    assert word not in words(other), other
    assert verdict.word is (VerdictWord.REFUTED if words(verdict) & REFUTED else VerdictWord.UNKNOWN)
    assert verdict.exit_code != 0


def test_every_word_has_a_case() -> None:
    told = {word for word, _, _, _ in WORDS}
    assert told >= (REFUTED | UNKNOWN) - {"harmful"}, "harmful needs the healthy arm, which is not built"


@pytest.mark.parametrize(("word", "what", "earns", "neighbour"), FLAGGED, ids=ids(FLAGGED))
def test_what_is_left_behind_is_a_flag_of_its_own(
    runs: Any, word: str, what: str, earns: Case, neighbour: Case
) -> None:
    verdict, other = judge(earns(runs)), judge(neighbour(runs))
    assert word in {flag.word for flag in verdict.flags}
    assert verdict.exit_code == 5
    assert other.flags == ()
    assert other.exit_code != 5


def test_every_flag_has_a_case() -> None:
    assert {word for word, _, _, _ in FLAGGED} == {"undo-failed", "environment-not-restored"}


def test_lost_writes_are_worked_out_again_from_what_was_read_back(runs: Any) -> None:
    """Whoever says that nothing was lost must have it in what was kept of the reading back."""
    run = runs.verified()
    trial = run.trials[0]
    acknowledged = [w["id"] for w in trial.writes if w.get("outcome") == "ok"]

    def judged(ids: list[str]) -> Any:
        kept = ({"flow": "submit", "items": [{"id": i} for i in ids]},)
        return judge(replace(run, trials=(replace(trial, read_back=kept), *run.trials[1:])))

    assert judged(acknowledged).word == "verified"
    found = judged(acknowledged[1:])
    assert found.word == "unknown"
    assert "no-data" in {reason.word for reason in found.reasons}


def test_a_loss_is_told_by_store_with_its_observed_rpo(runs: Any) -> None:
    (reason,) = judge(stores.kept(runs, lost=["w1"])).reasons
    assert reason.sentence.endswith(
        "lost 1 of 78 writes that users were told are stored, 0 allowed: w1. "
        "Lost: submit in insight 1 (observed RPO 3.1–3.2 s)."
    )
    (reason,) = judge(stores.kept(runs, twice=["w1"])).reasons
    assert "They are in submit in insight." in reason.sentence
