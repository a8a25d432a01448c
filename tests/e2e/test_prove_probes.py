"""Probes are proven as a user has it done: in a lab, with real faults; bad ones are found, and nothing is left."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.alone  # what users feel is measured
MODE = "postgresql-lock-held"
RUNBOOK = f"catalog/runbooks/{MODE}.md"


def _proven(project, *modes, code, timeout=300):
    done = project.chaos("catalog", "prove-probes", *modes, "--json", timeout=timeout)
    assert done.code == code, done.out + done.err
    assert project.labs() == []
    assert all(entry["state"] in ("undone", "superseded", "already") for entry in project.ledger())
    return json.loads(done.out)


def _survived(found):
    return {(row["kind"], row["mutant"]) for row in found["rows"] if row["result"] == "survived"}


def test_every_mutant_of_a_mode_s_probes_is_noticed(project):
    found = _proven(project, MODE, code=0)
    assert found["survived"] == 0
    by = {(row["kind"], row["mutant"], row["what"]): (row["state"], row["word"]) for row in found["rows"]}
    assert by["evidence", "wrong-target", "node: pg-a -> pg-b"] == ("in-force", "fault-not-in-force")
    assert by["evidence", "swallowed-exception", ""] == ("cut-off", "answers-blindly")
    assert by["verification", "constant-true", ""] == ("in-force", "verification-blind")
    assert by["look", "constant-false", "always as before"][0] == "in-force"
    kinds = {row["kind"] for row in found["rows"]}
    assert kinds == {"evidence", "verification", "alert", "impact", "recovery", "steady-state", "look"}
    every = {"constant-true", "constant-false", "empty-data", "wrong-target", "swallowed-exception"}
    for kind in kinds - {"look"}:
        assert {row["mutant"] for row in found["rows"] if row["kind"] == kind} == every
    assert any(each["unmoved_looks"] for each in found["modes"])


def test_evidence_that_looks_at_another_table_is_found(project):
    project.edit(
        f"catalog/failure-modes/postgresql/{MODE}.yaml",
        (
            'func: lock_is_held\n          arguments: {node: "${target.primary}", table: responses',
            'func: lock_is_held\n          arguments: {node: "${target.primary}", table: exports',
        ),
    )
    project.chaos("catalog", "compile")

    found = _proven(project, MODE, code=1)

    assert ("evidence", "original") in _survived(found)
    assert ("evidence", "constant-false") in _survived(found)
    assert "its effect does not show" in found["modes"][0]["unproven"]


def _in_force(project, process):
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        for path in (project.root / ".chaos" / "proofs").glob("*/*/events.jsonl"):
            if (
                '"kind": "fault-injected"' in path.read_text()
                or '"kind":"fault-injected"' in path.read_text()
            ):
                return
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    raise AssertionError("no fault went in")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_whoever_ends_it_in_the_middle_finds_nothing_left(project, ended, number):
    process = project.start("catalog", "prove-probes", MODE)
    ended(process)
    _in_force(project, process)
    process.send_signal(number)
    code = process.wait(timeout=60)
    deadline = time.monotonic() + 60
    while project.labs():
        assert time.monotonic() < deadline, "the janitor takes the lab down"
        time.sleep(0.2)
    assert [entry["state"] for entry in project.ledger()] == ["undone"]
    assert code == (130 if number is signal.SIGINT else -signal.SIGKILL)


def test_what_is_no_failure_mode_is_refused_before_anything_starts(project):
    done = project.chaos("catalog", "prove-probes", "postgresql-lock-hold")
    assert done.code == 2
    assert f"Did you mean '{MODE}'?" in done.err
    assert not (project.root / ".chaos" / "proofs").exists()


@pytest.mark.slow
def test_no_mutant_survives_in_the_whole_catalogue(project):
    paths = (project.root / "catalog" / "failure-modes").rglob("*.yaml")
    modes = {yaml.safe_load(Path(path).read_text())["id"] for path in paths}
    assert len(modes) >= 12

    found = _proven(project, code=0, timeout=1500)

    assert {each["mode"] for each in found["modes"]} == modes
    assert found["survived"] == 0
    assert [row for row in found["rows"] if row["result"] != "killed"] == []
    assert all(not each["unproven"] and not each["broken"] for each in found["modes"])
