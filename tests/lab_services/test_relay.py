"""What an intake hands on: to the queue and to the mail service, whatever happens to those."""

from __future__ import annotations

import json
import time

import psycopg
import pytest
import requests

ANSWER_S = 5
NOWHERE = "127.0.0.1:1"


def submit(url, id, survey="s-1"):
    body = {"id": id, "survey": survey, "text": "会議が多すぎます。", "score": 4}
    return requests.post(f"{url}/responses", json=body, timeout=ANSWER_S).status_code


@pytest.fixture
def outbox(postgresql, wait_for):
    """Waits until so many responses are handed on and mailed."""

    def wait(handed_on, mailed):
        query = "SELECT count(handed_on_at), count(mailed_at) FROM outbox"
        wait_for(
            f"{handed_on} handed on and {mailed} mailed",
            lambda: postgresql.execute(query, "survey") == [(handed_on, mailed)],
        )

    return wait


def sent_mails(providers):
    return requests.get(f"http://{providers[1]}/mail/messages", timeout=ANSWER_S).json()["accepted"]


def test_hands_on_what_is_stored_in_order(postgresql, parts, providers, cloud, outbox):
    _, url = parts.intake(parts.names(pg_a=postgresql.port, mail=providers[1]))
    ids = [f"r {number} ü" if number == 3 else f"r-{number}" for number in range(12)]
    assert [submit(url, id) for id in ids] == [201] * 12
    outbox(12, 12)
    received = []
    while messages := cloud.sqs.receive_message(QueueUrl=cloud.queue, MaxNumberOfMessages=10).get("Messages"):
        received += [json.loads(message["Body"]) for message in messages]
        entries = [
            {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)
        ]
        cloud.sqs.delete_message_batch(QueueUrl=cloud.queue, Entries=entries)
    assert [message["id"] for message in received] == ids
    assert set(received[0]) == {"id", "survey", "text", "received_at"}
    assert received[0]["text"] == "会議が多すぎます。"
    assert sent_mails(providers) == 12
    text = requests.get(f"{url}/metrics", timeout=ANSWER_S).text
    assert 'intake_handed_on_total{to="queue"} 12' in text


def test_a_queue_that_is_away_gets_each_response_once_when_it_is_back(
    postgresql, parts, providers, cloud, outbox, wait_for
):
    names = {"pg_a": postgresql.port, "mail": providers[1]}
    part, url = parts.intake(parts.names(**names, queue=NOWHERE))
    assert [submit(url, f"r-{number}") for number in range(15)] == [201] * 15
    outbox(0, 15)  # mail goes its own way
    wait_for(
        "it is counted",
        lambda: 'intake_outbox_waiting{to="queue"} 15' in requests.get(f"{url}/metrics", timeout=5).text,
    )
    [told] = part.events("cannot-hand-on")  # once, not at each attempt
    assert told["to"] == "queue"
    parts.names(**names)
    outbox(15, 15)
    assert cloud.counts(cloud.queue) == (15, 0)


def test_a_mail_service_that_is_away_delays_mails_only(postgresql, parts, providers, cloud, outbox, wait_for):
    part, url = parts.intake(parts.names(pg_a=postgresql.port))
    assert [submit(url, f"r-{number}") for number in range(3)] == [201] * 3
    outbox(3, 0)
    (failure, *_) = wait_for("it tried to mail", lambda: part.events("cannot-hand-on"))
    assert failure["to"] == "mail"
    parts.names(pg_a=postgresql.port, mail=providers[1])
    outbox(3, 3)
    assert sent_mails(providers) == 3


def test_another_replica_hands_on_what_a_dead_one_left(postgresql, parts, cloud, outbox):
    names = parts.names(pg_a=postgresql.port, queue=NOWHERE)
    one, url = parts.intake(names)
    parts.intake(names, 2)
    assert submit(url, "left") == 201
    one.process.kill()
    parts.names(pg_a=postgresql.port)
    outbox(1, 0)
    assert cloud.counts(cloud.queue) == (1, 0)


def test_one_replica_at_a_time(postgresql, parts, cloud, outbox):
    _, url = parts.intake(parts.names(pg_a=postgresql.port))
    with psycopg.connect(host="127.0.0.1", port=postgresql.port, user="postgres", dbname="survey") as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtext('outbox.handed_on_at'))")
        assert submit(url, "waits") == 201
        time.sleep(1.5)  # nothing to wait for: it must not happen
        assert cloud.counts(cloud.queue) == (0, 0)
    outbox(1, 0)
