"""Insight before a real queue, storage and database: every response analysed once, whatever happens."""

from __future__ import annotations

import json
import time

import pytest
import requests

from chaos_lab import cloud_names

ANSWER_S = 10
NOWHERE = "127.0.0.1:1"
ANALYSED = "SELECT response_id, topics FROM analyses ORDER BY response_id"


def message(id, text="My manager listens.", survey="s-1"):
    return json.dumps({"id": id, "survey": survey, "text": text, "received_at": "2026-01-01"})


def metric(url, series):
    for line in requests.get(f"{url}/metrics", timeout=ANSWER_S).text.splitlines():
        if line.startswith(f"{series} "):
            return float(line.rpartition(" ")[2])
    return 0.0


@pytest.fixture
def analysed(postgresql, wait_for):
    """Waits until exactly these responses are analysed."""

    def wait(*ids, within_s=20.0):
        def found():
            return [row[0] for row in postgresql.execute(ANALYSED, "survey")] == sorted(ids)

        wait_for(f"{ids} are analysed", found, within_s)

    return wait


def test_stores_what_it_finds_and_exports_it(postgresql, parts, cloud, analysed, wait_for):
    part, url = parts.insight(parts.names(pg_a=postgresql.port))
    cloud.send(message("r-1", "会議が多すぎます。"))
    cloud.send(message("r-2", "Lunch, and my manager."))
    cloud.send(message("other", "nothing", survey="s 2/ü"), group="s-2")
    analysed("r-1", "r-2", "other")
    assert dict(postgresql.execute(ANALYSED, "survey")) == {
        "r-1": ["meetings"],
        "r-2": ["food", "management"],
        "other": [],
    }
    wait_for("the queue is empty", lambda: cloud.counts(cloud.queue) == (0, 0))
    query = "SELECT DISTINCT status FROM exports WHERE responses > 0"
    wait_for("all is exported", lambda: postgresql.execute(query, "survey") == [("done",)])
    rows = [json.loads(line) for text in cloud.objects("batches/").values() for line in text.splitlines()]
    assert sorted((row["id"], row["survey"]) for row in rows) == [
        ("other", "s 2/ü"),
        ("r-1", "s-1"),
        ("r-2", "s-1"),
    ]
    assert metric(url, "insight_analysed_total") == 3
    assert part.stop() == 0


def test_a_message_that_comes_again_changes_nothing(postgresql, parts, cloud, analysed, wait_for):
    _, url = parts.insight(parts.names(pg_a=postgresql.port))
    cloud.send(message("r-1", "Lunch."))
    analysed("r-1")
    cloud.send(message("r-1", "My manager."))
    wait_for("it has come", lambda: metric(url, "insight_repeated_total") == 1)
    assert postgresql.execute(ANALYSED, "survey") == [("r-1", ["food"])]
    wait_for("the queue is empty", lambda: cloud.counts(cloud.queue) == (0, 0))


