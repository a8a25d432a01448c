"""A standby whose replay is paused: the fault itself, the runbook's proof, the runbook with one mistake each."""

from __future__ import annotations

import pytest
from chaoslib.exceptions import ActivityFailed
from modes import spoil

from chaos_ext.actions.lab import postgresql_replay

MODE = "postgresql-replica-lag"
COUNT = "SELECT count(*) FROM responses WHERE survey = 'lag'"


@pytest.fixture
def replaying(configuration, psql, until):
    yield
    postgresql_replay.resume_replay("pg-c", configuration)
    until(lambda: psql("pg-c", COUNT) == psql("pg-a", COUNT), "pg-c to catch up")


def test_before_during_and_after(configuration, psql, submit, until, replaying):
    assert not postgresql_replay.replay_is_paused("pg-c", configuration)["holds"]
    assert submit("before", "lag") == 201
    until(lambda: psql("pg-c", COUNT) == "1", "pg-c to show it")

    postgresql_replay.pause_replay("pg-c", configuration)

    assert postgresql_replay.replay_is_paused("pg-c", configuration) == {
        "holds": True,
        "node": "pg-c",
        "state": "paused",
    }
    assert not postgresql_replay.replay_is_paused("pg-b", configuration)["holds"]
    assert submit("during", "lag") == 201, "it is stored, and confirmed by a standby"
    until(lambda: psql("pg-b", COUNT) == "2", "pg-b to show it")
    assert psql("pg-c", COUNT) == "1"

    assert postgresql_replay.resume_replay("pg-c", configuration)["outcome"] == "undone"
    assert not postgresql_replay.replay_is_paused("pg-c", configuration)["holds"]
    until(lambda: psql("pg-c", COUNT) == "2", "pg-c to show it", within_s=5)
    assert postgresql_replay.resume_replay("pg-c", configuration)["outcome"] == "already"


def test_a_primary_replays_nothing(configuration):
    with pytest.raises(ActivityFailed, match="got a primary, expected a standby"):
        postgresql_replay.pause_replay("pg-a", configuration)
    assert not postgresql_replay.replay_is_paused("pg-a", configuration)["holds"]
    assert postgresql_replay.resume_replay("pg-a", configuration)["outcome"] == "superseded"


_TOGGLED_TWICE = """for node in $PAUSED $PAUSED; do
  if [ "$(psql "service=$node" -XAtqc "SELECT pg_is_wal_replay_paused()")" = t ]; then
    psql "service=$node" -XAtqc "SELECT FROM pg_wal_replay_resume()"
  else
    psql "service=$node" -XAtqc "SELECT FROM pg_wal_replay_pause()"
  fi
done"""

BAD = [
    spoil.mistake("verification-blind", "always-passes", spoil.verifying("echo fine"), "verification-blind"),
    spoil.mistake(
        "missing",
        "resuming",
        spoil.replaced("SELECT FROM pg_wal_replay_resume()", "SELECT 1"),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "swapped",
        "decides-before-it-looks",
        spoil.swapped(
            "Step 1: See how far each standby is",
            "Decision 2: Why is it behind",
            (
                'export NODES="${NODES:-pg-a pg-b pg-c}"',
                'export NODES="${NODES:-pg-a pg-b pg-c}" PAUSED="" SLOW=""',
            ),
        ),
        "step-failed",
        "not-recovered",
    ),
    # To resume what is not paused does nothing. As a switch, the second time takes back the first.
    spoil.mistake(
        "doubled",
        "switches-back",
        spoil.block("resume", code=_TOGGLED_TWICE),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "wrong-target",
        "another-standby",
        spoil.replaced('    PAUSED="$PAUSED $node"\n', '    PAUSED="pg-b"\n'),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake("too-slow", "resuming", spoil.block("resume", before="sleep 18"), "too-slow|not-recovered"),
]


test_the_runbook_is_proven = spoil.proven(MODE)
test_a_bad_runbook_is_not_verified = spoil.not_verified(MODE, BAD)
test_a_fault_that_does_nothing_proves_nothing = spoil.proving_nothing(MODE)
