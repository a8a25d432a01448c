"""A message that crashes its reader: the fault itself, the runbook's proof, the runbook with one mistake each."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from chaoslib.exceptions import ActivityFailed
from modes import spoil

from chaos_ext import environments
from chaos_ext.actions.lab import cloud, queue
from chaos_ext.safety import supervisor
from chaos_lab import cloud_names

MODE = "queue-poison-message"


@pytest.fixture
def removed(configuration):
    yield
    queue.remove_malformed("insight", configuration)


@pytest.fixture
def sqs(configuration):
    with cloud.client("sqs", configuration) as client:
        yield client


@pytest.fixture
def stopped(running_lab, removed):
    """The reader does not run, as after the runbook was killed behind Step 3; afterwards it does."""
    supervisor.call(
        Path(running_lab["supervisor"]["socket"]), "supervisor.stopProcess", "insight", timeout_s=20
    )


def runs(running_lab):
    socket = Path(running_lab["supervisor"]["socket"])
    info = supervisor.call(socket, "supervisor.getProcessInfo", "insight", timeout_s=5)
    return info["statename"] in ("STARTING", "RUNNING")


def send(sqs, running_lab, body, group, **more):
    said = sqs.send_message(
        QueueUrl=running_lab["cloud"]["queue_url"],
        MessageBody=body,
        MessageGroupId=group,
        MessageDeduplicationId=uuid.uuid4().hex,
        **more,
    )
    return said["MessageId"]


def taken(sqs, url):
    """What can be received, deleted at once."""
    found = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["MessageGroupId"],
    ).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def topics_of(user, id):
    return user(f"/dashboard/topics/{id}")[0]


def test_before_during_and_after(configuration, user, until, removed):
    survey = f"poison-{uuid.uuid4().hex[:8]}"

    def submit():
        id = uuid.uuid4().hex
        assert user("/responses", {"id": id, "survey": survey, "text": "Lunch.", "score": 4})[0] == 201
        return id

    before = submit()
    until(lambda: topics_of(user, before) == 200, "topics to appear")
    assert not queue.reader_crashes("insight", configuration)["holds"]

    said = queue.publish_malformed("pg-a", configuration)

    assert said["group"] == survey
    seen = until(
        lambda: (now := queue.reader_crashes("insight", configuration))["holds"] and now, "the first crash"
    )
    assert seen["message"] == said["message"]
    during = submit()
    until(
        lambda: queue.reader_crashes("insight", configuration)["crashes"] > seen["crashes"], "another crash"
    )
    assert topics_of(user, during) == 404, "it waits behind that message"

    assert queue.remove_malformed("insight", configuration)["outcome"] == "undone"
    until(lambda: topics_of(user, during) == 200, "topics to appear again")
    assert queue.remove_malformed("insight", configuration)["outcome"] == "superseded"
    assert topics_of(user, submit()) in (200, 404)


def test_nobody_answers_where_it_asks(configuration):
    with pytest.raises(ActivityFailed, match="got no survey that people are answering"):
        queue.publish_malformed("pg-x", configuration)


def test_undo_waits_for_a_message_that_somebody_has(configuration, running_lab, submit, sqs, until, stopped):
    """The runbook was killed with the message in hand: another survey's can be had, and no crash is near."""
    url = running_lab["cloud"]["queue_url"]
    assert submit("first", f"poison-{uuid.uuid4().hex[:8]}") == 201
    until(lambda: taken(sqs, url), "the outbox to be handed on")
    queue.publish_malformed("pg-a", configuration)
    [held] = sqs.receive_message(QueueUrl=url, VisibilityTimeout=2)["Messages"]
    assert held["Body"].startswith('{"id": "cut-off-')
    assert submit("of others", "others") == 201
    visible = ["ApproximateNumberOfMessages"]
    until(
        lambda: (
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=visible)["Attributes"][visible[0]] != "0"
        ),
        "another message to wait",
    )

    assert queue.remove_malformed("insight", configuration)["outcome"] == "undone"

    assert runs(running_lab)


def test_undo_finds_a_message_behind_many_others(configuration, running_lab, user, until, stopped):
    survey = f"poison-{uuid.uuid4().hex[:8]}"
    ids = [uuid.uuid4().hex for _ in range(15)]
    for id in ids:
        assert user("/responses", {"id": id, "survey": survey, "text": "Lunch.", "score": 4})[0] == 201
    with cloud.client("sqs", configuration) as sqs:
        until(
            lambda: queue._waits(sqs, running_lab["cloud"]["queue_url"]) == 15, "the outbox to be handed on"
        )
    queue.publish_malformed("pg-a", configuration)

    assert queue.remove_malformed("insight", configuration)["outcome"] == "undone"

    assert runs(running_lab)
    until(lambda: all(topics_of(user, id) == 200 for id in ids), "all topics")


