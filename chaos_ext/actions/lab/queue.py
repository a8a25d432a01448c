"""A message that its reader cannot read: it comes again and again, and nothing behind it gets through."""

import json
import subprocess
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import proven
from chaos_ext.actions.lab.cloud import client
from chaos_ext.language import t
from chaos_ext.safety import supervisor

__all__ = ["publish_malformed", "reader_crashes", "remove_malformed"]

_BEGINS = '{"id": "cut-off-'  # a producer that died while it wrote
_LATELY_S = 10.0  # the queue gives a message out again every few seconds
_VISIBLE_WITHIN_S = 20.0
_LOOK_EVERY_S = 0.1
_NEWEST = "SELECT survey FROM responses ORDER BY received_at DESC LIMIT 1"


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


def reader_crashes(part: str, configuration: Configuration = None) -> dict[str, Any]:
    """Whether the reader crashed on a message within the last 10 s, as its own log says. Changes nothing.

    - `part`: the lab's name of the reader: insight

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
    return {
        "holds": ago_s <= _LATELY_S,
        "crashes": len(events),
        "message": events[-1].get("message"),
        "seconds_ago": round(ago_s, 1),
    }


def remove_malformed(part: str, configuration: Configuration = None) -> dict[str, Any]:
    """Take messages that are no JSON off the queue, while its reader is stopped. Harmless when repeated.

    - `part`: the lab's name of the reader: insight

    Waits up to 20 s until the queue gives them out. Returns ``{"outcome": "undone" | "superseded", "why"}``;
    superseded: none is there any more. Raises ActivityFailed when the queue or the orchestrator does not answer; then
    the reader runs again all the same.

    YAML::

        type: action
        name: remove-malformed
        provider:
          type: python
          module: chaos_ext.actions.lab.queue
          func: remove_malformed
          arguments: {part: insight}
    """
    if not reader_crashes(part, configuration)["holds"]:
        return {
            "outcome": "superseded",
            "why": t("nothing has stopped the reader for {seconds} s", seconds=_LATELY_S),
        }
    socket = Path(proven.facts(configuration)["supervisor"]["socket"])
    _tell(socket, "supervisor.stopProcess", part, but=70)  # 70: does not run
    try:
        removed = _take_out(configuration)
    finally:
        _tell(socket, "supervisor.startProcess", part, wait=False, but=60)  # 60: runs already
    if not removed:
        return {"outcome": "superseded", "why": t("no malformed message is in the queue any more")}
    return {"outcome": "undone", "why": t("{count} malformed messages removed", count=removed)}


def _take_out(configuration: Mapping[str, Any] | None) -> int:
    """How many were deleted; the others are given back at once. Ends when the head of the queue was looked at."""
    queue, removed = _queue(configuration), 0
    deadline = time.monotonic() + _VISIBLE_WITHIN_S
    with client("sqs", configuration) as sqs:
        while time.monotonic() < deadline:
            messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
            others = []
            for number, message in enumerate(messages):
                handle = message["ReceiptHandle"]
                if message["Body"].startswith(_BEGINS):
                    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
                    removed += 1
                else:
                    others.append({"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0})
            if others:
                sqs.change_message_visibility_batch(QueueUrl=queue, Entries=others)
            if messages or not _waits(sqs, queue):
                return removed
            time.sleep(_LOOK_EVERY_S)
    raise ActivityFailed(
        t("queue: got messages in flight for {seconds} s, expected them back", seconds=_VISIBLE_WITHIN_S)
    )


def _waits(sqs: Any, queue: str) -> bool:
    """Whether messages are in the queue, be they visible or in flight."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    said = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)
    return any(int(value) for value in said["Attributes"].values())


def _tell(socket: Path, method: str, part: str, *, wait: bool = True, but: int) -> None:
    try:
        supervisor.call(socket, method, part, wait, timeout_s=30.0)
    except supervisor.SupervisorError as error:
        if error.code != but:
            raise ActivityFailed(str(error)) from error


def _queue(configuration: Mapping[str, Any] | None) -> str:
    return str(proven.facts(configuration)["cloud"]["queue_url"])


def _newest_survey(node: str, configuration: Mapping[str, Any] | None) -> str:
    facts = proven.facts(configuration)
    command = [str(Path(facts["bin"]) / "psql"), f"service={node}", "-XAtqc", _NEWEST]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ActivityFailed(str(error)) from error
    survey = done.stdout.strip()
    if done.returncode != 0 or not survey:
        said = " ".join(done.stderr.split())
        raise ActivityFailed(
            t("{node}: got no survey that people are answering: {said}", node=node, said=said)
        )
    return survey


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
