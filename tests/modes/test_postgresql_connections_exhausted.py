"""A client that leaks sessions: the fault itself, the runbook's proof, the runbook with one mistake each."""

from __future__ import annotations

import psutil
import pytest
from chaoslib.exceptions import ActivityFailed
from modes import spoil

from chaos_ext.actions.lab import clients, postgresql_connections

MODE = "postgresql-connections-exhausted"
NODES = ["pg-a", "pg-c"]
ROLE = "batch"


@pytest.fixture
def given_back(configuration, psql):
    yield
    postgresql_connections.give_connections_back(NODES, ROLE, configuration)
    psql("pg-a", f"ALTER ROLE {ROLE} CONNECTION LIMIT -1")


def leak(configuration):
    return postgresql_connections.exhaust_connections(NODES, ROLE, "import-script", configuration)


def full(configuration):
    return postgresql_connections.connections_are_exhausted(NODES, ROLE, configuration)["holds"]


def sessions(psql, node):
    return int(psql(node, f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{ROLE}'"))


def test_before_during_and_after(configuration, psql, until, given_back):
    assert not full(configuration)
    assert psql("pg-a", "SELECT 1", user="app") == "1"

    said = leak(configuration)

    until(lambda: full(configuration), "the services to give up what they had", within_s=15)
    assert set(said["sessions"]) == set(NODES)
    for node in NODES:
        until(lambda node=node: psql(node, "SELECT 1", user="app").startswith("error"), f"{node} to refuse")
        assert psql(node, "SELECT 1") == "1", "superusers have slots of their own"
    assert psql("pg-b", "SELECT 1", user="app") == "1", "a node that was not named has room"

    assert postgresql_connections.give_connections_back(NODES, ROLE, configuration)["outcome"] == "undone"
    assert not full(configuration)
    assert not psutil.pid_exists(said["pid"])
    assert [sessions(psql, node) for node in NODES] == [0, 0]
    assert psql("pg-a", "SELECT 1", user="app") == "1"
    assert postgresql_connections.give_connections_back(NODES, ROLE, configuration)["outcome"] == "already"


def test_it_takes_what_becomes_free_until_its_role_is_limited(configuration, psql, until, given_back):
    leak(configuration)
    end = f"SELECT count(pg_terminate_backend(pid, 2000)) FROM pg_stat_activity WHERE usename = '{ROLE}'"
    assert int(psql("pg-a", end)) > 1
    until(lambda: full(configuration), "it to be full again")

    psql("pg-a", f"ALTER ROLE {ROLE} CONNECTION LIMIT 2")
    until(lambda: psql("pg-c", f"SELECT rolconnlimit FROM pg_roles WHERE rolname = '{ROLE}'") == "2", "pg-c")
    for node in NODES:
        psql(node, end)
        until(lambda node=node: sessions(psql, node) <= 2, f"{node} to be free")
        assert psql(node, "SELECT 1", user="app") == "1"
    assert clients.living("leak", configuration), "it goes on trying"
    assert not full(configuration)


def test_no_such_node(configuration):
    with pytest.raises(ActivityFailed, match="got 'pg-x', expected one of pg-a, pg-b, pg-c"):
        postgresql_connections.exhaust_connections(["pg-a", "pg-x"], ROLE, "import-script", configuration)
    assert clients.living("leak", configuration) == []


BAD = [
    pytest.param(spoil.verifying("echo fine"), {"verification-blind"}, id="verification-always-passes"),
    pytest.param(
        spoil.does_nothing("limit-role"),
        {"step-failed", "not-recovered"},
        id="sessions-ended-and-the-role-not-limited",
    ),
    pytest.param(
        spoil.does_nothing("end-sessions"),
        {"step-failed", "not-recovered"},
        id="role-limited-and-its-sessions-not-ended",
    ),
    pytest.param(
        spoil.replaced('FULL="$FULL $node" OFFENDER=$role', 'FULL="$FULL $node" OFFENDER=reporting'),
        {"step-failed", "not-recovered"},
        id="wrong-role",
    ),
    pytest.param(spoil.block("end-sessions", before="sleep 20"), {"too-slow|not-recovered"}, id="too-slow"),
]


@pytest.mark.slow
def test_the_runbook_is_proven(project):
    spoil.assert_verified(project, MODE)


@pytest.mark.slow
@pytest.mark.parametrize(("mistake", "expected"), BAD)
def test_a_bad_runbook_is_not_verified(project, mistake, expected):
    spoil.assert_not_verified(project, MODE, mistake, expected)


@pytest.mark.slow
def test_a_fault_that_does_nothing_proves_nothing(project):
    spoil.assert_noop_proves_nothing(project, MODE)
