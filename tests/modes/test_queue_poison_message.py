"""A message that crashes its reader: the fault itself, the runbook's proof, the runbook with one mistake each."""

from __future__ import annotations

import uuid

import pytest
from chaoslib.exceptions import ActivityFailed
from modes import spoil

from chaos_ext.actions.lab import queue

MODE = "queue-poison-message"


@pytest.fixture
def removed(configuration):
    yield
    queue.remove_malformed("insight", configuration)


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


BAD = [
    pytest.param(spoil.verifying("echo fine"), {"verification-blind"}, id="verification-always-passes"),
    pytest.param(
        spoil.without("Step 4: Put that message aside"), {"step-failed", "not-recovered"}, id="step-removed"
    ),
    pytest.param(
        spoil.without("Step 5: Start the worker"), {"step-failed", "not-recovered"}, id="worker-stays-stopped"
    ),
    pytest.param(
        spoil.replaced('delete-message --queue-url "$QUEUE_URL"', 'delete-message --queue-url "$DEAD_LETTER_URL"'),
        {"step-failed", "not-recovered"},
        id="deletes-in-the-wrong-queue",
    ),
    pytest.param(
        spoil.replaced('if [ "$id" = "$POISON" ]; then', 'if [ "$id" = "${POISON%?}" ]; then'),
        {"step-failed", "not-recovered"},
        id="another-message",
    ),
    pytest.param(spoil.block("start-worker", before="sleep 25"), {"too-slow"}, id="too-slow"),
]  # fmt: skip


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
