"""The intake before a real PostgreSQL: what it acknowledges is stored, and it always answers in time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import psycopg
import pytest
import requests

import chaos_lab.services

ANSWER_S = 5  # the intake promises two seconds; a loaded machine may add some


def submission(id="r-1", **fields):
    return {"id": id, "survey": "s-1", "text": "My manager listens.", "score": 4, **fields}


def post(url, answer_s=ANSWER_S, **fields):
    return requests.post(f"{url}/responses", json=submission(**fields), timeout=answer_s)


@pytest.fixture
def intake(postgresql, parts):
    """A replica's URL."""
    return parts.intake(parts.names(pg_a=postgresql.port))[1]


def test_acknowledges_what_is_stored_and_handed_on(intake, postgresql):
    text = "会議が多すぎます。"
    response = post(intake, text=f"  {text}\n")
    assert (response.status_code, response.json()) == (201, {"id": "r-1"})
    rows = postgresql.execute("SELECT id, survey, text, score FROM responses", "survey")
    assert rows == [("r-1", "s-1", text, 4)]
    assert postgresql.execute("SELECT response_id FROM outbox", "survey") == [("r-1",)]
    assert requests.get(f"{intake}/responses/r-1", timeout=ANSWER_S).json()["text"] == text
    assert requests.get(f"{intake}/responses/r-2", timeout=ANSWER_S).status_code == 404
    listed = requests.get(f"{intake}/responses", params={"survey": "s-1"}, timeout=ANSWER_S).json()
    assert [(row["id"], row["text"]) for row in listed["responses"]] == [("r-1", text)]


def test_a_repeated_submission_is_stored_once(intake, postgresql):
    assert [post(intake).status_code for _ in range(3)] == [201, 201, 201]
    assert post(intake, text="Something else").status_code == 409
    assert post(intake, score=None).status_code == 409
    assert postgresql.execute("SELECT count(*) FROM responses", "survey") == [(1,)]
    assert postgresql.execute("SELECT count(*) FROM outbox", "survey") == [(1,)]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param(b"{", "not JSON", id="cut off"),
        pytest.param(b"\xff\xfe", "not JSON", id="not UTF-8"),
        pytest.param([], "body: got list", id="a list"),
        pytest.param(submission(id=""), "id: got ''", id="empty id"),
        pytest.param(submission(id=7), "id: got 7", id="id is a number"),
        pytest.param(submission(survey=None), "survey: got None", id="no survey"),
        pytest.param(submission(text=" \n"), "text: got", id="only space"),
        pytest.param(submission(text="x" * 10_001), "10001 characters", id="long text"),
        pytest.param(submission(text="a\0b"), "cannot be stored", id="NUL"),
        pytest.param(submission(text="\ud83d"), "cannot be stored", id="half a surrogate pair"),
        pytest.param(submission(score=11), "score: got 11", id="high score"),
        pytest.param(submission(score=True), "score: got True", id="score is true"),
        pytest.param(submission(score=3.5), "score: got 3.5", id="half a score"),
    ],
)
def test_bad_input_is_refused_with_what_to_change(intake_without_database, body, named):
    data = body if isinstance(body, bytes) else json.dumps(body)
    response = requests.post(f"{intake_without_database}/responses", data=data, timeout=ANSWER_S)
    assert response.status_code == 400
    assert named in response.json()["error"]


def test_other_paths_and_methods_answer_in_json(intake_without_database):
    url = intake_without_database
    assert requests.get(f"{url}/responses", timeout=ANSWER_S).status_code == 400
    assert requests.get(f"{url}/nothing", timeout=ANSWER_S).json()["error"] == "GET /nothing: Not Found"
    assert requests.put(f"{url}/responses", timeout=ANSWER_S).status_code == 405
    large = requests.post(f"{url}/responses", data=b" " * 300_000, timeout=ANSWER_S)
    assert large.status_code == 413


@pytest.fixture(scope="module")
def intake_without_database(tmp_path_factory, start_parts):
    parts = start_parts(tmp_path_factory.mktemp("intake"))
    return parts.intake(parts.names(pg_a=1))[1]


