"""A lost PostgreSQL node: real processes, a real disk, a real promotion."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
from chaoslib.exceptions import ActivityFailed

from chaos_ext.actions.lab import postgresql
from chaos_ext.safety import ledger, supervisor

_PSUTIL_STATES_OF_THE_LIVING = {psutil.STATUS_RUNNING, psutil.STATUS_SLEEPING, psutil.STATUS_STOPPED}


@pytest.fixture
def psql(lab):
    def ask(node: str, sql: str) -> str:
        command = [f"{lab['bin']}/psql", f"service={node}", "-XAtc", sql]
        environment = {**os.environ, "PGCONNECT_TIMEOUT": "2"}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, env=environment, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else f"error: {done.stderr.strip()}"

    return ask


@pytest.fixture
def back(configuration, until, psql):
    """Brings pg-a back after the test, whatever became of it."""
    yield
    postgresql.restore_node("pg-a", configuration)
    until(lambda: psql("pg-a", "SELECT pg_is_in_recovery()") == "f", "pg-a to be the primary again")


def pids(node: str, lab) -> list[int]:
    """Living processes that were started for the node, seen another way than the action does."""
    data = lab["postgresql"]["nodes"][node]["data"]
    seen = psutil.process_iter(["cmdline", "name"])
    roots = [p for p in seen if data in (p.info["cmdline"] or ()) and p.info["name"] == "postgres"]
    found = [q for p in roots for q in [p, *p.children(recursive=True)]]
    return [p.pid for p in found if p.status() in _PSUTIL_STATES_OF_THE_LIVING]


def test_before_during_and_after(configuration, lab, psql, submit, until, back):
    assert not postgresql.node_is_destroyed("pg-a", configuration)["holds"]
    assert submit("before") == 201
    before = pids("pg-a", lab)
    assert len(before) > 1

    said = postgresql.destroy_node("pg-a", configuration)
    assert set(before) <= set(said["killed"])
    assert pids("pg-a", lab) == []
    assert not Path(lab["postgresql"]["nodes"]["pg-a"]["data"]).exists()
    assert psql("pg-a", "SELECT 1").startswith("error:")
    assert submit("during") == 503
    assert psql("pg-b", "SELECT pg_is_in_recovery()") == "t"
    assert postgresql.node_is_destroyed("pg-a", configuration) == {
        "holds": True,
        "node": "pg-a",
        "alive": [],
        "data_directory": False,
        "listens": False,
    }

    assert postgresql.restore_node("pg-a", configuration)["outcome"] == "undone"
    assert psql("pg-a", "SELECT count(*) FROM responses WHERE text = 'before'") == "1"
    until(lambda: submit("after") == 201, "submissions to work again")
    assert not postgresql.node_is_destroyed("pg-a", configuration)["holds"]


def test_repeated_undo(configuration, back):
    assert postgresql.restore_node("pg-a", configuration)["outcome"] == "already"
    postgresql.destroy_node("pg-a", configuration)
    assert postgresql.restore_node("pg-a", configuration)["outcome"] == "undone"
    assert postgresql.restore_node("pg-a", configuration)["outcome"] == "already"


def test_nothing_to_destroy_is_a_failure(configuration, back):
    with pytest.raises(ActivityFailed, match=r"got 'pg-x', expected one of pg-a, pg-b, pg-c"):
        postgresql.destroy_node("pg-x", configuration)
    postgresql.destroy_node("pg-a", configuration)
    with pytest.raises(ActivityFailed, match="no running server"):
        postgresql.destroy_node("pg-a", configuration)


@pytest.mark.parametrize("configuration", [None, {}, {"chaos_facts": {}}])
def test_no_lab_is_a_failure(configuration):
    with pytest.raises(ActivityFailed, match="got no lab"):
        postgresql.destroy_node("pg-a", configuration)


def test_another_lab_is_a_failure(lab):
    other = {"chaos_facts": {**lab, "marker": "another"}}
    for func in (postgresql.destroy_node, postgresql.node_is_destroyed, postgresql.restore_node):
        with pytest.raises(ActivityFailed, match="not the place"):
            func("pg-a", other)


def test_a_standby_can_be_lost_too(configuration, psql, until):
    postgresql.destroy_node("pg-b", configuration)
    assert postgresql.node_is_destroyed("pg-b", configuration)["holds"]
    assert not postgresql.node_is_destroyed("pg-a", configuration)["holds"]
    assert postgresql.restore_node("pg-b", configuration)["outcome"] == "undone"
    assert psql("pg-b", "SELECT pg_is_in_recovery()") == "t"


def test_operators_shell_in_the_directory_lives(configuration, lab, back):
    data = lab["postgresql"]["nodes"]["pg-a"]["data"]
    shell = subprocess.Popen(["sleep", "600"], cwd=data)
    try:
        postgresql.destroy_node("pg-a", configuration)
        assert shell.poll() is None
        assert postgresql.node_is_destroyed("pg-a", configuration)["holds"]
    finally:
        shell.kill()
        shell.wait(20)


def test_cut_off_after_the_stop(configuration, lab, psql, back):
    pid = int(Path(lab["postgresql"]["nodes"]["pg-a"]["data"], "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGSTOP)
    assert postgresql.restore_node("pg-a", configuration)["outcome"] == "undone"
    assert psql("pg-a", "SELECT 1") == "1"


def test_cut_off_after_the_kill(configuration, lab, psql, back, until):
    """The postmaster is dead, a child of it lives on and would keep a new server out."""
    pid = int(Path(lab["postgresql"]["nodes"]["pg-a"]["data"], "postmaster.pid").read_text().split()[0])
    child = psutil.Process(pid).children()[0]
    child.suspend()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(pid), "the postmaster to be gone")
    assert child.is_running()
    assert not postgresql.node_is_destroyed("pg-a", configuration)["holds"]
    assert postgresql.restore_node("pg-a", configuration)["outcome"] == "undone"
    assert psql("pg-a", "SELECT 1") == "1"


def test_runner_killed_in_the_middle(runner, lab, psql, configuration, tmp_path, until, submit):
    process = runner("postgresql-primary-down")
    assert "entry" in process.stdout.readline()
    assert postgresql.node_is_destroyed("pg-a", configuration)["holds"]
    process.kill()
    process.wait(20)
    until(lambda: psql("pg-a", "SELECT 1") == "1", "the janitor to bring the primary back")
    (entry,) = until(
        lambda: [e for e in ledger.read_all(tmp_path / "ledger") if not e.is_open], "its entry to be closed"
    )
    assert entry.state == "undone"
    until(lambda: submit("after the janitor") == 201, "submissions to work again")


def test_missing_disk(configuration, lab, back):
    postgresql.destroy_node("pg-a", configuration)
    lost = Path(lab["postgresql"]["nodes"]["pg-a"]["data"] + ".lost")
    lost.rename(f"{lost}.elsewhere")
    with pytest.raises(ActivityFailed, match="expected its disk"):
        postgresql.restore_node("pg-a", configuration)
    Path(f"{lost}.elsewhere").rename(lost)


def test_rebuilt_by_somebody(configuration, lab, back):
    postgresql.destroy_node("pg-a", configuration)
    data = Path(lab["postgresql"]["nodes"]["pg-a"]["data"])
    data.mkdir()
    assert postgresql.restore_node("pg-a", configuration) == {
        "outcome": "superseded",
        "why": "pg-a has been rebuilt",
    }
    data.rmdir()


def test_promoted_standby_is_left_alone(configuration, lab, psql, until):
    """The last of this module: afterwards pg-b is the primary. Also when it is down just then."""
    postgresql.destroy_node("pg-a", configuration)
    assert psql("pg-b", "SELECT pg_promote()") == "t"
    expected = {"outcome": "superseded", "why": "pg-b has been promoted in its place"}
    assert postgresql.restore_node("pg-a", configuration) == expected
    supervisor.call(Path(lab["supervisor"]["socket"]), "supervisor.stopProcess", "pg-b", timeout_s=20)
    assert postgresql.restore_node("pg-a", configuration) == expected
    assert postgresql.node_is_destroyed("pg-a", configuration)["holds"]
