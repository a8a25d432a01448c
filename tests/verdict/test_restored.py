"""Whatever a run proved: what it left and nobody said fails the command, with the difference in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chaos_ext.model import Arm, VerdictWord
from chaos_ext.verdict.judge import judge

LOCKED = {"store": {"primary": "a", "roles": {"batch": {"login": False}}}}
LEAVES = [{"path": "store/roles/batch/login", "why": "It may not log in."}]


def seen(
    runs: Any, run: Any, arm: Arm, after: dict[str, Any] | None, failed: dict[str, str] | None = None
) -> Any:
    """`run` in which the look after the undo saw `after`, or was never made."""

    def change(trial: Any) -> Any:
        events = [
            event if not (event["kind"] == "snapshot" and event["when"] == "after")
            else {**event, "seen": after, "failed": failed or {}}
            for event in trial.events
            if after is not None or not (event["kind"] == "snapshot" and event["when"] == "after")
        ]  # fmt: skip
        return replace(trial, events=tuple(events))

    return runs.of(run, arm, change)


def flags(verdict: Any) -> list[str]:
    return [f"{flag.word}: {flag.sentence}" for flag in verdict.flags]


def test_a_verified_run_that_leaves_something_fails_the_command(runs: Any) -> None:
    verdict = judge(seen(runs, runs.verified(), Arm.TREATMENT, LOCKED))

    assert verdict.word is VerdictWord.VERIFIED
    assert verdict.exit_code == 5
    assert flags(verdict)[0] == (
        "environment-not-restored: 01-treatment left a difference: store/roles/batch/login: was true before the fault, "
        "is false now."
    )
    assert "Put it back by hand" in flags(verdict)[1]


@pytest.mark.parametrize(
    ("by", "arm", "code"),
    [
        ("runbook", Arm.TREATMENT, 0),
        ("runbook", Arm.NO_ACTION, 5),
        ("fault", Arm.TREATMENT, 0),
        ("fault", Arm.NO_ACTION, 0),
    ],
)
def test_what_the_mode_leaves_is_no_difference(runs: Any, by: str, arm: Arm, code: int) -> None:
    run = runs.run(mode=runs.mode(leaves=[{**LEAVES[0], "by": by}]))
    assert judge(seen(runs, run, arm, LOCKED)).exit_code == code


def test_a_lab_that_is_thrown_away_must_have_been_restored_too(runs: Any) -> None:
    run = runs.run(environment=runs.environment(disposable=True))
    run = replace(run, events=({"kind": "lab-stopped", "at": 1.0},))
    verdict = judge(seen(runs, run, Arm.NO_ACTION, LOCKED))

    assert verdict.exit_code == 5
    assert "The lab is thrown away" in flags(verdict)[-1]


@pytest.mark.parametrize(
    ("after", "failed"),
    [({}, {"store": "no answer"}), ({}, {})],
    ids=["it failed", "it is not there"],
)
def test_what_could_not_be_seen_is_not_restored(runs: Any, after: Any, failed: Any) -> None:
    verdict = judge(seen(runs, runs.verified(), Arm.TREATMENT, after, failed))
    assert verdict.exit_code == 5
    assert "could not look at store after the undo" in flags(verdict)[0]


def test_no_look_afterwards_is_no_pass(runs: Any) -> None:
    verdict = judge(seen(runs, runs.verified(), Arm.TREATMENT, None))
    assert verdict.exit_code == 5
    assert "whether it is as it was is not known" in flags(verdict)[0]


@pytest.mark.parametrize("kind", ["snapshot", "restored"])
def test_a_trial_without_looks_proves_nothing(runs: Any, kind: str) -> None:
    verdict = judge(runs.without(runs.verified(), kind, Arm.TREATMENT))
    assert verdict.word is VerdictWord.UNKNOWN
    assert {reason.word for reason in verdict.reasons} == {"no-data"}


def test_an_event_that_says_restored_is_not_believed(runs: Any) -> None:
    run = seen(runs, runs.verified(), Arm.TREATMENT, LOCKED)
    assert all(e["holds"] for t in run.trials for e in t.events if e["kind"] == "restored")
    assert judge(run).exit_code == 5
