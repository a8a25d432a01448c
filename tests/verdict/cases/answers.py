"""Words for what a run that counts has shown of its alert, its runbook and its failure mode."""

from __future__ import annotations

from verdict.cases.spoiling import (
    Cases,
    N,
    T,
    failing_step,
    late,
    lost,
    never_back,
    one_in_five,
    one_in_five_for_good,
    self_healing,
    stopped,
)

CASES: Cases = [
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
        lambda r: r.run(
            r.treatment(submit_hurts=one_in_five), r.no_action(submit_hurts=one_in_five_for_good)
        ),
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
    (
        "impact-differs",
        "reads that failed while it was watched, not those that the undo cut off",
        lambda r: late(r, N, 13.6, 13.95),
        lambda r: late(r, N, 13.6, 14.5),
    ),
]