def test_healthy_but_not_ready_without_its_database(postgresql, intake, parts):
    assert requests.get(f"{intake}/readyz", timeout=ANSWER_S).json()["database"] == "pg-a"
    postgresql.stop()
    for request in (post(intake), requests.get(f"{intake}/responses/r-1", timeout=ANSWER_S)):
        assert request.status_code == 503
        assert request.headers["Retry-After"]
    assert requests.get(f"{intake}/readyz", timeout=ANSWER_S).status_code == 503
    assert requests.get(f"{intake}/healthz", timeout=ANSWER_S).json() == {"status": "ok", "release": "v1"}


def test_the_first_request_after_a_restart_of_the_database_succeeds(postgresql, intake):
    concurrently(4, lambda number: post(intake, id=f"before-{number}"))
    postgresql.stop(signal.SIGQUIT)
    postgresql.start()
    assert post(intake, id="after").status_code == 201


def test_a_database_that_hangs_is_answered_503_and_comes_back(postgresql, intake):
    assert post(intake, id="before").status_code == 201
    with postgresql.frozen():
        results = concurrently(8, lambda number: post(intake, id=f"during-{number}").status_code)
        assert results == [503] * 8
    assert post(intake, id="after").status_code == 201


def test_a_locked_table_is_answered_503_and_leaves_no_connection_behind(postgresql, intake, wait_for):
    with psycopg.connect(host="127.0.0.1", port=postgresql.port, user="postgres", dbname="survey") as other:
        other.execute("LOCK TABLE responses")
        results = concurrently(8, lambda number: post(intake, id=f"during-{number}").status_code)
        assert results == [503] * 8
    assert post(intake, id="after").status_code == 201
    wait_for(
        "no more connections than the pool has",
        lambda: postgresql.execute("SELECT count(*) <= 4 FROM pg_stat_activity WHERE usename = 'app'")[0][0],
    )
    assert ("after",) in postgresql.execute("SELECT id FROM responses", "survey")


def test_a_read_only_database_is_answered_503(postgresql, intake):
    assert post(intake, id="before").status_code == 201
    postgresql.execute("ALTER ROLE app SET default_transaction_read_only = on")
    postgresql.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
    assert post(intake, id="during").status_code == 503
    postgresql.execute("ALTER ROLE app RESET default_transaction_read_only")
    assert post(intake, id="after").status_code == 201


def test_a_row_that_no_standby_has_is_not_acknowledged_when_sent_again(postgresql, intake, wait_for):
    postgresql.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    postgresql.execute("SELECT pg_reload_conf()")
    wait_for("it is set", lambda: postgresql.execute("SHOW synchronous_standby_names") == [("nobody",)])
    assert post(intake).status_code == 503
    waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    wait_for("the commit waits and is cancelled", lambda: postgresql.execute(waiting))
    wait_for("it is seen", lambda: postgresql.execute("SELECT 1 FROM responses", "survey"))
    assert post(intake).status_code == 503
    postgresql.execute("ALTER SYSTEM RESET synchronous_standby_names")
    postgresql.execute("SELECT pg_reload_conf()")
    assert post(intake).status_code == 201
    assert postgresql.execute("SELECT count(*) FROM outbox", "survey") == [(1,)]


def test_a_missing_table_is_a_bug_not_an_outage(postgresql, parts):
    part, url = parts.intake(parts.names(pg_a=postgresql.port))
    part.bugs_expected = True
    postgresql.execute("DROP TABLE outbox", "survey")
    assert post(url).status_code == 500
    assert "outbox" in part.events("bug")[0]["error"]
    assert postgresql.execute("SELECT count(*) FROM responses", "survey") == [(0,)]


def test_names_are_read_for_each_new_connection(postgresql, parts):
    names = parts.names(pg_a=1)
    _, url = parts.intake(names)
    assert post(url).status_code == 503
    parts.names(pg_a=postgresql.port)
    assert post(url).status_code == 201
    names.write_text("{}")
    concurrently(4, lambda number: post(url, id=f"more-{number}"))
    assert requests.get(f"{url}/healthz", timeout=ANSWER_S).status_code == 200


