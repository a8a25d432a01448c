"""The queue between intake and insight: SQS, first in first out within a survey."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chaos_lab.services.aws import Aws

BATCH = 10  # SQS takes and gives no more at once


@dataclass(frozen=True)
class Message:
    """As it was received. `handle` is what it is deleted by; `receives` counts this time too."""

    id: str
    group: str
    body: str
    handle: str
    receives: int


@dataclass(frozen=True)
class Outgoing:
    """A message to send. The queue drops what it got with the same `id` in the last five minutes."""

    id: str
    group: str
    body: str


class Queue:
    """One queue. Every method raises Unavailable."""

    def __init__(self, aws: Aws, url: str) -> None:
        self._aws, self._url = aws, url

    async def send(self, messages: Sequence[Outgoing]) -> list[bool]:
        """Whether each of at most `BATCH` messages was taken."""
        entries = [
            {
                "Id": str(number),
                "MessageBody": message.body,
                "MessageGroupId": _token(message.group),
                "MessageDeduplicationId": _token(message.id),
            }
            for number, message in enumerate(messages)
        ]
        said = await self._call("SendMessageBatch", Entries=entries)
        taken = {entry["Id"] for entry in said.get("Successful", [])}
        return [str(number) in taken for number in range(len(messages))]

    async def receive(self, at_most: int = BATCH) -> list[Message]:
        """What there is now, in order; nobody else gets it until it is deleted or the queue's
        visibility timeout is over."""
        said = await self._call(
            "ReceiveMessage",
            MaxNumberOfMessages=at_most,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "MessageGroupId"],
        )
        return [
            Message(
                id=message["MessageId"],
                group=message["Attributes"].get("MessageGroupId", ""),
                body=message["Body"],
                handle=message["ReceiptHandle"],
                receives=int(message["Attributes"]["ApproximateReceiveCount"]),
            )
            for message in said.get("Messages", [])
        ]

    async def delete(self, messages: Sequence[Message]) -> None:
        """They are done. One that cannot be deleted any more comes again, which must do no harm."""
        entries = [
            {"Id": str(number), "ReceiptHandle": message.handle} for number, message in enumerate(messages)
        ]
        await self._call("DeleteMessageBatch", Entries=entries)

    async def _call(self, action: str, **body: object) -> dict[str, Any]:
        return await self._aws.json("queue", "sqs", f"AmazonSQS.{action}", {"QueueUrl": self._url, **body})


def _token(text: str) -> str:
    """What SQS accepts as a group or deduplication id: at most 128 characters of ASCII, no space."""
    plain = text.isascii() and text.isprintable() and " " not in text and len(text) <= 128
    return text if plain else hashlib.sha256(text.encode()).hexdigest()
