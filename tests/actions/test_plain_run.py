"""Plain `chaos run`, with the controls and the rollbacks deleted from the file by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from chaos_ext.actions.lab import postgresql
from chaos_ext.record import read_events
from chaos_ext.safety import ledger

EXPERIMENTS = Path(__file__).parents[2] / "experiments" / "lab"


@pytest.fixture
def bare(tmp_path):
    """The compiled experiment without what guards it from outside."""
    experiment = yaml.safe_load((EXPERIMENTS / "postgresql-primary-down.yaml").read_text())
    del experiment["controls"], experiment["rollbacks"], experiment["runtime"]
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump(experiment))
    return path


@pytest.fixture
def chaos_run(bare, tmp_path):
    started = []

    def start(lab_name: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "CHAOS_LAB": lab_name,
            "CHAOS_STATE": str(tmp_path),
            "CHAOS_TRIAL_DIR": str(tmp_path / "trial"),
        }
        process = subprocess.Popen(
            [Path(sys.executable).with_name("chaos"), "--no-version-check", "run", str(bare)],
            cwd=tmp_path,
            env=environment,
            stdout=(tmp_path / "output").open("wb"),
            stderr=subprocess.STDOUT,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(20)


def _events(tmp_path: Path) -> list[dict]:
    path = tmp_path / "trial" / "events.jsonl"
    return list(read_events(path)) if path.exists() else []


def _kinds(tmp_path: Path) -> list[str]:
    return [event["kind"] for event in _events(tmp_path)]


def test_still_proven_and_still_healed_after_sigkill(lab, chaos_run, configuration, tmp_path, until):
    process = chaos_run(lab["name"])
    until(
        lambda: "fault-injected" in _kinds(tmp_path) or process.poll() is not None,
        "the fault to be injected",
    )
    process.kill()
    process.wait(20)
    kinds = _kinds(tmp_path)
    assert "fault-injected" in kinds, (tmp_path / "output").read_text()
    assert kinds.index("environment-proven") < kinds.index("fault-intended")
    (entry,) = until(
        lambda: [e for e in ledger.read_all(tmp_path / "ledger") if not e.is_open], "the janitor to heal"
    )
    assert entry.state == "undone"
    assert not postgresql.node_is_destroyed("pg-a", configuration)["holds"]


def test_still_blocked_in_another_place(lab, chaos_run, configuration, tmp_path, until):
    """Another supervisor answers where the lab was: nothing is broken."""
    facts = Path(lab["dir"], "facts.json")
    kept = facts.read_text()
    facts.write_text(kept.replace(lab["marker"], "00000000-0000-4000-8000-000000000000"))
    try:
        process = chaos_run(lab["name"])
        process.wait(120)
    finally:
        facts.write_text(kept)
    assert "fault-injected" not in _kinds(tmp_path)
    assert ledger.read_all(tmp_path / "ledger") == []
    assert not postgresql.node_is_destroyed("pg-a", configuration)["holds"]
