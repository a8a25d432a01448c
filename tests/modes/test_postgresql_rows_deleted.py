"""Rows that a job should have kept: the fault itself, the runbook's proof, the runbook with one mistake each."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from chaoslib.exceptions import ActivityFailed
from modes import spoil
from modes.followed import followed, verified

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


# --- the runbook, in a lab that stays ------------------------------------------------------------

FIND = ("step-1", "decision-2")
RESPONSES = """
    INSERT INTO responses (id, survey, text, received_at)
    SELECT 'kept-{0}-' || n, 'kept', 'kept', now() - interval '{0} days' FROM generate_series(1, {1}) AS n;
    INSERT INTO outbox (response_id, created_at, handed_on_at, mailed_at)
    SELECT id, received_at, now(), now() FROM responses WHERE id LIKE 'kept-{0}-%'
"""
KEPT = "SELECT count(*) FROM responses AS r JOIN outbox AS o ON o.response_id = r.id WHERE survey = 'kept'"


@pytest.fixture
def kept(running_lab, psql):
    """Puts in responses of an age; nothing of them, and of what a runbook did, is left afterwards."""

    def clean():
        clear = (
            "DELETE FROM outbox WHERE response_id LIKE 'kept-%'; DELETE FROM responses WHERE survey = 'kept'"
        )
        psql(
            "pg-a",
            f"{clear}; TRUNCATE deletions; ALTER ROLE retention LOGIN; REVOKE ALL ON responses, outbox FROM batch",
        )

    clean()
    yield lambda days, number: psql("pg-a", RESPONSES.format(days, number))
    subprocess.run(
        [f"{running_lab['bin']}/pg-clone", "drop", "before-the-deletion"], capture_output=True, check=False
    )
    clean()


def remove(psql, user, where):
    """As a person does who types it: a transaction for each statement."""
    for table, column in (("outbox", "response_id"), ("responses", "id")):
        said = psql("pg-a", f"DELETE FROM {table} WHERE {column} LIKE 'kept-{where}'", user=user)
        assert said == ""


def find(running_lab):
    return followed(running_lab, MODE, only=FIND)


@pytest.mark.parametrize(
    ("user", "situation"),
    [("postgres", "no, by hand"), ("batch", "no, by a job"), ("retention", "no, by a job")],
)
def test_a_deletion_by_anybody_is_found_and_undone(running_lab, psql, kept, user, situation):
    psql("pg-a", "GRANT SELECT, DELETE ON responses, outbox TO batch")
    kept(5, 30)
    remove(psql, user, "5-%")
    kept(4, 1)  # written later

    done = followed(running_lab, MODE)

    assert done.outcome.ok, done.outcome.why
    assert (done.variables["DELETED_BY"], done.variables["SITUATION"]) == (user, situation)
    assert psql("pg-a", KEPT) == "31"
    assert psql("pg-a", f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{user}'") == (
        "t" if user == "postgres" else "f"
    )
    psql("pg-a", "ALTER ROLE batch LOGIN")


def test_a_job_that_deletes_in_batches_is_undone_from_before_the_first(running_lab, psql, kept):
    kept(5, 30)
    for part in ("1%", "2%", "_"):
        remove(psql, "retention", f"5-{part}")
    assert psql("pg-a", KEPT) == "1"  # number 30
    done = followed(running_lab, MODE)
    assert done.outcome.ok, done.outcome.why
    assert psql("pg-a", KEPT) == "30"


def test_a_clean_up_of_what_had_expired_is_none_and_hides_none(running_lab, psql, kept):
    kept(100, 30)
    remove(psql, "retention", "100-%")
    said = find(running_lab)
    assert (said.variables["SITUATION"], said.outcome.needs_person) == ("no deletion found", True)

    kept(5, 30)
    between = psql("pg-a", "SELECT clock_timestamp()")
    remove(psql, "retention", "5-%")
    remove(psql, "retention", "100-%")
    said = find(running_lab)
    assert said.variables["SITUATION"] == "no, by a job"
    assert psql("pg-a", f"SELECT '{said.variables['JUST_BEFORE']}' > timestamptz '{between}'") == "t"


def test_a_few_that_somebody_may_have_asked_for_are_for_a_person(running_lab, psql, kept):
    kept(5, 3)
    remove(psql, "postgres", "5-%")
    said = find(running_lab)
    assert (said.variables["SITUATION"], said.outcome.needs_person) == ("perhaps: only 6 rows", True)


def test_it_can_be_started_over_and_replaces_a_clone_of_another_moment(running_lab, psql, kept):
    kept(5, 30)
    tool = f"{running_lab['bin']}/pg-clone"
    earlier = psql("pg-a", "SELECT clock_timestamp()")
    subprocess.run([tool, "create", "--at", earlier, "before-the-deletion"], check=True, capture_output=True)
    remove(psql, "retention", "5-%")
    interrupted = followed(running_lab, MODE, only=(*FIND, "step-3", "step-4"))
    assert interrupted.outcome.ok, interrupted.outcome.why

    done = followed(running_lab, MODE)

    assert done.outcome.ok, done.outcome.why
    assert any(
        "is there already, of this very moment" in line for lines in done.said.values() for line in lines
    )
    assert psql("pg-a", KEPT) == "30"


def test_the_verification_sees_what_is_lost_and_what_is_not_the_same(running_lab, psql, kept):
    kept(5, 30)
    remove(psql, "retention", "5-%")
    kept(4, 2)  # written later, and analysed by nobody
    assert followed(running_lab, MODE).outcome.ok

    assert verified(running_lab, MODE)
    psql("pg-a", "UPDATE responses SET text = 'other' WHERE id = 'kept-5-7'")
    assert not verified(running_lab, MODE)
    psql("pg-a", "UPDATE responses SET text = 'kept' WHERE id = 'kept-5-7'")
    assert verified(running_lab, MODE)
    remove(psql, "postgres", "4-2")
    assert not verified(running_lab, MODE)


def test_statements_of_people_and_jobs_are_in_the_log_and_the_services_own_are_not(running_lab, psql, submit):
    psql("pg-a", "SELECT 'by a person'")
    psql("pg-a", "SELECT 'by a job'", user="batch")
    assert submit("by a user of the product", "logged") == 201
    log = (Path(running_lab["logs"]) / "pg-a.log").read_text()
    assert "statement: SELECT 'by a person'" in log
    assert "statement: SELECT 'by a job'" in log
    assert [line for line in log.splitlines() if " app@" in line and "statement:" in line] == []
    assert "by a user of the product" not in log


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
            before='psql "service=$PRIMARY" -Xqc "DELETE FROM outbox" -c "DELETE FROM responses"',
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
