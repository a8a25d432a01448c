"""A message that its reader cannot read: it comes again and again, and nothing behind it gets through."""

import json
import math
import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import nodes, proven
from chaos_ext.actions.lab.cloud import client
from chaos_ext.language import t
from chaos_ext.safety import supervisor
from chaos_ext.safety.policy.needs import needs

__all__ = ["publish_malformed", "reader_crashes", "remove_malformed"]

_BEGINS = '{"id": "cut-off-'  # a producer that died while it wrote
_LATELY_S = 10.0  # the queue gives a message out again every few seconds
_DONE_WITHIN_S = 20.0
_EMPTY_WITHIN_S = 2.0  # a queue that is used is empty now and then
_READ_ON_S = 1.0  # what the reader gets to read what is before a message, or to crash on it
_HOLD_S = 10  # what was looked at is kept from being given out again
_LOOK_EVERY_S = 0.05
_IN_FLIGHT = ("ApproximateNumberOfMessagesNotVisible",)
_ALL = ("ApproximateNumberOfMessages", *_IN_FLIGHT)
_ARN = "arn:aws:sqs:{region}:{account}:responses.fifo"  # the lab's queue is always called that
_NEWEST = "SELECT survey FROM responses ORDER BY received_at DESC LIMIT 1"


@needs(aws={"sqs:SendMessage": _ARN})
def publish_malformed(node: str, configuration: Configuration = None) -> dict[str, Any]:
    """Publish a message that was cut off, into the group of the survey that people are answering now.

    - `node`: a PostgreSQL node, asked which survey that is

    Returns ``{"message", "group"}``. Raises ActivityFailed when nobody has answered a survey, or the queue refuses.
    Undone by: `remove_malformed`.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues.html (a group
    waits for the message at its head).

    YAML::

        type: action
        name: publish-malformed
        provider:
          type: python
          module: chaos_ext.actions.lab.queue
          func: publish_malformed
          arguments: {node: pg-a}
    """
    survey, unique = _newest_survey(node, configuration), uuid.uuid4().hex
    with client("sqs", configuration) as sqs:
        said = sqs.send_message(
            QueueUrl=_queue(configuration),
            MessageBody=f'{_BEGINS}{unique}", "survey": "{survey}", "te',
            MessageGroupId=survey,
            MessageDeduplicationId=unique,
        )
    return {"message": said["MessageId"], "group": survey}


@needs(aws={"sqs:GetQueueAttributes": _ARN})
def reader_crashes(part: str, configuration: Configuration = None) -> dict[str, Any]:
    """Whether the reader crashed on a message within the last 10 s, as its own log says, and messages wait.

    - `part`: the lab's name of the reader: insight

    While a message is in the way, the queue is never empty. Changes nothing.

    YAML::

        type: probe
        name: reader-crashes
        provider:
          type: python
          module: chaos_ext.actions.lab.queue
          func: reader_crashes
          arguments: {part: insight}
    """
    log = Path(proven.facts(configuration)["logs"]) / f"{part}.log"
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-500:]
    except OSError as error:
        raise ActivityFailed(str(error)) from error
    events = [event for event in map(_event, lines) if event.get("event") == "cannot-read"]
    if not events:
        return {"holds": False, "crashes": 0}
    ago_s = (datetime.now(UTC) - datetime.fromisoformat(events[-1]["at"])).total_seconds()
    with client("sqs", configuration) as sqs:
        waiting = _waits(sqs, _queue(configuration))
    return {
        "holds": ago_s <= _LATELY_S and waiting > 0,
        "crashes": len(events),
        "waiting": waiting,
        "message": events[-1].get("message"),
        "seconds_ago": round(ago_s, 1),
    }


