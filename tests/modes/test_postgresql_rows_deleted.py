"""Rows that a job should have kept: the fault itself, the runbook's proof, the runbook with one mistake each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chaoslib.exceptions import ActivityFailed
from modes import spoil

from chaos_ext.actions.lab import postgresql_rows

MODE = "postgresql-rows-deleted"
YOUNG = "received_at > now() - interval '90 days' AND survey NOT LIKE 'benchmark-%'"
EVERYTHING = "SELECT md5(string_agg(t::text, ' ' ORDER BY id)) FROM {} AS t WHERE {}"
OLD = ("survey = 'welcome'", "response_id LIKE 'welcome-%'")  # nobody works on these any more


@pytest.fixture
def restored(configuration):
    yield
    postgresql_rows.restore_responses("pg-a", configuration)


def delete(configuration, where=YOUNG):
    return postgresql_rows.delete_responses("pg-a", where, "retention", "retention-job", configuration)


def sums(psql):
    """The old responses and their outbox rows, as two checksums."""
    return [psql("pg-a", EVERYTHING.format(*one)) for one in zip(("responses", "outbox"), OLD, strict=True)]


def test_before_during_and_after(configuration, running_lab, psql, submit, until, restored):
    assert not postgresql_rows.responses_are_missing("pg-a", configuration)["holds"]
    before, young = sums(psql), psql("pg-a", f"SELECT count(*) FROM responses WHERE {YOUNG}")

    said = delete(configuration)

    assert said["responses"] == int(young) > 0
    assert said["outbox"] >= int(young)
    for node in ("pg-a", "pg-b", "pg-c"):
        until(lambda node=node: psql(node, f"SELECT count(*) FROM responses WHERE {YOUNG}") == "0", node)
    assert postgresql_rows.responses_are_missing("pg-a", configuration)["missing"] == int(young)
    assert psql("pg-a", "SELECT count(*) FROM responses WHERE survey LIKE 'benchmark-%'") == "2000"
    log = (Path(running_lab["logs"]) / "pg-a.log").read_text()
    line = [line for line in log.splitlines() if "DELETE FROM responses" in line][-1]
    assert "retention@survey retention-job" in line
    assert submit("written later", "rows") == 201

    assert postgresql_rows.restore_responses("pg-a", configuration)["outcome"] == "undone"
    assert sums(psql) == before
    assert psql("pg-a", "SELECT count(*) FROM responses WHERE survey = 'rows'") == "1", "it stays"
    assert not postgresql_rows.responses_are_missing("pg-a", configuration)["holds"]
    assert postgresql_rows.restore_responses("pg-a", configuration)["outcome"] == "already"


def test_half_restored_is_still_missing(configuration, running_lab, psql, restored):
    delete(configuration)
    kept = json.loads((Path(running_lab["dir"]) / "deleted-responses.json").read_text())["responses"]
    one = kept[0]
    psql("pg-a", f"INSERT INTO responses (id, survey, text) VALUES ('{one['id']}', 'x', 'by somebody')")
    found = postgresql_rows.responses_are_missing("pg-a", configuration)
    assert (found["holds"], found["missing"]) == (True, len(kept) - 1)
    assert postgresql_rows.restore_responses("pg-a", configuration)["outcome"] == "undone"
    assert psql("pg-a", f"SELECT text FROM responses WHERE id = '{one['id']}'") == "by somebody"
    psql(
        "pg-a",
        f"UPDATE responses SET survey = '{one['survey']}', text = '{one['text']}' WHERE id = '{one['id']}'",
    )


def test_nothing_to_delete_and_a_wrong_condition(configuration, psql):
    before = psql("pg-a", "SELECT count(*) FROM responses")
    with pytest.raises(ActivityFailed, match="expected some to delete"):
        delete(configuration, "survey = 'nobody'")
    with pytest.raises(ActivityFailed, match='column "nothing" does not exist'):
        delete(configuration, "nothing = 1")
    assert psql("pg-a", "SELECT count(*) FROM responses") == before


BAD = [
    pytest.param(spoil.verifying("echo fine"), {"verification-blind"}, id="verification-always-passes"),
    pytest.param(
        spoil.without("Step 5: Copy exactly the missing rows back"),
        {"step-failed", "not-recovered"},
        id="step-removed",
    ),
    pytest.param(
        spoil.replaced('pg-clone create --at "$JUST_BEFORE"', 'pg-clone create --at "$(date -u +%FT%T.%6N)"'),
        {"step-failed", "not-recovered"},
        id="clone-of-after-the-deletion",
    ),
    pytest.param(
        spoil.block(
            "lock-out",
            before='psql "service=$PRIMARY" -Xqc "DELETE FROM outbox" -c "DELETE FROM responses"',
        ),
        {"data-lost"},
        id="later-writes-thrown-away",
    ),
    pytest.param(spoil.block("copy-back", before="sleep 20"), {"too-slow|not-recovered"}, id="too-slow"),
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
