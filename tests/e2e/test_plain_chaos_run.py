"""`chaos run` alone on a compiled file: as safe as `chaos verify`, also when somebody cut the file down."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import yaml

EXPERIMENT = "experiments/lab/postgresql-primary-down.yaml"
CLOSED = {"undone", "superseded"}


@pytest.fixture
def lab(project) -> Iterator[str]:
    up = project.chaos("lab", "up", "--name", "plain")
    assert up.code == 0, up.err
    yield "plain"
    project.chaos("lab", "down", "plain")


def _cut_down(project):
    """Delete controls and rollbacks by hand, as somebody in a hurry would."""
    path = project.root / EXPERIMENT
    experiment = yaml.safe_load(path.read_text())
    for key in ("controls", "rollbacks", "runtime"):
        experiment.pop(key, None)
    path.write_text(yaml.safe_dump(experiment, sort_keys=False, allow_unicode=True))


def test_the_compiled_file_runs_by_itself(project, lab):
    done = project.chaos("run", EXPERIMENT)
    assert done.code == 0, done.out + done.err
    assert "completed" in done.out + done.err
    (entry,) = project.ledger()
    assert entry["state"] == "superseded", (
        "the runbook moved the roles; undo must not bring the old primary back"
    )


def test_without_controls_and_rollbacks_it_still_heals(project, lab):
    _cut_down(project)
    done = project.chaos("run", EXPERIMENT)
    assert "Traceback" not in done.out + done.err
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and {e["state"] for e in project.ledger()} - CLOSED:
        time.sleep(0.2)
    (entry,) = project.ledger()
    assert entry["state"] in CLOSED


def test_without_controls_and_rollbacks_it_still_heals_when_killed(project, lab, ended):
    _cut_down(project)
    process = project.start("run", EXPERIMENT)
    ended(process)
    while not project.bundles():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    project.wait_for_event("fault-injected", process)
    process.kill()
    process.wait(timeout=10)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and {e["state"] for e in project.ledger()} - CLOSED:
        time.sleep(0.2)
    (entry,) = project.ledger()
    assert entry["state"] == "undone"
    assert project.chaos("lab", "status", lab).code == 0, "the lab is not healthy again"


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut-down"])
def test_a_place_that_cannot_be_proven_is_not_touched(project, lab, cut):
    if cut:
        _cut_down(project)
    project.edit("environments/lab.yaml", ('"${lab.marker}"', '"00000000-0000-0000-0000-000000000000"'))
    project.chaos("run", EXPERIMENT)
    assert project.ledger() == []
    assert project.chaos("lab", "status", lab).code == 0
