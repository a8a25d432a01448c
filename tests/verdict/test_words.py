"""For every word of a verdict a run that earns it, and its neighbour, only just different, that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chaos_ext.model import Arm, Verdict, VerdictWord
from chaos_ext.verdict.evidence import RunEvidence
from chaos_ext.verdict.judge import FLAGS, REFUTED, UNKNOWN, judge

T, N = Arm.TREATMENT, Arm.NO_ACTION
Case = Callable[[Any], RunEvidence]  # Any: the `Runs` fixture's class, which conftest keeps


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


# word, what earns it, and what only just does not
WORDS: list[tuple[str, str, Case, Case]] = [
    (
        "baseline-not-met",
        "the trial says so",
        lambda r: r.edit(r.verified(), "baseline", T, holds=False, why="submit: 3 of 30 failed"),
        lambda r: r.edit(r.verified(), "baseline", T, holds=True, why=""),
    ),
    (
        "baseline-not-met",
        "the samples say so, whatever was recorded",
        lambda r: r.run(r.treatment(read_hurts=lambda at, n: 1.0 < at < 1.3), r.no_action()),
        lambda r: r.run(r.treatment(read_hurts=lambda at, n: 1.0 < at < 1.04), r.no_action()),
    ),
    (
        "fault-not-injected",
        "the door says so",
        lambda r: r.plus(
            r.without(r.verified(), "fault-injected", T), "fault-not-injected", T, name="kill-store", why="no"
        ),
        lambda r: r.verified(),
    ),
    (
        "fault-not-injected",
        "the journal says so",
        lambda r: r.of(
            r.verified(),
            T,
            lambda t: replace(
                t, journal={"run": [{"activity": {"name": "inject-kill-store"}, "status": "failed"}]}
            ),
        ),
        lambda r: r.of(
            r.verified(),
            T,
            lambda t: replace(
                t, journal={"run": [{"activity": {"name": "inject-kill-store"}, "status": "succeeded"}]}
            ),
        ),
    ),
    (
        "fault-not-injected",
        "one of two is missing",
        lambda r: r.run(mode=two_faults(r)),
        lambda r: r.verified(),
    ),
    (
        "fault-not-in-force",
        "a no-op shows no evidence",
        lambda r: r.edit(
            r.verified(), "fault-in-force", T, holds=False, evidence=[{"name": "kill-store", "holds": False}]
        ),
        lambda r: r.verified(),
    ),
    (
        "fault-not-in-force",
        "gone right before the mitigation",
        lambda r: r.edit(r.verified(), "fault-in-force", T, where={"when": "before-mitigation"}, holds=False),
        lambda r: r.edit(
            r.run(mode=r.mode(recovery="self")),
            "fault-in-force",
            T,
            where={"when": "before-mitigation"},
            holds=False,
        ),
    ),
    (
        "fault-expired",
        "gone before the mitigation, by its provider",
        lambda r: r.edit(
            r.run(mode=with_expiry(r, "60s")),
            "fault-in-force",
            T,
            where={"when": "before-mitigation"},
            holds=False,
        ),
        lambda r: r.edit(
            r.run(mode=with_expiry(r, "60s")),
            "fault-in-force",
            where={"when": "before-mitigation"},
            holds=True,
        ),
    ),
    (
        "fault-expired",
        "it ends before the watch does",
        lambda r: r.run(mode=with_expiry(r, "10s")),
        lambda r: r.run(mode=with_expiry(r, "11s")),
    ),
    (
        "no-impact",
        "nobody felt it",
        lambda r: r.run(r.treatment(submit_hurts=lambda at, n: False), r.no_action()),
        lambda r: r.verified(),
    ),
    (
        "no-data",
        "events and samples differ about impact",
        lambda r: unfelt(r),
        lambda r: r.edit(unfelt(r), "impact", T, seen=False),
    ),
    (
        "no-data",
        "recovered by the record, not by the samples",
        lambda r: r.edit(
            never_back(r), "recovery", T, recovered=True, flow="submit", earliest=1007.0, latest=1007.1
        ),
        lambda r: never_back(r),
    ),
    (
        "no-data",
        "another time of recovery than the samples show",
        lambda r: r.edit(r.verified(), "recovery", T, earliest=1005.0, latest=1005.5),
        lambda r: r.edit(r.verified(), "recovery", T, earliest=1006.5, latest=1007.5),
    ),
    (
        "no-data",
        "no acknowledged write",
        lambda r: r.of(
            r.edit(r.verified(), "write-log", T, acknowledged=0),
            T,
            lambda t: replace(t, writes=tuple(w for w in t.writes if w.get("outcome") != "ok")),
        ),
        lambda r: r.verified(),
    ),
    (
        "no-data",
        "writes could not be read back",
        lambda r: r.edit(r.verified(), "write-log", T, readable=False, why="503"),
        lambda r: r.verified(),
    ),
    (
        "no-data",
        "the count of acknowledged writes differs from the log",
        lambda r: r.edit(r.verified(), "write-log", T, acknowledged=7),
        lambda r: r.verified(),
    ),
    (
        "no-data",
        "a lost write that was never acknowledged",
        lambda r: lost(r, ["nobody-knows"]),
        lambda r: lost(r, ["w1"]),
    ),
    (
        "no-data",
        "no samples",
        lambda r: r.of(r.verified(), N, lambda t: replace(t, samples=())),
        lambda r: r.verified(),
    ),
    (
        "no-data",
        "samples taken out",
        lambda r: r.of(r.verified(), T, lambda t: replace(t, samples=t.samples[:40] + t.samples[41:])),
        lambda r: r.of(r.verified(), T, lambda t: replace(t, samples=t.samples[:-1])),
    ),
    (
        "no-data",
        "one flow was not measured",
        lambda r: r.of(
            r.verified(), T, lambda t: replace(t, samples=tuple(s for s in t.samples if s.flow == "submit"))
        ),
        lambda r: r.verified(),
    ),
    (
        "no-data",
        "the meter began less than a baseline before the fault",
        lambda r: shorter(r.verified(), lambda s: s.sent >= 1000.6),
        lambda r: shorter(r.verified(), lambda s: s.sent >= 1000.2),
    ),
    (
        "no-data",
        "the meter could not keep its rate",
        lambda r: r.of(
            r.verified(),
            T,
            lambda t: replace(
                t,
                samples=tuple(
                    replace(s, ok=False, why="overload") if s.number % 10 == 3 else s for s in t.samples
                ),
            ),
        ),
        lambda r: r.of(
            r.verified(),
            T,
            lambda t: replace(
                t,
                samples=tuple(
                    replace(s, ok=False, why="overload") if s.number % 100 == 3 else s for s in t.samples
                ),
            ),
        ),
    ),
    (
        "no-data",
        "no journal",
        lambda r: r.of(r.verified(), T, lambda t: replace(t, journal=None)),
        lambda r: r.verified(),
    ),
    (
        "no-data",
        "a damaged file",
        lambda r: r.of(r.verified(), N, lambda t: replace(t, unreadable=("samples.jsonl:3: torn",))),
        lambda r: r.verified(),
    ),
    (
        "no-data",
        "the run's own record is damaged",
        lambda r: replace(r.verified(), unreadable=("events.jsonl:3: torn",)),
        lambda r: replace(r.verified(), unreadable=()),
    ),
    (
        "no-data",
        "a damaged event",
        lambda r: r.edit(r.verified(), "alert", T, fired="yes"),
        lambda r: r.edit(r.verified(), "alert", T, receivers="other fields are nobody's business"),
    ),
    (
        "no-data",
        "a planned trial is missing",
        lambda r: replace(r.verified(), arms=(T, N, T)),
        lambda r: replace(r.verified(), arms=(T, N)),
    ),
    (
        "no-data",
        "no no-action arm",
        lambda r: r.run(r.treatment()),
        lambda r: r.verified(),
    ),
    (
        "no-data",
        "the trial is of another failure mode",
        lambda r: r.edit(r.verified(), "trial-started", N, mode="other"),
        lambda r: r.verified(),
    ),
    (
        "no-data",
        "a claim that this meter cannot measure",
        lambda r: r.run(mode=r.mode(impact={"flows": {"submit": "stale"}, "summary": "x"})),
        lambda r: r.verified(),
    ),
    (
        "no-data",
        "staleness is claimed and not measured",
        lambda r: r.run(mode=r.objectives(stale_for_at_most="5s")),
        lambda r: r.run(mode=r.objectives()),
    ),
    (
        "no-data",
        "the runbook's end contradicts its steps",
        lambda r: r.edit(r.verified(), "step-finished", T, where={"role": "verify"}, ok=False),
        lambda r: failing_step(r, "verify"),
    ),
    (
        "no-data",
        "the fault was looked at after the mitigation",
        lambda r: r.edit(r.verified(), "fault-in-force", T, where={"when": "before-mitigation"}, at=1006.5),
        lambda r: r.edit(r.verified(), "fault-in-force", T, where={"when": "before-mitigation"}, at=1005.9),
    ),
    (
        "no-data",
        "the runbook's Verification ran after the mitigation had begun",
        lambda r: r.edit(r.verified(), "verification-before", T, at=1006.5),
        lambda r: r.edit(r.verified(), "verification-before", T, at=1005.9),
    ),
    (
        "no-data",
        "the alert's interval lies on both sides of the objective",
        lambda r: r.run(mode=r.objectives(detect_within="1600ms")),
        lambda r: r.run(mode=r.objectives(detect_within="1800ms")),
    ),
    (
        "no-data",
        "the recovery's interval lies on both sides of the objective",
        lambda r: r.run(mode=r.objectives(recover_within="3700ms")),
        lambda r: r.run(mode=r.objectives(recover_within="4s")),
    ),
    (
        "no-data",
        "the runbook changed between trials",
        lambda r: r.of(
            r.run(r.treatment(), r.no_action(), r.treatment(number=3)),
            T,
            lambda t: replace(
                t,
                events=tuple(
                    {**e, "digest": t.trial} if e["kind"] == "runbook-started" else e for e in t.events
                ),
            ),
        ),
        lambda r: r.run(r.treatment(), r.no_action(), r.treatment(number=3)),
    ),
    (
        "needs-a-person",
        "a step without a stand-in",
        lambda r: r.edit(
            r.verified(), "runbook-finished", T, needs_person=True, ok=False, failed_step="call"
        ),
        lambda r: r.verified(),
    ),
    (
        "blocked",
        "the door refused",
        lambda r: r.of(
            r.verified(),
            T,
            lambda t: replace(t, events=t.events[:1], journal={"status": "interrupted", "run": []}),
        ),
        lambda r: r.of(r.verified(), T, lambda t: replace(t, journal={"status": "failed", "run": []})),
    ),
    (
        "interrupted",
        "somebody asked to stop",
        lambda r: r.plus(r.verified(), "abort", T, why="Ctrl-C"),
        lambda r: r.verified(),
    ),
    (
        "interrupted",
        "between two trials",
        lambda r: replace(r.verified(), events=({"kind": "abort", "at": 1.0, "why": "Ctrl-C"},)),
        lambda r: replace(r.verified(), events=({"kind": "lab-starting", "at": 1.0},)),
    ),
    (
        "interrupted",
        "Chaos Toolkit says so",
        lambda r: r.of(r.verified(), N, lambda t: replace(t, journal={"status": "interrupted", "run": []})),
        lambda r: r.of(r.verified(), N, lambda t: replace(t, journal={"status": "completed", "run": []})),
    ),
    (
        "no-action-arm-too-short",
        "watched less than the treatment and its stable window took",
        lambda r: r.run(r.treatment(), r.no_action(end=10.0)),
        lambda r: r.run(r.treatment(), r.no_action(end=10.2)),
    ),
    (
        "not-detected",
        "the alert did not fire",
        lambda r: r.edit(r.verified(), "alert", T, fired=False, links=False, earliest=None, latest=None),
        lambda r: r.verified(),
    ),
    (
        "not-detected",
        "the alert fired too late",
        lambda r: r.run(mode=r.objectives(detect_within="1s")),
        lambda r: r.run(mode=r.objectives(detect_within="2s")),
    ),
    (
        "not-detected",
        "the alert fired before the fault",
        lambda r: r.edit(r.verified(), "alert", T, earliest=1002.0, latest=1002.5),
        lambda r: r.edit(r.verified(), "alert", T, earliest=1003.0, latest=1003.6),
    ),
    (
        "not-detected",
        "another alert",
        lambda r: r.edit(r.verified(), "alert", T, name="Other"),
        lambda r: r.edit(r.verified(), "alert", T, name="StoreDown"),
    ),
    (
        "wrong-runbook-linked",
        "the alert links another page",
        lambda r: r.edit(r.verified(), "alert", T, links=False, runbook_url="https://example.com/x.md"),
        lambda r: r.verified(),
    ),
    ("step-failed", "a mitigation failed", lambda r: failing_step(r, "mitigate"), lambda r: r.verified()),
    ("step-failed", "a diagnosis failed", lambda r: failing_step(r, "diagnose"), lambda r: r.verified()),
    ("step-failed", "the runbook stopped between steps", lambda r: stopped(r), lambda r: r.verified()),
    ("not-recovered", "never back", never_back, lambda r: r.verified()),
    (
        "not-recovered",
        "a flow that was not claimed stays broken",
        lambda r: r.edit(
            r.run(r.treatment(read_hurts=lambda at, n: at > 6.5), r.no_action()),
            "recovery",
            T,
            recovered=False,
        ),
        lambda r: r.run(r.treatment(read_hurts=lambda at, n: 6.2 < at < 6.8), r.no_action()),
    ),
    (
        "not-recovered",
        "back for less than the stable window",
        lambda r: r.edit(r.run(r.treatment(back=8.7), r.no_action()), "recovery", T, recovered=False),
        lambda r: r.run(r.treatment(back=7.8), r.no_action()),
    ),
    (
        "too-slow",
        "back after the objective",
        lambda r: r.run(mode=r.objectives(recover_within="3s")),
        lambda r: r.run(mode=r.objectives(recover_within="4s")),
    ),
    ("data-lost", "one acknowledged write", lambda r: lost(r, ["w1"]), lambda r: lost(r, [])),
    (
        "data-lost",
        "one more than is allowed",
        lambda r: lost(r, ["w1", "w2"], lost_acknowledged_writes=1),
        lambda r: lost(r, ["w1"], lost_acknowledged_writes=1),
    ),
    (
        "data-lost",
        "a write has other content",
        lambda r: r.edit(r.verified(), "write-log", T, changed=["w3"]),
        lambda r: r.edit(r.verified(), "write-log", T, changed=[]),
    ),
    (
        "heals-itself",
        "back although nobody acted",
        lambda r: r.run(r.treatment(), r.no_action(back=8.0)),
        lambda r: r.verified(),
    ),
    (
        "does-not-heal",
        "claimed to, and did not",
        lambda r: self_healing(r, r.no_action()),
        lambda r: self_healing(r, r.no_action(back=7.0)),
    ),
    (
        "too-slow",
        "heals itself, but late",
        lambda r: self_healing(r, r.no_action(back=15.0, end=19.0)),
        lambda r: self_healing(r, r.no_action(back=12.0, end=16.0)),
    ),
    (
        "impact-differs",
        "less than claimed",
        lambda r: r.run(r.treatment(submit_hurts=one_in_five), r.no_action()),
        lambda r: r.run(
            r.treatment(submit_hurts=one_in_five),
            r.no_action(submit_hurts=one_in_five_for_good),
            mode=r.mode(impact={"flows": {"submit": "degraded"}, "summary": "x"}),
        ),
    ),
    (
        "impact-differs",
        "a flow that was not claimed is hurt",
        lambda r: r.run(r.treatment(read_hurts=lambda at, n: 3.4 < at < 6.5), r.no_action()),
        lambda r: r.run(r.treatment(read_hurts=lambda at, n: 3.4 < at < 3.45), r.no_action()),
    ),
    (
        "impact-differs",
        "writes twice",
        lambda r: r.edit(r.verified(), "write-log", T, duplicated=["w1"]),
        lambda r: r.edit(r.verified(), "write-log", T, duplicated=[]),
    ),
    (
        "impact-differs",
        "writes that nobody sent",
        lambda r: r.edit(r.verified(), "write-log", T, unexpected=["x1"]),
        lambda r: r.verified(),
    ),
    (
        "verification-blind",
        "passes before anything was done",
        lambda r: r.edit(r.verified(), "verification-before", T, passed=True),
        lambda r: r.verified(),
    ),
    (
        "verification-blind",
        "passes at the end of a runbook that did not help",
        never_back,
        lambda r: stopped(r, r.treatment(back=None, end=14.0), r.no_action()),
    ),
]


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


WORDS += [
    (
        "baseline-not-met",
        "reads that failed before the fault, not those that the fault cut off",
        lambda r: late(r, T, 2.9, 3.15),
        lambda r: late(r, T, 2.9, 4.9),
    ),
    (
        "impact-differs",
        "reads that failed while it was watched, not those that the undo cut off",
        lambda r: late(r, N, 13.6, 13.95),
        lambda r: late(r, N, 13.6, 14.5),
    ),
]


def words(verdict: Verdict) -> set[str]:
    return {reason.word for reason in verdict.reasons}


def ids(cases: list[tuple[str, str, Case, Case]]) -> list[str]:
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


UNDO_FAILED: Case = lambda r: r.edit(r.verified(), "fault-undone", T, outcome="failed", why="no route")  # noqa: E731
FLAGGED: list[tuple[str, str, Case, Case]] = [
    ("undo-failed", "the undo failed", UNDO_FAILED, lambda r: r.verified()),
    (
        "undo-failed",
        "it failed at first",
        UNDO_FAILED,
        lambda r: r.plus(UNDO_FAILED(r), "fault-undone", T, name="kill-store", outcome="undone"),
    ),
    (
        "environment-not-restored",
        "no record of an undo",
        lambda r: r.without(r.verified(), "fault-undone", T),
        lambda r: replace(
            r.without(r.run(environment=r.environment(disposable=True)), "fault-undone", T),
            events=({"kind": "lab-stopped", "at": 1.0},),
        ),
    ),
    (
        "environment-not-restored",
        "intended, and then nothing",
        lambda r: r.without(r.without(r.verified(), "fault-undone", T), "fault-injected", T),
        lambda r: r.plus(
            r.without(r.without(r.verified(), "fault-undone", T), "fault-injected", T),
            "fault-not-injected",
            T,
            name="kill-store",
            why="refused",
        ),
    ),
    (
        "environment-not-restored",
        "no journal",
        lambda r: r.of(r.verified(), T, lambda t: replace(t, journal=None)),
        lambda r: replace(
            r.of(r.run(environment=r.environment(disposable=True)), T, lambda t: replace(t, journal=None)),
            events=({"kind": "lab-stopped", "at": 1.0},),
        ),
    ),
    (
        "environment-not-restored",
        "no record of an undo, and not all labs were thrown away",
        lambda r: replace(
            r.without(r.run(environment=r.environment(disposable=True)), "fault-undone", T),
            events=({"kind": "environment-not-restored", "at": 1.0}, {"kind": "lab-stopped", "at": 1.0}),
        ),
        lambda r: replace(
            r.without(r.run(environment=r.environment(disposable=True)), "fault-undone", T),
            events=({"kind": "lab-stopped", "at": 1.0},),
        ),
    ),
    (
        "environment-not-restored",
        "a lab is left",
        lambda r: replace(
            r.run(environment=r.environment(disposable=True)),
            events=(
                {"kind": "environment-not-restored", "at": 1.0, "why": "lab x is left"},
                {"kind": "lab-stopped", "at": 1.0},
            ),
        ),
        lambda r: r.run(environment=r.environment(disposable=True)),
    ),
]


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
    assert {word for word, _, _, _ in FLAGGED} == FLAGS


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
