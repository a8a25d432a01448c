"""What the cases do to a run of the fixture `runs`: each leaves one thing in it spoilt, or only just not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chaos_ext.model import Arm
from chaos_ext.verdict.evidence import RunEvidence

T, N = Arm.TREATMENT, Arm.NO_ACTION
Case = Callable[[Any], RunEvidence]  # Any: the `Runs` fixture's class, which conftest keeps
Cases = list[tuple[str, str, Case, Case]]  # word, what earns it, a run that does, one that only just does not


def one_in_five(at: float, number: int) -> bool:
    return 3.3 <= at < 7.0 and number % 5 == 0


def one_in_five_for_good(at: float, number: int) -> bool:
    return at >= 3.3 and number % 5 == 0


def with_expiry(runs: Any, expires_after: str) -> dict[str, Any]:
    fault = {**runs.mode()["reproduce"]["lab"][0], "expires_after": expires_after}
    found: dict[str, Any] = runs.mode(reproduce={"lab": [fault]})
    return found


def two_faults(runs: Any) -> dict[str, Any]:
    fault = runs.mode()["reproduce"]["lab"][0]
    found: dict[str, Any] = runs.mode(reproduce={"lab": [fault, {**fault, "name": "kill-other"}]})
    return found


def failing_step(runs: Any, role: str) -> RunEvidence:
    run = runs.edit(
        runs.verified(),
        "step-finished",
        T,
        where={"role": role},
        ok=False,
        exit=2,
        why="exit code 2, expected 0",
    )
    found: RunEvidence = runs.edit(run, "runbook-finished", T, ok=False, failed_step=role)
    return found


def stopped(runs: Any, *trials: Any) -> RunEvidence:
    run: RunEvidence = runs.edit(
        runs.run(*trials), "runbook-finished", T, ok=False, failed_step="check", why="Verification: not back"
    )
    return run


def never_back(runs: Any) -> RunEvidence:
    found: RunEvidence = runs.run(runs.treatment(back=None, end=14.0), runs.no_action())
    return found


def self_healing(runs: Any, alone: Any) -> RunEvidence:
    found: RunEvidence = runs.run(runs.treatment(), alone, mode=runs.mode(recovery="self"))
    return found


def lost(runs: Any, ids: list[str], **objectives: Any) -> RunEvidence:
    run = runs.run(mode=runs.objectives(**objectives)) if objectives else runs.verified()
    found: RunEvidence = runs.edit(run, "write-log", T, lost=ids)
    return found


def unfelt(runs: Any) -> RunEvidence:
    run = runs.run(runs.treatment(submit_hurts=lambda at, n: False), runs.no_action())
    found: RunEvidence = runs.edit(run, "recovery", T, flow="read", earliest=1003.0, latest=1004.0)
    return found


def shorter(run: RunEvidence, keep: Callable[[Any], bool]) -> RunEvidence:
    """The run with those samples only, renumbered as if the meter had measured nothing else."""

    def change(trial: Any) -> Any:
        numbers: dict[str, int] = {}
        samples = []
        for sample in trial.samples:
            if keep(sample):
                number = numbers.get(sample.flow, 0)
                numbers[sample.flow] = number + 1
                samples.append(replace(sample, number=number))
        return replace(trial, samples=tuple(samples))

    return replace(run, trials=tuple(map(change, run.trials)))


def late(runs: Any, arm: Arm, sent_from: float, done: float) -> RunEvidence:
    """A run in which the reads that were sent in the 0.3 s from `sent_from` hang, and fail at `done`."""

    def change(trial: Any) -> Any:
        hung = [
            replace(s, ok=False, why="deadline", done=1000 + done)
            if s.flow == "read" and sent_from <= s.sent - 1000 < sent_from + 0.3
            else s
            for s in trial.samples
        ]
        return replace(trial, samples=tuple(sorted(hung, key=lambda s: s.done)))

    found: RunEvidence = runs.of(runs.verified(), arm, change)
    return found