def test_the_bad_release_fails_only_for_other_letters_than_ascii(postgresql, parts):
    source = (Path(chaos_lab.services.__file__).parent / "intake.py").read_text()
    assert source.count("text.strip()") == 1
    bad = source.replace("text.strip()", 'text.strip().encode("ascii").decode()')
    parts.release("intake", "v2", bad)
    part, url = parts.intake(parts.names(pg_a=postgresql.port))
    part.bugs_expected = True
    assert requests.get(f"{url}/healthz", timeout=ANSWER_S).json() == {"status": "ok", "release": "v2"}
    assert post(url, id="ascii").status_code == 201
    assert post(url, id="other", text="静かな席がほしい。").status_code == 500
    assert postgresql.execute("SELECT id FROM responses", "survey") == [("ascii",)]


def test_it_ends_only_when_what_it_has_begun_is_answered(postgresql, parts, wait_for, answers):
    # Its own limit for a query must not end what the test lets wait, on a slow machine either.
    part, url = parts.intake(parts.names(pg_a=postgresql.port), query_timeout_s=20)
    where = {"host": "127.0.0.1", "port": postgresql.port, "user": "postgres", "dbname": "survey"}
    with ThreadPoolExecutor(1) as threads, psycopg.connect(**where) as other:
        other.execute("LOCK TABLE responses")
        begun = threads.submit(post, url, id="begun", answer_s=60)
        # The relays read this table too, so they also wait now and then.
        waiting = (
            "SELECT 1 FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO responses%'"
        )
        wait_for("the request waits", lambda: postgresql.execute(waiting))
        # Stopped for a moment, so that one that the edge still sends is there before it goes, for sure.
        part.process.send_signal(signal.SIGSTOP)
        part.process.send_signal(signal.SIGTERM)
        late = HTTPConnection(url.removeprefix("http://"), timeout=60)
        late.request("POST", "/responses", json.dumps(submission(id="late")))
        part.process.send_signal(signal.SIGCONT)
        wait_for("it says so first", lambda: answers(f"{url}/healthz", 503))
        wait_for("both wait", lambda: len(postgresql.execute(waiting)) == 2)
    with closing(late):
        assert [begun.result(20).status_code, late.getresponse().status] == [201, 201]
    assert part.process.wait(20) == 0
    assert [row[0] for row in postgresql.execute("SELECT id FROM responses ORDER BY id", "survey")] == [
        "begun",
        "late",
    ]


def test_answers_when_nobody_reads_its_log(parts, answers, wait_for):
    part, url = parts.intake(parts.names(pg_a=1))
    part.stop()
    read, write = os.pipe()
    part.process = subprocess.Popen(part.command, stdout=write, stderr=subprocess.STDOUT)
    os.close(write)
    wait_for("it is healthy", lambda: answers(f"{url}/healthz"))
    os.close(read)
    assert post(url).status_code == 503
    assert post(url, id="").status_code == 400


def test_counts_what_it_answers(intake):
    post(intake)
    post(intake, score=99)
    text = requests.get(f"{intake}/metrics", timeout=ANSWER_S).text
    assert 'intake_requests_total{method="POST",code="201"} 1' in text
    assert 'intake_requests_total{method="POST",code="400"} 1' in text
    assert 'intake_request_duration_seconds_count{method="POST"} 2' in text


def concurrently(count, call):
    """The results of ``call(0)``, ``call(1)`` … made at the same time."""
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(call, range(count)))


def test_no_connection_is_kept_longer_than_its_lifetime(postgresql, parts, wait_for):
    _, url = parts.intake(parts.names(pg_a=postgresql.port), connection_lifetime_s=1)
    concurrently(4, lambda number: post(url, id=f"before-{number}"))
    [(newest,)] = postgresql.execute("SELECT max(backend_start) FROM pg_stat_activity WHERE usename = 'app'")
    oldest = "SELECT min(backend_start) FROM pg_stat_activity WHERE usename = 'app'"
    wait_for("all are made anew", lambda: (postgresql.execute(oldest)[0][0] or newest) > newest)
    assert post(url, id="after").status_code == 201
