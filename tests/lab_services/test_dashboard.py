"""The dashboard before a real replica, cache, storage and identity provider."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests

ANSWER_S = 8
NOWHERE = "127.0.0.1:1"
ROWS = """
    INSERT INTO responses VALUES
    ('1', 's-1', '古い', 2, '2025-01-01Z'), ('2', 's-1', '新しい', 4, '2025-01-02Z'),
    ('3', 's-1', 'no score', NULL, '2024-01-01Z'), ('4', 's-2', 'other', 1, now()),
    ('5', 'benchmark-7', 'theirs', 3, now());
    INSERT INTO analyses VALUES ('1', 's-1', '{food}', now()), ('2', 's-1', '{food,pay}', now());
"""


def summary(url, survey="s-1", **more):
    return requests.get(f"{url}/dashboard/summary", params={"survey": survey, **more}, timeout=ANSWER_S)


def metric(url, series):
    for line in requests.get(f"{url}/metrics", timeout=ANSWER_S).text.splitlines():
        if line.startswith(f"{series} "):
            return float(line.rpartition(" ")[2])
    return 0.0


@pytest.fixture
def filled(postgresql):
    for statement in ROWS.split(";"):
        if statement.strip():
            postgresql.execute(statement, "survey")
    return postgresql


def test_sums_up_one_survey_from_the_replica(filled, parts):
    # It knows pg-c only; the primary's address leads nowhere. Nor is there a cache.
    _, url = parts.dashboard(parts.names(pg_a=1, pg_c=filled.port))
    found = summary(url).json()
    assert (found["survey"], found["responses"], found["average_score"]) == ("s-1", 3, 3.0)
    assert (found["newest"]["id"], found["newest"]["text"]) == ("2", "新しい")
    assert found["topics"] == {"food": 2, "pay": 1}
    assert "benchmark" not in found
    benchmark = {"survey": "benchmark-7", "responses": 1, "average_score": 3.0}
    assert summary(url, benchmark=7).json()["benchmark"] == benchmark
    empty = summary(url, "nothing").json()
    assert (empty["responses"], empty["average_score"], empty["newest"]) == (0, None, None)
    assert metric(url, 'dashboard_cache_errors_total{operation="get"}') == 3


def test_without_its_replica_it_answers_503_and_stays_healthy(postgresql, parts):
    _, url = parts.dashboard(parts.names(pg_c=postgresql.port))
    assert requests.get(f"{url}/readyz", timeout=ANSWER_S).status_code == 200
    postgresql.stop()
    assert summary(url).status_code == 503
    assert requests.get(f"{url}/readyz", timeout=ANSWER_S).status_code == 503
    assert requests.get(f"{url}/healthz", timeout=ANSWER_S).status_code == 200
    postgresql.start()
    assert summary(url).status_code == 200
    assert metric(url, 'dashboard_requests_total{code="503",path="/dashboard/summary"}') == 1


def test_a_replica_that_hangs_is_answered_503(postgresql, parts):
    _, url = parts.dashboard(parts.names(pg_c=postgresql.port))
    assert summary(url).status_code == 200
    with postgresql.frozen():
        assert summary(url).status_code == 503
    assert summary(url).status_code == 200


@pytest.mark.parametrize(
    ("query", "named"),
    [({}, "?survey="), ({"survey": "a\0b"}, "?survey="), ({"survey": "s", "benchmark": "x"}, "benchmark")],
)
def test_asks_for_the_survey(dashboard_alone, query, named):
    response = requests.get(f"{dashboard_alone}/dashboard/summary", params=query, timeout=ANSWER_S)
    assert response.status_code == 400
    assert named in response.json()["error"]


@pytest.fixture(scope="module")
def dashboard_alone(tmp_path_factory, start_parts):
    parts = start_parts(tmp_path_factory.mktemp("dashboard"))
    return parts.dashboard(parts.names(pg_c=1))[1]


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("exports", b"{", "not JSON"),
        ("exports", b"[]", "JSON object"),
        ("exports", b"{}", "survey"),
        ("sign-in", b'{"user": 1, "password": "x"}', "user and password"),
    ],
)
def test_bad_bodies_are_refused(dashboard_alone, path, body, named):
    response = requests.post(f"{dashboard_alone}/dashboard/{path}", data=body, timeout=ANSWER_S)
    assert response.status_code == 400
    assert named in response.json()["error"]


def test_a_cached_summary_is_soon_replaced_and_a_benchmark_is_kept(filled, parts, valkey, wait_for):
    _, url = parts.dashboard(parts.names(pg_c=filled.port, cache=valkey.port))
    first = summary(url, benchmark=7).json()
    assert first["responses"] == 3
    assert 590 < valkey.client.ttl("benchmark:7") <= 600
    filled.execute("INSERT INTO responses VALUES ('9', 's-1', 'late', 1, now())", "survey")
    filled.execute("DELETE FROM responses WHERE survey = 'benchmark-7'", "survey")
    stale_until = time.monotonic() + 3  # live_ttl_s twice, and a report
    wait_for("the new response is seen", lambda: summary(url, benchmark=7).json()["responses"] == 4)
    assert time.monotonic() < stale_until + 3  # of a busy machine
    assert summary(url, benchmark=7).json()["benchmark"] == first["benchmark"]
    assert metric(url, 'dashboard_cache_hits_total{kind="live"}') > 0
    assert metric(url, 'dashboard_cache_misses_total{kind="benchmark"}') == 1
    assert metric(url, 'dashboard_reports_total{kind="benchmark"}') == 1


def test_a_cache_that_dies_is_missed_and_used_again(filled, parts, valkey):
    _, url = parts.dashboard(parts.names(pg_c=filled.port, cache=valkey.port))
    assert summary(url).status_code == 200
    valkey.stop()
    assert [summary(url, benchmark=7).status_code for _ in range(3)] == [200] * 3
    assert metric(url, 'dashboard_cache_errors_total{operation="get"}') >= 3
    valkey.start()
    assert summary(url, benchmark=7).status_code == 200
    assert valkey.client.exists("benchmark:7", "summary:s-1") == 2


def test_a_full_cache_keeps_nothing_new_and_nobody_can_sign_in(filled, parts, valkey, providers):
    names = parts.names(pg_c=filled.port, cache=valkey.port, identity=providers[1])
    _, url = parts.dashboard(names)
    assert sign_in(url).status_code == 200
    valkey.limit("1mb")
    assert [summary(url, benchmark=7).status_code for _ in range(3)] == [200] * 3
    assert metric(url, 'dashboard_reports_total{kind="live"}') == 3  # each one computed
    assert sign_in(url).status_code == 503
    valkey.limit("16mb")
    assert sign_in(url).status_code == 200


def test_reports_that_hang_take_no_connection_of_others(filled, parts, wait_for):
    _, url = parts.dashboard(parts.names(pg_c=filled.port))
    with psycopg.connect(host="127.0.0.1", port=filled.port, user="postgres", dbname="survey") as other:
        other.execute("LOCK TABLE responses")
        with ThreadPoolExecutor(10) as pool:
            waiting = [pool.submit(summary, url) for _ in range(10)]
            locked = "SELECT count(*) >= 2 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            wait_for("reports hang", lambda: filled.execute(locked) == [(True,)])
            time.sleep(0.2)  # so that they would hold more, if they could
            topics = requests.get(f"{url}/dashboard/topics/2", timeout=ANSWER_S)
            assert topics.json() == {"id": "2", "topics": ["food", "pay"]}
            assert topics.elapsed.total_seconds() < 0.9  # it did not wait until they give up
            assert {one.result().status_code for one in waiting} == {503}
    assert summary(url).status_code == 200


@pytest.mark.parametrize(("coalesce", "computed"), [(True, 1), (False, 2)])
def test_requests_for_the_same_share_a_report_when_told_to(filled, parts, coalesce, computed):
    """Without a cache; two connections, so two can be at it at once."""
    _, url = parts.dashboard(parts.names(pg_c=filled.port), coalesce=coalesce)
    with psycopg.connect(host="127.0.0.1", port=filled.port, user="postgres", dbname="survey") as other:
        other.execute("LOCK TABLE responses")
        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(summary, url) for _ in range(2)]
            time.sleep(0.3)
            other.rollback()
            assert [one.result().status_code for one in waiting] == [200, 200]
    assert metric(url, 'dashboard_reports_total{kind="live"}') == computed


def test_one_request_computes_what_many_ask_for_at_once(filled, parts, valkey):
    _, url = parts.dashboard(parts.names(pg_c=filled.port, cache=valkey.port))
    with psycopg.connect(host="127.0.0.1", port=filled.port, user="postgres", dbname="survey") as other:
        other.execute("LOCK TABLE responses")
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(summary, url) for _ in range(4)]
            time.sleep(0.3)
            other.rollback()
            assert [one.result().status_code for one in waiting] == [200] * 4
    assert metric(url, 'dashboard_reports_total{kind="live"}') == 1


def test_what_insight_has_seen_of_a_survey(filled, parts):
    _, url = parts.dashboard(parts.names(pg_c=filled.port))
    filled.execute(
        "INSERT INTO analyses (response_id, survey, topics) VALUES ('seen', 'mine', '{food}')", "survey"
    )
    got = requests.get(f"{url}/dashboard/analyses?survey=mine", timeout=ANSWER_S)
    assert got.json() == {"analyses": [{"id": "seen", "topics": ["food"]}]}
    assert requests.get(f"{url}/dashboard/analyses?survey=nobody", timeout=ANSWER_S).json() == {
        "analyses": []
    }
    assert requests.get(f"{url}/dashboard/analyses", timeout=ANSWER_S).status_code == 400


def test_what_became_of_a_response(filled, parts):
    _, url = parts.dashboard(parts.names(pg_c=filled.port))

    def get(path):
        return requests.get(f"{url}/dashboard/{path}", timeout=ANSWER_S)

    assert get("topics/2").json()["topics"] == ["food", "pay"]
    assert (get("topics/3").status_code, get("topics/a%00b").status_code) == (404, 404)
    filled.execute("INSERT INTO outbox (response_id, mailed_at) VALUES ('1', now()), ('2', NULL)", "survey")
    assert get("mail/1").json()["sent_at"]
    assert (get("mail/2").status_code, get("mail/3").status_code) == (404, 404)


def test_an_export_is_what_can_be_read_back(filled, parts, cloud):
    names = {"pg_c": filled.port}
    _, url = parts.dashboard(parts.names(**names))

    def export(survey="s-1"):
        return requests.post(f"{url}/dashboard/exports", json={"survey": survey}, timeout=ANSWER_S)

    done = export()
    assert done.status_code == 201
    assert (done.json()["responses"], done.json()["newest"]) == (3, {"id": "2"})
    rows = [json.loads(line) for line in cloud.text(done.json()["key"]).splitlines()]
    assert [row["text"] for row in rows] == ["no score", "古い", "新しい"]
    assert export("nothing ?ü").json()["newest"] is None
    cloud.policy("Deny")
    assert export().status_code == 503
    cloud.policy()
    assert export().status_code == 201
    parts.names(**names, storage=NOWHERE)
    assert export().status_code == 503
    assert summary(url).status_code == 200


def sign_in(url, user="analyst", password="right"):
    body = {"user": user, "password": password}
    return requests.post(f"{url}/dashboard/sign-in", json=body, timeout=ANSWER_S)


def test_signs_in_with_the_identity_provider(parts, valkey, providers, wait_for, answers):
    names = {"pg_c": 1, "cache": valkey.port}
    part, url = parts.dashboard(parts.names(**names, identity=providers[1]))
    session = sign_in(url).json()["session"]
    assert json.loads(valkey.client.get(f"session:{session}"))["user"] == "analyst"
    assert [sign_in(url, password="wrong").status_code, sign_in(url, "nobody").status_code] == [401, 401]
    assert sign_in(url).status_code == 200
    assert len(part.events("keys-fetched")) == 1
    providers[0].stop()
    assert sign_in(url).status_code == 503
    providers[0].start()  # with a new key
    wait_for("the provider is back", lambda: answers(f"http://{providers[1]}/healthz"))
    assert sign_in(url).status_code == 200
    assert len(part.events("keys-fetched")) == 2
    valkey.stop()
    assert sign_in(url).status_code == 503


def test_a_token_of_somebody_else_is_not_trusted(parts, valkey, free_port, wait_for, answers):
    """The right key, another issuer: a mix-up of providers."""
    where = f"127.0.0.1:{free_port()}"
    identity = {
        "client_id": "dashboard",
        "issuer": "https://elsewhere.example",
        "accounts": {"analyst": "right"},
    }
    config = {"listen": where, "identity": identity}
    part = parts.start("providers", config)
    wait_for("the other provider is up", lambda: answers(f"http://{where}/healthz"))
    _, url = parts.dashboard(parts.names(pg_c=1, cache=valkey.port, identity=where))
    assert sign_in(url).status_code == 503
    assert valkey.client.keys("session:*") == []
    assert part.process.poll() is None
