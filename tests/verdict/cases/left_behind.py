"""Flags for what is left in the environment, whatever the verdict is."""

from __future__ import annotations

from dataclasses import replace

from verdict.cases.spoiling import Case, Cases, T

UNDO_FAILED: Case = lambda r: r.edit(r.verified(), "fault-undone", T, outcome="failed", why="no route")  # noqa: E731

CASES: Cases = [
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
