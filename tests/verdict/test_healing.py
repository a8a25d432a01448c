"""Failures that nobody feels, and failures that heal by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chaos_ext.model import Arm, Verdict, VerdictWord
from chaos_ext.verdict.evidence import RunEvidence
from chaos_ext.verdict.judge import judge

T, N = Arm.TREATMENT, Arm.NO_ACTION
Runs = Any  # conftest's


def words(verdict: Verdict) -> set[str]:
    return {reason.word for reason in verdict.reasons}


# --- a failure that nobody feels ---


def unfelt(runs: Runs, after_runbook: Any, after_nobody: Any, **edits: Any) -> RunEvidence:
    calm = {"submit_hurts": lambda at, n: False}
    found = runs.run(
        runs.treatment(**calm),
        runs.no_action(**calm, back=4.0),
        mode=runs.mode(impact={"flows": {}, "summary": "Nobody feels it."}),
    )
    found = runs.edit(found, "recovery", flow="read", earliest=1003.3, latest=1003.4)
    for arm, evidence in ((T, after_runbook), (N, after_nobody)):
        if evidence is not None:
            holds = all(e.get("holds") for e in evidence)
            found = runs.plus(found, "fault-in-force", arm, when="at-the-end", holds=holds, evidence=evidence)
    return found


STANDS = [{"name": "kill-store", "holds": True}]
GONE = [{"name": "kill-store", "holds": False}]
NOT_SEEN = [{"name": "kill-store", "holds": False, "error": "no answer"}]


@pytest.mark.parametrize(
    ("treated", "alone", "word", "reasons"),
    [
        pytest.param(GONE, STANDS, VerdictWord.VERIFIED, set(), id="gone by the runbook, and only by it"),
        pytest.param(
            STANDS, STANDS, VerdictWord.REFUTED, {"not-recovered", "verification-blind"}, id="still there"
        ),
        pytest.param(GONE, GONE, VerdictWord.REFUTED, {"heals-itself"}, id="gone by itself"),
        pytest.param(None, STANDS, VerdictWord.UNKNOWN, {"no-data"}, id="nobody looked after the runbook"),
        pytest.param(GONE, None, VerdictWord.UNKNOWN, {"no-data"}, id="nobody looked after nobody acted"),
        pytest.param(NOT_SEEN, STANDS, VerdictWord.UNKNOWN, {"no-data"}, id="the look failed"),
    ],
)
def test_a_failure_of_no_flow_is_over_when_its_evidence_says_so(
    runs: Runs, treated: Any, alone: Any, word: VerdictWord, reasons: set[str]
) -> None:
    verdict = judge(unfelt(runs, treated, alone))
    assert (verdict.word, words(verdict)) == (word, reasons), verdict.reasons


@pytest.mark.parametrize(
    ("possible", "feels", "recovery", "reasons"),
    [
        pytest.param("outage", True, "runbook", {"impact-differs"}, id="an outage that was called possible"),
        pytest.param("outage", True, "self", {"impact-differs"}, id="such an outage that heals by itself"),
        pytest.param("outage", False, "runbook", set(), id="no outage"),
        pytest.param("degraded", True, "runbook", {"impact-differs"}, id="an outage that nobody spoke of"),
    ],
)
def test_who_claims_that_nobody_is_hurt_is_wrong_about_an_outage(
    runs: Runs, possible: str, feels: bool, recovery: str, reasons: set[str]
) -> None:
    told = {} if feels else {"submit_hurts": lambda at, n: False}
    found = runs.run(
        runs.treatment(**told),
        runs.no_action(**told, **({} if feels and recovery == "runbook" else {"back": 7.0})),
        mode=runs.mode(
            recovery=recovery, impact={"flows": {}, "possible": {"submit": possible}, "summary": "x"}
        ),
    )
    if not feels:
        found = runs.edit(found, "recovery", flow="read", earliest=1003.3, latest=1003.4)
    for arm, evidence in ((T, GONE), (N, STANDS if recovery == "runbook" else GONE)):
        found = runs.plus(found, "fault-in-force", arm, when="at-the-end", holds=False, evidence=evidence)
    verdict = judge(found)
    assert words(verdict) == reasons, verdict.reasons
    assert (verdict.word is VerdictWord.VERIFIED) is (not reasons)


# --- recovery: self ---


def self_healing(runs: Runs, treatment: dict[str, Any], alone: dict[str, Any]) -> RunEvidence:
    impact = "degraded" if "submit_hurts" in treatment else "outage"
    found: RunEvidence = runs.run(
        runs.treatment(**treatment),
        runs.no_action(**{"end": 11.0, **alone}),
        mode=runs.mode(recovery="self", impact={"flows": {"submit": impact}, "summary": "x"}),
    )
    return found


def burst(*stretches: tuple[float, float]) -> Callable[[float, int], bool]:
    return lambda at, number: any(begin <= at < end for begin, end in stretches)


@pytest.mark.parametrize(
    ("treatment", "alone", "reasons"),
    [
        pytest.param({"back": 5.0}, {"back": 5.0}, set(), id="back by itself in both"),
        pytest.param({"back": 7.5, "end": 12.0}, {"back": 5.0}, set(), id="a little later with the runbook"),
        pytest.param({"back": 9.5, "end": 14.0}, {"back": 5.0}, {"harmful"}, id="held up by the runbook"),
        pytest.param(
            {"back": 8.0, "end": 13.0, "submit_hurts": burst((3.25, 4.5), (6.5, 8.0))},
            {"back": 4.5},
            {"harmful"},
            id="hurt again by a step",
        ),
        pytest.param(
            {"back": 8.0, "end": 13.0, "submit_hurts": burst((3.25, 4.5), (6.5, 8.0))},
            {"back": 8.0, "submit_hurts": burst((3.25, 4.5), (6.5, 8.0)), "end": 12.0},
            set(),
            id="hurt again, but so it is when nobody acts",
        ),
        pytest.param({"back": 5.0}, {"back": None}, {"does-not-heal"}, id="does not heal"),
    ],
)  # fmt: skip
def test_a_runbook_must_not_harm_what_heals_by_itself(
    runs: Runs, treatment: dict[str, Any], alone: dict[str, Any], reasons: set[str]
) -> None:
    verdict = judge(self_healing(runs, treatment, alone))
    assert words(verdict) - {"impact-differs"} == reasons, verdict.reasons


@pytest.mark.parametrize(
    ("treated", "alone", "word", "reasons"),
    [
        pytest.param(GONE, GONE, VerdictWord.VERIFIED, set(), id="gone by itself in both"),
        pytest.param(GONE, STANDS, VerdictWord.REFUTED, {"does-not-heal"}, id="still there when nobody acted"),
        pytest.param(
            STANDS, GONE, VerdictWord.REFUTED, {"not-recovered", "verification-blind"},
            id="still there after the runbook",
        ),
        pytest.param(GONE, None, VerdictWord.UNKNOWN, {"no-data"}, id="nobody looked when nobody acted"),
        pytest.param(None, GONE, VerdictWord.UNKNOWN, {"no-data"}, id="nobody looked after the runbook"),
        pytest.param(GONE, NOT_SEEN, VerdictWord.UNKNOWN, {"no-data"}, id="the look failed"),
    ],
)  # fmt: skip
def test_what_heals_by_itself_and_was_not_felt_is_in_time(
    runs: Runs, treated: Any, alone: Any, word: VerdictWord, reasons: set[str]
) -> None:
    """No flow tells that it is over: its evidence must, also when nobody is needed to end it."""
    calm = {"submit_hurts": lambda at, n: False, "back": 4.0}
    found = runs.run(
        runs.treatment(**calm),
        runs.no_action(**calm, end=11.0),
        mode=runs.mode(
            recovery="self", impact={"flows": {}, "possible": {"submit": "degraded"}, "summary": "x"}
        ),
    )
    found = runs.edit(found, "recovery", flow="read", earliest=1003.3, latest=1003.4)
    for arm, evidence in ((T, treated), (N, alone)):
        if evidence is not None:
            holds = all(e.get("holds") for e in evidence)
            found = runs.plus(found, "fault-in-force", arm, when="at-the-end", holds=holds, evidence=evidence)
    verdict = judge(found)
    assert words(verdict) == reasons, verdict.reasons
    assert verdict.word is word, verdict.reasons
    assert word is not VerdictWord.VERIFIED or "1 of 1 recoveries inside the objective" in verdict.worth