def test_undo_starts_the_reader_when_there_is_nothing_else_to_do(configuration, running_lab, stopped):
    assert queue.remove_malformed("insight", configuration)["outcome"] == "superseded"
    assert runs(running_lab)


def crash(message, seconds_ago):
    at = (datetime.now(UTC) - timedelta(seconds=seconds_ago)).isoformat(timespec="milliseconds")
    at = at.replace("+00:00", "Z")
    return (
        f'{{"at": "{at}", "level": "error", "part": "insight", "event": "cannot-read", "message": "{message}",'
        ' "group": "s", "receives": 1}\n'
    )


@pytest.mark.parametrize(
    ("crashes", "cause"),
    [
        pytest.param([("old", 3600), ("old", 3590), ("new", 5)], "no repeated crash", id="long-ago-or-once"),
        pytest.param([("a", 3600), ("b", 8), ("a", 6), ("b", 4)], "a message", id="twice-lately"),
    ],
)
def test_the_runbook_believes_repeated_crashes_of_the_last_minute(tmp_path, follow, crashes, cause):
    (tmp_path / "insight.log").write_text("".join(crash(*each) for each in crashes))
    seen = follow(MODE, "crashes", "CAUSE", LAB_LOGS=str(tmp_path), CRASHES_WITHIN_S="1")
    assert seen.exit == 0
    assert seen.variables["CAUSE"].startswith(cause)
    if cause == "a message":
        assert (seen.variables["POISON"], seen.variables["CRASHES"]) == ("b", "2")


BODY = "file:///etc/hostname\n\t'x' \"y\" \\ $HOME 会議\n"


def test_the_runbook_puts_aside_what_came_and_can_be_run_again(running_lab, follow, sqs, stopped):
    url, aside = running_lab["cloud"]["queue_url"], running_lab["cloud"]["dead_letter_url"]
    given = {"sender": {"DataType": "String", "StringValue": "importer\n2"}}
    poison = send(sqs, running_lab, BODY, "poison group", MessageAttributes=given)
    try:
        done = follow(MODE, "set-aside", POISON=poison)
        assert done.exit == 0, done.out
        assert queue._waits(sqs, url) == 0
        again = follow(MODE, "set-aside", POISON=poison, TRIES="2")
        assert again.exit == 0, again.out
        assert not runs(running_lab), "the next step starts it"
    finally:
        kept = taken(sqs, aside)
    assert [(m["Body"], m["Attributes"]["MessageGroupId"], m["MessageAttributes"]) for m in kept] == [
        (BODY, "poison group", given)
    ]


def test_the_runbook_starts_the_worker_when_it_finds_nothing(running_lab, follow, stopped):
    done = follow(MODE, "set-aside", POISON="of-nobody", TRIES="2")
    assert done.exit == 1, done.out
    assert runs(running_lab)


def test_the_queue_does_not_heal_itself_while_it_is_watched():
    place = environments.load("lab", Path(__file__).resolve().parents[2])
    assert place.limits.longest_fault < cloud_names.MAX_RECEIVES * cloud_names.VISIBILITY_S


BAD = [
    spoil.mistake("verification-blind", "always-passes", spoil.verifying("echo fine"), "verification-blind"),
    spoil.mistake(
        "missing",
        "putting-it-aside",
        spoil.without("Step 4: Put that message aside"),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "missing",
        "starting-the-worker",
        spoil.without("Step 5: Start the worker"),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "swapped",
        "starts-and-then-stops-the-worker",
        spoil.exchanged("stop-worker", "start-worker"),
        "step-failed",
        "not-recovered",
    ),
    # To put it aside twice does nothing: the second time it is found there. To stop the worker once more is what hurts.
    spoil.mistake(
        "doubled",
        "stops-the-worker-once-more",
        spoil.block("start-worker", after='supervisorctl stop "$WORKER"'),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "wrong-target",
        "deletes-in-the-dead-letter-queue",
        spoil.replaced('delete-message --queue-url "$QUEUE_URL"', 'delete-message --queue-url "$DEAD_LETTER_URL"'),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "wrong-target",
        "another-message",
        spoil.replaced('if [ "$id" = "$POISON" ]; then', 'if [ "$id" = "${POISON%?}" ]; then'),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake("too-slow", "starting", spoil.block("start-worker", before="sleep 25"), "too-slow"),
]  # fmt: skip


test_the_runbook_is_proven = spoil.proven(MODE)
test_a_bad_runbook_is_not_verified = spoil.not_verified(MODE, BAD)
test_a_fault_that_does_nothing_proves_nothing = spoil.proving_nothing(MODE)
