"""Each thing that a record can lack or contradict is told in its own sentence, and only then."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chaos_ext.language import say
from chaos_ext.model import Arm, VerdictWord
from chaos_ext.verdict.evidence import RunEvidence
from chaos_ext.verdict.judge import judge

T, N = Arm.TREATMENT, Arm.NO_ACTION
Make = Callable[[Any], RunEvidence]
SEEN = {"name": "kill-store", "holds": True}


def only_submits(runs: Any) -> dict[str, Any]:
    services: dict[str, Any] = runs.services()
    return {**services, "flows": {"submit": services["flows"]["submit"]}}


TOLD: list[tuple[str, Make]] = [
    (
        "has no end of start.",
        lambda r: r.without(r.verified(), "step-finished", T, step="start"),
    ),
    (
        "followed a runbook of which not one block ran",
        lambda r: r.edit(r.verified(), "runbook-finished", T, exercised=[]),
    ),
    (
        "recorded a recovery without its time",
        lambda r: r.edit(r.verified(), "recovery", T, earliest=None),
    ),
    (
        "recorded an alert that fired, but not when",
        lambda r: r.edit(r.verified(), "alert", T, latest=None),
    ),
    (
        "has no fault to judge: the mode says none for lab",
        lambda r: r.run(mode=r.mode(reproduce={"gcp": r.mode()["reproduce"]["lab"]})),
    ),
    (
        "looked at the fault before it had gone in",
        lambda r: r.edit(r.verified(), "fault-in-force", T, where={"when": "after-injection"}, at=1003.25),
    ),
    (
        "has evidence for 0 of 1 faults after it went in",
        lambda r: r.edit(r.verified(), "fault-in-force", T, where={"when": "after-injection"}, evidence=[]),
    ),
    (
        "shows no fault right before the first mitigation: other does not hold",
        lambda r: r.edit(
            r.verified(),
            "fault-in-force",
            T,
            where={"when": "before-mitigation"},
            evidence=[SEEN, {"name": "other", "holds": "yes"}],
        ),
    ),
    (
        "cannot measure checkout: services.yaml has no such user flow",
        lambda r: r.run(
            mode=r.mode(impact={"flows": {"submit": "outage", "checkout": "outage"}, "summary": "x"})
        ),
    ),
    (
        "measured no operation of submit between the fault and the first mitigation",
        lambda r: r.run(r.treatment(fault=(3.2, 3.31), mitigation=3.39), r.no_action()),
    ),
    (
        "event 'alert' lacks earliest (time or null)",
        lambda r: r.edit(r.verified(), "alert", T, earliest=math.nan),
    ),
    (
        "event 'recovery' lacks latest (time or null)",
        lambda r: r.edit(r.verified(), "recovery", T, latest=True),
    ),
    (
        "event 'write-log' lacks acknowledged (count)",
        lambda r: r.edit(r.verified(), "write-log", T, acknowledged=True),
    ),
    (
        "measured read, which is no user flow of services.yaml",
        lambda r: replace(r.verified(), services=r.run(services=only_submits(r)).services),
    ),
]


@pytest.mark.parametrize(("sentence", "make"), TOLD, ids=[sentence for sentence, _ in TOLD])
def test_what_is_missing_or_contradicts_is_said(runs: Any, sentence: str, make: Make) -> None:
    verdict = judge(make(runs))
    assert verdict.word is VerdictWord.UNKNOWN
    assert any(sentence in reason.sentence for reason in verdict.reasons), verdict.reasons
    clean = judge(runs.verified())
    assert not any(sentence in reason.sentence for reason in clean.reasons)


def test_figures_of_several_flows_are_said_one_by_one():
    text = "store: 12 of 12 operations failed; look: 6 of 6 operations failed"
    assert say(text, "ja") == "store: 12件中12件の操作が失敗; look: 6件中6件の操作が失敗"
