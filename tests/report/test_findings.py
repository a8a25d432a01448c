"""What a verdict says of steps and mistakes, on a screen: the words, and what stands out."""

from __future__ import annotations

import pytest

from chaos_ext.model import (
    MutantFinding,
    MutantWord,
    Mutation,
    Mutations,
    StepFinding,
    StepWord,
    Successes,
    Verdict,
    VerdictWord,
)
from chaos_ext.report.findings import finding_rows
from chaos_ext.report.words import duration


def _step(word: StepWord, invalid: int = 0) -> StepFinding:
    return StepFinding(
        "start", "Step 3: Start", word, Successes(5, 5), Successes(0, 5), invalid, 0.01, "So it is."
    )


def _mutant(word: MutantWord) -> MutantFinding:
    return MutantFinding(
        Mutation.DOUBLED, "start", "Step 3: Start", "03-x", word, False, True, 0, "So it went."
    )


def _rows(
    steps: tuple[StepFinding, ...] = (), mutations: Mutations | None = None
) -> list[tuple[str, str, str]]:
    return list(finding_rows(Verdict(VerdictWord.VERIFIED, (), (), "", 0, steps, mutations)))


def test_two_arms_add_nothing() -> None:
    assert _rows() == []


@pytest.mark.parametrize(
    ("word", "style"),
    [
        (StepWord.NECESSARY, "plain"),
        (StepWord.NOT_SHOWN, "plain"),
        (StepWord.HARMFUL, "bad"),
        (StepWord.LEFT_OUT, "dim"),
    ],
)
def test_a_step(word: StepWord, style: str) -> None:
    assert _rows((_step(word),)) == [("step", "Step 3: Start: So it is.", style)]


def test_trials_that_do_not_count_are_told() -> None:
    ((_, told, _),) = _rows((_step(StepWord.NECESSARY, invalid=2),))
    assert told == "Step 3: Start: So it is. 2 trials without it do not count."


@pytest.mark.parametrize(
    ("word", "style"),
    [
        (MutantWord.NOTICED, "plain"),
        (MutantWord.HARMLESS, "plain"),
        (MutantWord.BLIND, "bad"),
        (MutantWord.HARMFUL, "bad"),
        (MutantWord.LATE, "dim"),
        (MutantWord.UNKNOWN, "dim"),
        (MutantWord.LEFT_OUT, "dim"),
    ],
)
def test_a_mistake(word: MutantWord, style: str) -> None:
    first, _ = _rows(mutations=Mutations(0, 0, (_mutant(word),)))
    assert first == ("mistake", "Step 3: Start, done twice: So it went.", style)


@pytest.mark.parametrize(
    ("noticed", "of", "said", "style"),
    [
        (3, 3, "noticed 3 of 3 mistakes", "plain"),
        (2, 3, "noticed 2 of 3 mistakes", "bad"),
        (0, 0, "nothing for Verification to notice", "plain"),
    ],
)
def test_the_score_stands_last(noticed: int, of: int, said: str, style: str) -> None:
    label, words, painted = _rows(mutations=Mutations(noticed, of, (_mutant(MutantWord.NOTICED),)))[-1]
    assert (label, painted) == ("mistakes", style)
    assert said in words


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (59 * 60, "59 min"),
        (3 * 3600 + 300, "3 h 5 min"),
        (None, "? s"),
    ],
)
def test_a_time_that_is_left(seconds: float | None, told: str) -> None:
    assert duration(seconds) == told
