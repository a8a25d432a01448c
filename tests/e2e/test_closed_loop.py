"""The two failure modes, from the catalogue to a proven runbook, as a user runs them."""

from __future__ import annotations

import json
import unicodedata

import pytest

pytestmark = pytest.mark.alone  # a verdict from what was measured


def _plain(text: str) -> bool:
    return not [c for c in text if unicodedata.category(c) == "Cc" and c != "\n"]


@pytest.mark.parametrize(
    ("mode", "flow", "alert"),
    [
        ("postgresql-primary-down", "submit", "PostgresqlPrimaryDown"),
        ("service-bad-release", "submit", "IntakeInternalErrors"),
    ],
)
def test_a_shipped_runbook_is_proven(project, mode, flow, alert):
    done = project.chaos("verify", mode)

    assert done.code == 0, done.out + done.err
    assert _plain(done.out + done.err), "control characters without a terminal"
    last = done.out.rstrip().splitlines()[-5:]
    assert last[0].startswith("verdict: verified")
    assert last[1] == "exit code: 0"
    assert last[2].startswith("bundle")
    assert last[3].startswith("report: ")
    assert last[4].startswith("next")
    for said in (flow, alert, f"runbooks/{mode}.md", "nobody acted", "acknowledged"):
        assert said in done.out, f"{said!r} is not said"

    assert project.verdict()["word"] == "verified"
    kinds = [event["kind"] for event in project.events()]
    for kind in (
        "environment-proven",
        "baseline",
        "fault-injected",
        "impact",
        "alert",
        "recovery",
        "write-log",
    ):
        assert kind in kinds
    assert kinds[-1] == "trial-finished"
    entries = project.ledger()
    assert {entry["state"] for entry in entries} <= {"undone", "superseded"}
    assert len(entries) == 2
    assert project.labs() == []


def test_what_was_saved_is_what_is_judged(project):
    """A run can be judged again from its bundle alone, to the same verdict."""
    from chaos_ext.history import manifest, reading
    from chaos_ext.verdict.judge import judge

    assert project.chaos("verify", "service-bad-release").code == 0
    (folder,) = project.bundles()
    assert json.loads((folder / "verdict.json").read_text())["word"] == judge(reading.load(folder)).word
    assert manifest.check(folder) == []
    samples = folder / "trials" / "01-treatment" / "samples.jsonl"
    samples.write_bytes(samples.read_bytes()[:-1])
    assert manifest.check(folder) != []
