"""What a fault hits at once, and how much of that an environment allows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml
from actions_door import as_fault, python

from chaos_ext import environments
from chaos_ext.actions import fault
from chaos_ext.actions.door import Fault, targets
from chaos_ext.errors import Blocked

ROOT = Path(__file__).resolve().parents[2]


def allowing(trial, targets: int) -> None:
    """Let so many targets at once be broken in the trial's environment."""
    limits = trial.place.environment.limits.model_copy(update={"targets": targets})
    environment = trial.place.environment.model_copy(update={"limits": limits})
    trial.place = dataclasses.replace(trial.place, environment=environment)


def test_more_targets_than_the_environment_allows(trial, lab, break_it, thing, tmp_path):
    allowing(trial, 1)
    fault.through(trial, break_it())
    other = tmp_path / "other"
    other.write_text("whole")
    parts = {
        "activity": python("safety_breakable", "break_file", path=str(other)),
        "in_force": python("safety_breakable", "is_broken", "probe", path=str(other)),
        "undo": python("safety_breakable", "mend", path=str(other)),
    }
    with pytest.raises(Blocked, match="expected at most 1"):
        fault.through(trial, as_fault(lab, "second", **parts))
    assert other.exists()
    fault.back_through(trial, "break-file", {})


def test_a_list_of_targets_counts_as_many(trial, break_it, thing):
    allowing(trial, 1)
    several = python("safety_breakable", "break_file", path=str(thing), nodes=["pg-a", "pg-c"])
    with pytest.raises(
        Blocked, match=r"got 2 targets at once \(pg-a, pg-c\), expected at most 1: limits.targets"
    ):
        fault.through(trial, break_it(activity=several))
    assert thing.exists()
    assert trial.ledger.open_entries() == []


@pytest.mark.parametrize(
    ("arguments", "hit"),
    [
        ({"node": "pg-a", "where": "true"}, ["pg-a"]),
        ({"nodes": ["pg-a", "pg-c"], "role": "batch"}, ["pg-a", "pg-c"]),
        ({"nodes": ["pg-a", "pg-b"]}, ["pg-a", "pg-b"]),  # pg-b plays no role
        ({"nodes": ["pg-b", "pg-x"]}, ["pg-b", "pg-x"]),
        ({"nodes": ["pg-a", "pg-a"]}, ["pg-a"]),
        ({"node": "pg-a", "tables": ["responses", "outbox"]}, ["pg-a"]),
        ({"from": {"node": "pg-a"}, "to": {"nodes": ["pg-c"]}}, ["pg-a", "pg-c"]),
        ({"path": "/x"}, ['{"path": "/x"}']),
        ({}, ["{}"]),
    ],
    ids=str,
)
def test_what_an_activity_hits(arguments, hit):
    one = Fault("it", python("m", "f", **arguments), {}, None, "", {}, {})
    assert targets(one, environments.load("lab")) == hit


@pytest.mark.parametrize(
    ("words", "hit"),
    [
        (["stop", "pg-a", "--now"], ["pg-a"]),
        ("stop pg-a pg-c", ["pg-a", "pg-c"]),
        (["mv", "x", "y"], ['["mv", "x", "y"]']),
    ],
)
def test_what_a_command_hits(words, hit):
    activity = {
        "type": "action",
        "name": "it",
        "provider": {"type": "process", "path": "x", "arguments": words},
    }
    assert targets(Fault("it", activity, {}, None, "", {}, {}), environments.load("lab")) == hit


def test_the_lab_allows_what_its_failure_modes_need():
    environment = environments.load("lab")
    for path in sorted((ROOT / "experiments" / "lab").glob("*.yaml")):
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
        injected = [
            Fault(found["name"], found["activity"], {}, None, "", {}, {})
            for found in (step["provider"].get("arguments", {}) for step in written["method"])
            if "activity" in found
        ]
        assert injected
        hit = {name for one in injected for name in targets(one, environment)}
        assert len(hit) <= environment.limits.targets, path.name
