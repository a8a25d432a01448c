"""A replica that is killed and comes back alone: the activity, and its runbook with one mistake each."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from chaoslib.exceptions import ActivityFailed
from modes import spoil

from chaos_ext.actions.lab import replica

MODE = "service-replica-killed"


@pytest.fixture
def configuration(running_lab):
    return {"chaos_facts": running_lab}


@pytest.fixture
def supervisorctl(running_lab):
    def run(*words):
        command = [f"{running_lab['bin']}/supervisorctl", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout

    return run


@pytest.fixture
def all_in(running_lab, supervisorctl):
    """Waits until both replicas run for good, and the edge sends requests to both."""

    def wait():
        deadline = time.monotonic() + 30
        while True:
            with urllib.request.urlopen(f"{running_lab['edge']['metrics']}/healthz", timeout=5) as answer:
                state = json.loads(answer.read())["replicas"]["intake"]
            told = supervisorctl("status", "intake-1", "intake-2")
            if set(state.values()) == {"usable"} and told.count("RUNNING") == 2:
                return
            assert time.monotonic() < deadline, (state, told)
            time.sleep(0.05)

    return wait


@pytest.fixture
def back(configuration, all_in):
    all_in()
    yield
    replica.let_replica_return("intake-1", configuration)
    all_in()


def test_before_during_and_after(running_lab, configuration, supervisorctl, all_in, back):
    all_in()
    pid = int(supervisorctl("pid", "intake-1"))
    before = replica.replica_was_killed("intake-1", configuration)
    assert (before["holds"], before["now"]) == (False, {"state": "RUNNING", "pid": pid})

    killed = replica.kill_replica("intake-1", configuration)
    assert killed["pid"] == pid
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    during = replica.replica_was_killed("intake-1", configuration)
    assert (during["holds"], during["killed"]) == (True, killed)
    with pytest.raises(ActivityFailed, match="was killed before"):
        replica.kill_replica("intake-1", configuration)

    assert replica.let_replica_return("intake-1", configuration)["outcome"] == "undone"
    all_in()
    after = replica.replica_was_killed("intake-1", configuration)
    assert (after["holds"], after["now"]["state"]) == (False, "RUNNING")
    assert after["now"]["pid"] != pid
    assert replica.let_replica_return("intake-1", configuration)["outcome"] == "already"
    assert not list(Path(running_lab["dir"]).glob(".killed-*"))


def test_a_pid_that_came_back_is_another_process(running_lab, configuration, back):
    killed = replica.kill_replica("intake-1", configuration)
    record = Path(running_lab["dir"]) / ".killed-intake-1"
    (one_that_lives,) = [p for p in psutil.process_iter() if p.pid == psutil.Process().pid]
    record.write_text(json.dumps({**killed, "pid": one_that_lives.pid}))
    assert replica.replica_was_killed("intake-1", configuration)["holds"]


def test_one_that_somebody_stopped_is_started(configuration, supervisorctl, back):
    replica.kill_replica("intake-1", configuration)
    supervisorctl("stop", "intake-1")
    assert replica.let_replica_return("intake-1", configuration)["outcome"] == "undone"
    assert "RUNNING" in supervisorctl("status", "intake-1") or "STARTING" in supervisorctl(
        "status", "intake-1"
    )


@pytest.mark.parametrize(
    ("name", "why"), [("intake-9", "expected one of dashboard, intake-1, intake-2"), ("pg-a", "got 'pg-a'")]
)
def test_nobody_else_can_be_killed(configuration, name, why):
    with pytest.raises(ActivityFailed, match=why):
        replica.kill_replica(name, configuration)


def test_one_that_does_not_run_cannot_be_killed(configuration, supervisorctl, all_in):
    supervisorctl("stop", "intake-2")
    try:
        with pytest.raises(ActivityFailed, match="expected a running process"):
            replica.kill_replica("intake-2", configuration)
    finally:
        supervisorctl("start", "intake-2")
        all_in()


_TO_BE_SURE = """### Step 4: {heading}

