from __future__ import annotations

import requests

ANSWER_S = 5


def summary(url, survey="s-1"):
    return requests.get(f"{url}/dashboard/summary", params={"survey": survey}, timeout=ANSWER_S)


def test_sums_up_one_survey_from_the_replica(postgresql, parts):
    # It knows pg-c only; the primary's address leads nowhere.
    _, url = parts.dashboard(parts.names(pg_a=1, pg_c=postgresql.port))
    postgresql.execute(
        """INSERT INTO responses VALUES
        ('1', 's-1', '古い', 2, '2025-01-01Z'), ('2', 's-1', '新しい', 4, '2025-01-02Z'),
        ('3', 's-1', 'no score', NULL, '2024-01-01Z'), ('4', 's-2', 'other', 1, now())""",
        "survey",
    )
    found = summary(url).json()
    assert (found["survey"], found["responses"], found["average_score"]) == ("s-1", 3, 3.0)
    assert (found["newest"]["id"], found["newest"]["text"]) == ("2", "新しい")
    empty = summary(url, "nothing").json()
    assert (empty["responses"], empty["average_score"], empty["newest"]) == (0, None, None)


def test_without_its_replica_it_answers_503_and_stays_healthy(postgresql, parts):
    _, url = parts.dashboard(parts.names(pg_c=postgresql.port))
    assert requests.get(f"{url}/readyz", timeout=ANSWER_S).status_code == 200
    postgresql.stop()
    assert summary(url).status_code == 503
    assert requests.get(f"{url}/readyz", timeout=ANSWER_S).status_code == 503
    assert requests.get(f"{url}/healthz", timeout=ANSWER_S).status_code == 200
    postgresql.start()
    assert summary(url).status_code == 200
    text = requests.get(f"{url}/metrics", timeout=ANSWER_S).text
    assert 'dashboard_requests_total{code="503",path="/dashboard/summary"} 1' in text


def test_a_replica_that_hangs_is_answered_503(postgresql, parts):
    _, url = parts.dashboard(parts.names(pg_c=postgresql.port))
    assert summary(url).status_code == 200
    with postgresql.frozen():
        assert summary(url).status_code == 503
    assert summary(url).status_code == 200


def test_asks_for_the_survey(parts):
    _, url = parts.dashboard(parts.names(pg_c=1))
    response = requests.get(f"{url}/dashboard/summary", timeout=ANSWER_S)
    assert response.status_code == 400
    assert "?survey=" in response.json()["error"]
