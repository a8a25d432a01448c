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
    last = "FROM deletions WHERE from_table = 'responses' ORDER BY id DESC LIMIT 1"
    noted = f"SELECT role, application, rows, too_young {last}"
    assert psql("pg-a", noted) == f"retention|retention-job|{young}|{young}"
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


NASTY = "$kept$; DROP TABLE outbox; -- '); $$ \\. :x \\q {0} %s"


def test_what_a_user_wrote_ends_no_quote(configuration, running_lab, psql, submit, restored):
    """The undo hands responses back as SQL, whatever stands in them; and none of it gets into the server's log."""
    assert submit(NASTY, "nasty") == 201
    before = psql("pg-a", "SELECT md5(string_agg(t::text, ' ')) FROM responses AS t WHERE survey = 'nasty'")
    delete(configuration)
    assert postgresql_rows.restore_responses("pg-a", configuration)["outcome"] == "undone"
    after = psql("pg-a", "SELECT md5(string_agg(t::text, ' ')) FROM responses AS t WHERE survey = 'nasty'")
    assert after == before != ""
    assert "DROP TABLE outbox" not in (Path(running_lab["logs"]) / "pg-a.log").read_text()


def test_a_tag_that_is_in_the_text_is_not_taken(monkeypatch):
    drawn = iter(["aa", "bb"])
    monkeypatch.setattr(postgresql_rows.secrets, "token_hex", lambda _bytes: next(drawn))
    assert postgresql_rows.quoted(["$kaa$"]) == '$kbb$["$kaa$"]$kbb$::jsonb'


_UNDER_NEW_IDS = """psql "service=$CLONE" -XAtqc "COPY (
    SELECT id || '-again', survey, text, score, received_at FROM responses) TO STDOUT" |
  psql "service=$PRIMARY" -XAtqc "COPY responses (id, survey, text, score, received_at) FROM STDIN" """.rstrip()

BAD = [
    spoil.mistake("verification-blind", "always-passes", spoil.verifying("echo fine"), "verification-blind"),
    spoil.mistake(
        "missing",
        "copying-back",
        spoil.without("Step 5: Copy exactly the missing rows back"),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "swapped",
        "copies-back-before-there-is-a-clone",
        spoil.exchanged("clone", "copy-back"),
        "step-failed",
        "not-recovered",
    ),
    # To copy back twice does nothing: a row that is there stays. Under ids of their own they are there twice.
    spoil.mistake(
        "doubled",
        "copies-back-under-new-ids-too",
        spoil.block("copy-back", after=_UNDER_NEW_IDS),
        "impact-differs",
    ),
    spoil.mistake(
        "doubled",
        "deletes-what-was-written-since",
        spoil.block(
            "lock-out",
            # One statement: a response that comes in between two would keep its row in the outbox, and fail the second.
            before='psql "service=$PRIMARY" -Xqc "WITH o AS (DELETE FROM outbox) DELETE FROM responses"',
        ),
        "data-lost",
    ),
    spoil.mistake(
        "wrong-target",
        "clone-of-after-the-deletion",
        spoil.replaced(
            '  pg-clone create --at "$JUST_BEFORE"', '  pg-clone create --at "$(date -u +%FT%T.%6N)"'
        ),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "too-slow", "copying-back", spoil.block("copy-back", before="sleep 18"), "too-slow|not-recovered"
    ),
]


test_the_runbook_is_proven = spoil.proven(MODE)
test_a_bad_runbook_is_not_verified = spoil.not_verified(MODE, BAD)
test_a_fault_that_does_nothing_proves_nothing = spoil.proving_nothing(MODE)