def test_a_malformed_message_stops_its_survey_until_it_is_put_aside(
    postgresql, parts, cloud, analysed, wait_for
):
    redrive = {"deadLetterTargetArn": cloud_names.queue_arn(cloud_names.DEAD_LETTER_QUEUE)}
    redrive["maxReceiveCount"] = 3
    cloud.sqs.set_queue_attributes(
        QueueUrl=cloud.queue,
        Attributes={"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(redrive)},
    )
    part, _ = parts.insight(parts.names(pg_a=postgresql.port))
    cloud.send(message("before"))
    analysed("before")
    part.stop()
    cloud.send('{"id": "cut o')
    for number in range(5):
        cloud.send(message(f"behind-{number}"))
    for crash in (1, 2, 3):
        part.start()  # as the orchestrator does
        assert part.process.wait(20) == 1
        [*_, last] = part.events("cannot-read")
        assert (last["group"], last["receives"]) == ("s-1", crash)
        analysed("before")  # nothing behind it
    part.start()
    analysed("before", *(f"behind-{number}" for number in range(5)))
    assert cloud.counts(cloud.dead_letters) == (1, 0)
    wait_for("the queue is empty", lambda: cloud.counts(cloud.queue) == (0, 0))
    assert part.process.poll() is None
    assert "JSONDecodeError" in part.events("crashed")[0]["error"]


def test_a_database_that_is_away_makes_nobody_receive_again(postgresql, parts, cloud, analysed, wait_for):
    cloud.sqs.set_queue_attributes(QueueUrl=cloud.queue, Attributes={"VisibilityTimeout": "1"})
    part, url = parts.insight(parts.names(pg_a=postgresql.port))
    postgresql.stop()
    cloud.send(message("r-1"))
    wait_for("it is held", lambda: part.events("cannot-store"))
    time.sleep(2.5)  # twice as long as the queue waits for whoever has a message
    assert requests.get(f"{url}/exports", timeout=ANSWER_S).status_code == 503
    postgresql.start()
    analysed("r-1")
    wait_for("the queue is empty", lambda: cloud.counts(cloud.queue) == (0, 0))
    assert metric(url, "insight_received_total") == 1
    assert cloud.counts(cloud.dead_letters) == (0, 0)


def test_what_cannot_be_stored_is_let_go_of_at_the_end(postgresql, parts, cloud, analysed, wait_for):
    cloud.sqs.set_queue_attributes(QueueUrl=cloud.queue, Attributes={"VisibilityTimeout": "1"})
    part, _ = parts.insight(parts.names(pg_a=postgresql.port))
    postgresql.stop()
    cloud.send(message("r-1"))
    wait_for("it is held", lambda: part.events("cannot-store"))
    assert part.stop() == 0
    postgresql.start()
    part.start()
    analysed("r-1")


def test_a_queue_that_is_away_is_waited_for(postgresql, parts, cloud, analysed, wait_for):
    part, _ = parts.insight(parts.names(pg_a=postgresql.port, queue=NOWHERE))
    wait_for("it says so", lambda: part.events("cannot-receive"))
    cloud.send(message("r-1"))
    parts.names(pg_a=postgresql.port)
    analysed("r-1")


def test_what_the_storage_refused_is_replayed_once(postgresql, parts, cloud, analysed, wait_for):
    part, url = parts.insight(parts.names(pg_a=postgresql.port))
    cloud.policy("Deny")
    cloud.send(message("r-1"))
    wait_for("the batch is given up", lambda: metric(url, "insight_exports_failed") == 1)
    [batch] = requests.get(f"{url}/exports?status=failed", timeout=ANSWER_S).json()["exports"]
    assert (batch["survey"], batch["responses"], batch["attempts"]) == ("s-1", 1, 3)
    assert "403" in part.events("export-failed")[0]["why"]
    cloud.send(message("r-2"))
    analysed("r-1", "r-2")  # topics go on

    def replay(ids):
        return requests.post(f"{url}/exports/replay", json={"ids": ids}, timeout=ANSWER_S).json()

    assert replay([batch["id"]]) == {"replayed": [], "failed": [batch["id"]]}
    cloud.policy()
    assert replay([batch["id"], 4711]) == {"replayed": [batch["id"]], "failed": []}
    assert replay([batch["id"]]) == {"replayed": [], "failed": []}
    replay(None)
    wait_for("the other is done, too", lambda: len(cloud.objects("batches/")) == 2)
    versions = cloud.s3.list_object_versions(Bucket=cloud_names.BUCKET, Prefix="batches/")["Versions"]
    assert len(versions) == 2  # nothing was put twice
    wait_for("it is counted", lambda: metric(url, "insight_exports_failed") == 0)


def test_what_cannot_be_replayed_is_refused(postgresql, parts):
    _, url = parts.insight(parts.names(pg_a=postgresql.port))
    for body in (b"[]", b"{", b'{"ids": "1"}', b'{"ids": [true]}'):
        response = requests.post(f"{url}/exports/replay", data=body, timeout=ANSWER_S)
        assert response.status_code == 400, body
    assert requests.get(f"{url}/nothing", timeout=ANSWER_S).status_code == 404
    assert requests.get(f"{url}/readyz", timeout=ANSWER_S).json()["database"] == "pg-a"
