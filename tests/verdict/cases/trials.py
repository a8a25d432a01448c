"""Words for trials that prove nothing, because of what was done in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from verdict.cases.spoiling import Cases, N, T, late, two_faults, with_expiry


def _outlived(r: Any, condition: str) -> Any:
    """A trial that was aborted while users were hurt."""
    run = r.verified()
    (injected,) = (e for t in run.trials if t.arm is T for e in t.events if e["kind"] == "fault-injected")
    return r.plus(run, "abort", T, why="x", by="condition", condition=condition, seen=injected["ended"] + 1.5)


CASES: Cases = [
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
        "baseline-not-met",
        "reads that failed before the fault, not those that the fault cut off",
        lambda r: late(r, T, 2.9, 3.15),
        lambda r: late(r, T, 2.9, 4.9),
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
        "aborted",
        "a condition was met",
        lambda r: r.plus(r.verified(), "abort", T, why="x", by="condition", condition="hurt_outside_claim"),
        lambda r: r.plus(r.verified(), "abort", T, why="x", by="signal"),
    ),
    (
        "not-recovered",
        "stopped because it outlived its objective",
        lambda r: _outlived(r, "fault_outlives"),
        lambda r: _outlived(r, "limits_passed"),
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
]
