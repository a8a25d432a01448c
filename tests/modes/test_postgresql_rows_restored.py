"""The runbook for deleted rows in a lab that stays: whoever deleted, in whichever way, and what it must not restore."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from modes.followed import followed, verified

MODE = "postgresql-rows-deleted"
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
