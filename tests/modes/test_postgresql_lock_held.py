"""A lock that a forgotten session holds: the fault itself, the runbook's proof, the runbook with one mistake each."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
from chaoslib.exceptions import ActivityFailed
from modes import spoil

from chaos_ext.actions.lab import clients, postgresql_lock

MODE = "postgresql-lock-held"
WHERE = ("pg-a", "responses", "reporting")
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture
def released(configuration):
    yield
    postgresql_lock.release_lock(*WHERE, configuration)


def hold(configuration):
    return postgresql_lock.hold_lock(*WHERE, "monthly-report", configuration)


def test_before_during_and_after(configuration, psql, submit, until, released):
    assert not postgresql_lock.lock_is_held(*WHERE, configuration)["holds"]
    until(lambda: submit("before") == 201, "submissions to work")

    said = hold(configuration)

    seen = postgresql_lock.lock_is_held(*WHERE, configuration)
    assert (seen["holds"], seen["sessions"]) == (True, [said["session"]])
    assert psutil.Process(said["pid"]).create_time() == said["started"]
    assert submit("during") == 503
    assert psql("pg-a", "SELECT count(*) > 0 FROM responses") == "t", "readers go on"
    assert psql("pg-b", "SELECT count(*) > 0 FROM responses") == "t", "a standby has no such lock"

    assert postgresql_lock.release_lock(*WHERE, configuration)["outcome"] == "undone"
    assert not postgresql_lock.lock_is_held(*WHERE, configuration)["holds"]
    assert not psutil.pid_exists(said["pid"])
    until(lambda: submit("after") == 201, "submissions to work again", within_s=5)
    assert postgresql_lock.release_lock(*WHERE, configuration)["outcome"] == "already"


def test_a_session_that_was_ended_does_not_come_back(configuration, psql, until, released):
    said = hold(configuration)
    assert psql("pg-a", f"SELECT pg_terminate_backend({said['session']}, 5000)") == "t"
    until(lambda: not clients.living("lock", configuration), "the client to be gone", within_s=5)
    assert not postgresql_lock.lock_is_held(*WHERE, configuration)["holds"]
    assert postgresql_lock.release_lock(*WHERE, configuration)["outcome"] == "already"


def test_a_lock_that_is_not_had_leaves_nothing(configuration, released):
    with pytest.raises(ActivityFailed, match='relation "nothing" does not exist'):
        postgresql_lock.hold_lock("pg-a", "nothing", "reporting", "monthly-report", configuration)
    assert clients.living("lock", configuration) == []
    with pytest.raises(ActivityFailed, match="got 'pg-x', expected one of pg-a, pg-b, pg-c"):
        postgresql_lock.hold_lock("pg-x", "responses", "reporting", "monthly-report", configuration)


def test_a_client_whose_runner_is_killed_before_it_says_go_does_nothing(configuration, running_lab):
    """What the client reads when the runner dies is the end of its input."""
    reading, writing = os.pipe()
    os.close(writing)
    environment = {**os.environ, "PGUSER": "reporting", "PGSERVICEFILE": "/nonexistent"}
    process = psutil.Popen(
        [os.sys.executable, "-m", "chaos_ext.actions.lab.client", "lock", "pg-a", "responses"],
        stdin=reading, stdout=-1, env=environment,
    )  # fmt: skip
    os.close(reading)
    assert process.communicate(timeout=20)[0] == b"ready\n"
    assert process.returncode == 0


def test_a_killed_client_frees_the_lock(configuration, until, released):
    said = hold(configuration)
    os.kill(said["pid"], signal.SIGKILL)
    until(
        lambda: not postgresql_lock.lock_is_held(*WHERE, configuration)["holds"], "the server to roll it back"
    )


_STARTED_OVER = """psql "service=$PRIMARY user=reporting" -Xqc "BEGIN" -c "LOCK TABLE responses IN EXCLUSIVE MODE" \\
  -c "SELECT pg_sleep(60)" >/dev/null 2>&1 &
sleep 1"""

BAD = [
    spoil.mistake("verification-blind", "always-passes", spoil.verifying("echo fine"), "verification-blind"),
    spoil.mistake(
        "missing",
        "ending-the-session",
        spoil.replaced("CASE WHEN pg_terminate_backend(pid, 5000)", "CASE WHEN pid > 0"),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "swapped",
        "decides-before-it-looks",
        spoil.swapped(
            "Step 2: Find the session that all others wait for",
            "Decision 3: What does that session do",
            (
                'export NODES="${NODES:-pg-a pg-b pg-c}"',
                'export NODES="${NODES:-pg-a pg-b pg-c}" BLOCKER_STATE=""',
            ),
        ),
        "step-failed",
        "not-recovered",
    ),
    # To end the session twice does nothing, as it is known by its start too. What hurts when it is done once more is
    # the report: it is started over and cut midway, and the server does not notice that its client has gone.
    spoil.mistake(
        "doubled",
        "starts-the-report-over",
        spoil.block("end-session", after=_STARTED_OVER),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "wrong-target",
        "ends-who-waits-instead-of-who-blocks",
        spoil.replaced(
            "WHERE cardinality(pg_blocking_pids(pid)) = 0", "WHERE cardinality(pg_blocking_pids(pid)) > 0"
        ),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "too-slow", "ending", spoil.block("end-session", before="sleep 13"), "too-slow|not-recovered"
    ),
]


test_the_runbook_is_proven = spoil.proven(MODE)
test_a_bad_runbook_is_not_verified = spoil.not_verified(MODE, BAD)
test_a_fault_that_does_nothing_proves_nothing = spoil.proving_nothing(MODE)
