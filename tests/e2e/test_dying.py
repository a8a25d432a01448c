"""A run that is stopped or killed at any moment leaves nothing broken, nothing running and nothing unsaid."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from chaos_lab import places

CLOSED = {"undone", "superseded"}


def _settled(project, deadline_s=30):
    """Wait until the janitor has put everything right: every entry closed, no lab left."""
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        if {entry["state"] for entry in project.ledger()} <= CLOSED and project.labs() == []:
            return
        time.sleep(0.2)
    raise AssertionError(f"not settled: {project.ledger()}, labs {project.labs()}")


@pytest.mark.parametrize("moment", ["meter-started", "fault-injected", "step-started"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
def test_asked_to_stop(project, ended, moment, number):
    process = project.start("verify", "postgresql-primary-down")
    ended(process)
    project.wait_for_event(moment, process)
    if number is signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does: to the runner and to what it has started
    else:
        process.send_signal(number)
    out, _ = process.communicate(timeout=40)

    assert process.returncode == 130, out
    assert "Traceback" not in out
    assert project.verdict()["word"] == "unknown"
    assert "interrupted" in project.reasons()
    assert {entry["state"] for entry in project.ledger()} <= CLOSED
    assert project.labs() == []
    if moment == "meter-started":
        assert project.ledger() == [], "a fault was injected after the abort"


@pytest.mark.parametrize("moment", ["fault-injected", "step-started"])
def test_killed_in_the_middle(project, ended, moment):
    process = project.start("verify", "postgresql-primary-down")
    ended(process)
    project.wait_for_event(moment, process)
    process.kill()
    process.wait(timeout=10)
    _settled(project)

    assert project.ledger()[-1]["state"] in CLOSED
    assert project.events()[-1]["kind"] != "trial-finished"


def test_killed_while_the_lab_starts(project, ended):
    process = project.start("verify", "postgresql-primary-down")
    ended(process)
    deadline = time.monotonic() + 20
    while not project.labs() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait(timeout=10)
    _settled(project)


def test_two_at_once_in_one_lab(project, ended):
    up = project.chaos("lab", "up", "--name", "shared")
    assert up.code == 0, up.err
    try:
        first = project.start("run", "experiments/lab/postgresql-primary-down.yaml")
        ended(first)
        while not project.bundles():
            assert first.poll() is None
            time.sleep(0.05)
        project.wait_for_event("meter-started", first)
        second = project.chaos("run", "experiments/lab/postgresql-primary-down.yaml")
        assert "chaos run" in second.err + second.out
        assert "pid" in second.err + second.out, "who holds the lab is not said"
        out, _ = first.communicate(timeout=90)
        assert first.returncode == 0, out
        assert len(project.ledger()) == 1, "the second run injected something"
    finally:
        assert project.chaos("lab", "down", "shared").code == 0


def test_killed_while_a_block_runs_ends_the_block(project, ended):
    """A block that would go on for minutes, detached, and its HOME: both go with the runner, before the undo."""
    first = "for node in $SILENT; do\n  supervisorctl stop"
    endless = f"setsid sleep 300 &\nsleep 300\n{first}"
    project.edit("catalog/runbooks/postgresql-primary-down.md", (first, endless))
    assert project.chaos("catalog", "compile").code == 0
    process = project.start("verify", "postgresql-primary-down")
    ended(process)
    deadline = time.monotonic() + 60
    while len(sleeping := _sleeping()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(sleeping) == 2, "the block did not begin"
    process.kill()
    process.wait(timeout=10)
    _settled(project)

    assert _sleeping() == []
    homes = Path(tempfile.gettempdir()).glob(f"chaos-runbook-{process.pid}-*")
    assert list(homes) == []


def test_ctrl_c_while_the_lab_goes_down(project, ended):
    """The first stops the run, the second comes while it takes its lab down."""
    process = project.start("verify", "postgresql-primary-down")
    ended(process)
    project.wait_for_event("meter-started", process)
    os.killpg(process.pid, signal.SIGINT)
    deadline = time.monotonic() + 20
    while not (going := _going_down()) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert going, "no lab went down"
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=40)

    assert process.returncode == 130, out
    assert project.labs() == []


def _going_down():
    """Whether somebody is taking a lab of ours down: it has said so in its lab.json."""
    return any(
        '"stopping"' in path.read_text() for path in places.home().glob("*/lab.json") if path.is_file()
    )


def _sleeping():
    found = []
    for process in psutil.process_iter():
        try:
            if process.cmdline() == ["sleep", "300"] and "CHAOS_BLOCK" in process.environ():
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.mark.slow
def test_a_command_that_a_test_gives_up_leaves_no_lab(project):
    """A test's own folders go with it: whoever takes a lab down after that finds none."""
    with pytest.raises(subprocess.TimeoutExpired):
        project.chaos("verify", "redis-memory-full", "--arms", "treatment", timeout=20)
    assert project.labs() == []
    assert {entry["state"] for entry in project.ledger()} <= CLOSED