```sh {{"name":"more","role":"mitigate","interactive":"false","on":"lab","timeout":"60s"}}
{code}
```

#### Undo Step 4

Not needed.

## Verification
"""


def with_a_step(heading, code):
    """The runbook does something although nothing is to be done."""
    anchor = f"step-4-{heading.lower().replace(' ', '-')}"
    return spoil.all_of(
        spoil.replaced("\n## Verification\n", f"\n{_TO_BE_SURE.format(heading=heading, code=code)}"),
        spoil.replaced("| [Verification](#verification) |", f"| [Step 4](#{anchor}) |"),
        spoil.replaced('"within":"60s"', '"within":"5s"'),
    )


@pytest.mark.slow
def test_a_step_that_harms_is_seen(project):
    """Both at once, "to be sure": users feel that, and without the runbook they felt nothing."""
    path = project.root / "catalog/runbooks/service-replica-killed.md"
    harm = with_a_step("Restart all", 'supervisorctl restart "$SERVICE-1" "$SERVICE-2"')
    path.write_text(harm(path.read_text()))
    assert project.chaos("catalog", "compile").code == 0
    done = project.chaos("verify", MODE)  # both arms: only nobody's acting tells what the runbook did
    assert done.code == 1, done.out + done.err
    assert "harmful" in project.reasons()
    assert project.labs() == []


_STOP_BOTH = 'supervisorctl stop "$SERVICE-1" "$SERVICE-2"'
_START_BOTH = 'supervisorctl start "$SERVICE-1" "$SERVICE-2"'

# Nothing is to be done here, so no step can be missing, come too early, or be run twice. What is mistaken instead is
# what people do "to be sure": a restart by hand.
BAD = [
    spoil.mistake(
        "missing",
        "start-after-a-stop",
        with_a_step("Stop the replica", 'supervisorctl stop "$SERVICE-1"'),
        "step-failed",
    ),
    spoil.mistake(
        "swapped",
        "starts-and-then-stops",
        with_a_step(
            "Restart the replica", 'supervisorctl start "$SERVICE-1" || true\nsupervisorctl stop "$SERVICE-1"'
        ),
        "step-failed",
    ),
    spoil.mistake(
        "doubled",
        "stops-the-other-one-too",
        with_a_step("Stop the replica", _STOP_BOTH),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "wrong-target",
        "another-service",
        spoil.all_of(
            spoil.replaced("${SERVICE:-intake}", "${SERVICE:-intakes}"),
            spoil.replaced('"within":"60s"', '"within":"5s"'),
        ),
        "step-failed",
    ),
    # It comes back by itself long before any runbook could hold it up, so the runbook takes users away once more.
    spoil.mistake(
        "too-slow",
        "restart-that-takes-its-time",
        with_a_step("Restart both", f"{_STOP_BOTH}\nsleep 15\n{_START_BOTH}"),
        "too-slow|not-recovered",
    ),
    # That Verification passes before anything is done is right here; that it passes with both replicas stopped is not.
    spoil.mistake(
        "verification-blind",
        "passes-with-nobody-there",
        spoil.all_of(with_a_step("Stop the replica", _STOP_BOTH), spoil.verifying("echo fine")),
        "verification-blind",
        "not-recovered",
    ),
    spoil.mistake(
        "wrong-target",
        "every-end-is-a-crash-loop",
        spoil.replaced("${OFTEN:-3}", "${OFTEN:-1}"),
        "needs-a-person",
    ),
    spoil.mistake(
        "missing",
        "log-that-is-looked-at",
        spoil.block("last-words", before="test -d /nothing/is/here"),
        "step-failed",
    ),
]


test_the_runbook_is_proven = spoil.proven(MODE)
test_a_bad_runbook_is_not_verified = spoil.not_verified(MODE, BAD)
test_a_fault_that_does_nothing_proves_nothing = spoil.proving_nothing(MODE)
