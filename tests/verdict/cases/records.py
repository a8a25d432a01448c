"""Words for trials whose record is missing, damaged or contradicts itself."""

from __future__ import annotations

from dataclasses import replace

from verdict.cases.spoiling import Cases, N, T, failing_step, lost, never_back, shorter, unfelt

CASES: Cases = [
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
]