@needs(
    aws={
        "sqs:ReceiveMessage": _ARN,
        "sqs:DeleteMessage": _ARN,
        "sqs:ChangeMessageVisibility": _ARN,
        "sqs:GetQueueAttributes": _ARN,
    }
)
def remove_malformed(part: str, configuration: Configuration = None) -> dict[str, Any]:
    """Take messages that are no JSON off the queue, while its reader is stopped. Harmless when repeated.

    - `part`: the lab's name of the reader: insight

    Returns ``{"outcome": "undone" | "superseded", "why"}``; superseded: none is there any more, because the queue is
    empty, or all in it was sent after this began. Looks for up to 20 s, as long as the queue does not give them out.
    Raises ActivityFailed when the queue or the orchestrator does not answer, or it cannot be known. However it ends,
    the reader runs, unless the orchestrator does not answer.

    YAML::

        type: action
        name: remove-malformed
        provider:
          type: python
          module: chaos_ext.actions.lab.queue
          func: remove_malformed
          arguments: {part: insight}
    """
    socket, queue = Path(proven.facts(configuration)["supervisor"]["socket"]), _queue(configuration)
    began_at, deadline = time.time(), time.monotonic() + _DONE_WITHIN_S
    removed = 0
    try:
        crashes = reader_crashes(part, configuration)["holds"]
        with client("sqs", configuration) as sqs:
            clean = not crashes and _gets_empty(sqs, queue, _EMPTY_WITHIN_S)
            while not clean and not removed:
                _tell(socket, "supervisor.stopProcess", part, but=70)  # 70: does not run
                removed, oldest_at = _look_through(sqs, queue, deadline)
                clean = oldest_at >= began_at
                if not clean and not removed:  # one may be behind what we saw: the reader gets there
                    _tell(socket, "supervisor.startProcess", part, wait=False, but=60)
                    clean = _gets_empty(sqs, queue, _READ_ON_S)
    finally:
        _tell(socket, "supervisor.startProcess", part, wait=False, but=60)  # 60: runs already
    if not removed:
        return {"outcome": "superseded", "why": t("no malformed message is in the queue any more")}
    return {"outcome": "undone", "why": t("{count} malformed messages removed", count=removed)}


def _gets_empty(sqs: Any, queue: str, within_s: float) -> bool:
    """Whether nothing at all is in the queue at one moment of the next seconds."""
    deadline = time.monotonic() + within_s
    while _waits(sqs, queue):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


def _look_through(sqs: Any, queue: str, deadline: float) -> tuple[int, float]:
    """Looks at what the queue gives out, until it gives out no more and nobody else has any of it.

    Returns how many malformed messages were deleted, and when the oldest of the others was sent (Unix time; infinity
    without any). Of each group that is up to ten of the oldest. The others are given back.
    """
    removed, others = 0, dict[str, Any]()
    try:
        while not removed:
            if time.monotonic() > deadline:
                raise ActivityFailed(
                    t(
                        "queue: got messages in flight for {seconds} s, expected them back",
                        seconds=_DONE_WITHIN_S,
                    )
                )
            with_others = _waits(sqs, queue, _IN_FLIGHT) - len(others)
            messages = sqs.receive_message(
                QueueUrl=queue,
                MaxNumberOfMessages=10,
                VisibilityTimeout=_HOLD_S,
                MessageSystemAttributeNames=["SentTimestamp"],
            ).get("Messages", [])
            for message in messages:
                if message["Body"].startswith(_BEGINS):
                    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                    removed += 1
                else:
                    others[message["MessageId"]] = message
            if not messages:
                # Before and after: one that came back, or was taken, in between was not there to be received.
                which = _IN_FLIGHT if others else _ALL
                if with_others <= 0 and _waits(sqs, queue, which) <= len(others):
                    break
                time.sleep(_LOOK_EVERY_S)
    finally:
        _give_back(sqs, queue, [message["ReceiptHandle"] for message in others.values()])
    sent = (int(message["Attributes"]["SentTimestamp"]) / 1000 for message in others.values())
    return removed, min(sent, default=math.inf)


def _give_back(sqs: Any, queue: str, handles: list[str]) -> None:
    for start in range(0, len(handles), 10):
        entries = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
            for number, handle in enumerate(handles[start : start + 10])
        ]
        sqs.change_message_visibility_batch(QueueUrl=queue, Entries=entries)


def _waits(sqs: Any, queue: str, which: Iterable[str] = _ALL) -> int:
    """How many messages are in the queue, be they visible or in flight."""
    said = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=list(which))
    return sum(int(value) for value in said["Attributes"].values())


def _tell(socket: Path, method: str, part: str, *, wait: bool = True, but: int) -> None:
    try:
        supervisor.call(socket, method, part, wait, timeout_s=30.0)
    except supervisor.SupervisorError as error:
        if error.code != but:
            raise ActivityFailed(str(error)) from error


def _queue(configuration: Mapping[str, Any] | None) -> str:
    return str(proven.facts(configuration)["cloud"]["queue_url"])


def _newest_survey(node: str, configuration: Mapping[str, Any] | None) -> str:
    said: object = ""
    try:
        rows = nodes.ask(nodes.find(node, configuration), _NEWEST)
    except ActivityFailed as error:
        rows, said = [], error
    if not rows:
        raise ActivityFailed(
            t("{node}: got no survey that people are answering: {said}", node=node, said=said)
        )
    return rows[0][0]


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
