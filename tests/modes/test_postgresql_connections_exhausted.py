"""A client that leaks sessions: the fault itself, the runbook's proof, the runbook with one mistake each."""

from __future__ import annotations

import subprocess

import psutil
import pytest
from chaoslib.exceptions import ActivityFailed
from modes import spoil
from modes.followed import followed

from chaos_ext import environments
from chaos_ext.actions.lab import clients, postgresql_connections
from chaos_lab.services.alerting.rules import State, parse_rule
from chaos_lab.services.alerting.samples import Samples
from chaos_lab.services.metrics import parse

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


@pytest.mark.parametrize("full", [0, 1, 2])
def test_a_full_node_is_told_whichever_it_is(full):
    (alert,) = [
        one for one in environments.load("lab").alerts.rules if one.name == "PostgresqlConnectionsExhausted"
    ]
    samples, state = Samples(), State(parse_rule({"name": alert.name, "rule": alert.as_written()}), 0.0)
    for at in (0.0, 0.5, 1.0):
        for number in range(3):
            free = 1 if number == full else 20
            samples.add(f"{number}", at, parse(f'pg_connections_free{{node="{number}"}} {free}'))
        state.evaluate(samples, at)
    assert state.firing


# --- the runbook, in a lab that stays ------------------------------------------------------------

OTHER = "reporting"
LIMITS = f"""
    SELECT string_agg(rolname || '=' || rolconnlimit, ' ' ORDER BY rolname) FROM pg_roles
    WHERE rolname IN ('{ROLE}', '{OTHER}')
"""


@pytest.fixture
def two_leaks(configuration, psql, given_back):
    """One client has filled pg-a, another one, whose role has a limit already, pg-c."""
    psql("pg-a", f"ALTER ROLE {OTHER} CONNECTION LIMIT 39")
    for node, role in (("pg-a", ROLE), ("pg-c", OTHER)):
        postgresql_connections.exhaust_connections([node], role, "leak", configuration)
    yield
    clients.end("leak", configuration)
    psql("pg-a", f"ALTER ROLE {OTHER} CONNECTION LIMIT -1")


def test_each_nodes_own_offender_is_treated_and_a_node_that_is_down_holds_nothing_up(
    running_lab, psql, two_leaks, until
):
    supervisorctl = f"{running_lab['bin']}/supervisorctl"
    subprocess.run([supervisorctl, "stop", "pg-b"], check=True, capture_output=True)
    try:
        done = followed(running_lab, MODE)
        assert done.outcome.ok, done.outcome.why
        assert sorted(done.variables["OFFENDERS"].split()) == [ROLE, OTHER]
        assert psql("pg-a", LIMITS) == f"{ROLE}=2 {OTHER}=2"
        assert "pg-b: no answer" in done.said["verification"]
        undone = followed(
            running_lab, MODE, only=["undo-step-4"], LIMITS_BEFORE=done.variables["LIMITS_BEFORE"]
        )
        assert undone.outcome.ok, undone.outcome.why
        assert psql("pg-a", LIMITS) == f"{ROLE}=-1 {OTHER}=39"
    finally:
        subprocess.run([supervisorctl, "start", "pg-b"], check=True, capture_output=True)
    until(
        lambda: psql("pg-a", "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "2",
        "pg-b",
    )


@pytest.mark.parametrize(
    ("service_role", "situation"), [("batch", "the services themselves"), ("app", "other clients")]
)
def test_the_services_own_role_is_never_limited(
    running_lab, psql, configuration, given_back, service_role, situation
):
    postgresql_connections.exhaust_connections(["pg-a"], ROLE, "leak", configuration)
    done = followed(running_lab, MODE, only=("step-1", "step-2", "decision-3"), SERVICE_ROLE=service_role)
    assert done.variables["SITUATION"] == situation
    assert done.outcome.needs_person == (situation != "other clients")


_ONCE_MORE = """for node in $ANSWERING; do
  next=$(psql "service=$node" -XAtqc "
    SELECT usename FROM pg_stat_activity WHERE application_name LIKE 'intake-%' LIMIT 1")
  if [ "$(psql "service=$node" -XAtqc "SELECT pg_is_in_recovery()")" = f ]; then
    psql "service=$node" -Xqc "ALTER ROLE \\"${next:-$SERVICE_ROLE}\\" CONNECTION LIMIT $SESSIONS_AT_MOST"
  fi
done"""

BAD = [
    spoil.mistake("verification-blind", "always-passes", spoil.verifying("echo fine"), "verification-blind"),
    spoil.mistake(
        "missing", "limit-for-the-role", spoil.does_nothing("limit-roles"), "step-failed", "not-recovered"
    ),
    spoil.mistake(
        "missing", "end-of-its-sessions", spoil.does_nothing("end-sessions"), "step-failed", "not-recovered"
    ),
    # What the runbook warns of: the client takes slots again as soon as they are free. Whether enough are left for the
    # services is a race; for those who come next there are none.
    spoil.mistake(
        "swapped",
        "ends-sessions-before-it-limits",
        spoil.exchanged("limit-roles", "end-sessions"),
        "step-failed",
    ),
    # A limit that is set twice is the same limit. For whoever has most sessions after the first time it hurts: those
    # are the services.
    spoil.mistake(
        "doubled",
        "limits-whoever-comes-next",
        spoil.block("end-sessions", after=_ONCE_MORE),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "wrong-target",
        "another-role",
        spoil.replaced('export OFFENDERS="${offenders# }"', 'export OFFENDERS="reporting"'),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "too-slow",
        "ending-sessions",
        spoil.block("end-sessions", before="sleep 18"),
        "too-slow|not-recovered",
    ),
]


test_the_runbook_is_proven = spoil.proven(MODE)
test_a_bad_runbook_is_not_verified = spoil.not_verified(MODE, BAD)
test_a_fault_that_does_nothing_proves_nothing = spoil.proving_nothing(MODE)
