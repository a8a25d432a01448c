"""How many messages wait in a queue of SQS, and how many are with a worker.

queue_visible {queue}, queue_in_flight {queue}
"""

from __future__ import annotations

import json
from typing import ClassVar
from urllib.parse import urlsplit

import aiohttp

from chaos_lab.services import signing
from chaos_lab.services.alerting.probers.prober import Found, NoAnswer, Prober, series
from chaos_lab.services.process import Config

_COUNTS = {
    "queue_visible": "ApproximateNumberOfMessages",
    "queue_in_flight": "ApproximateNumberOfMessagesNotVisible",
}


class Queue:
    """One queue, by its URL, which also says where SQS is."""

    every: ClassVar[int] = 2

    def __init__(self, url: str, signer: signing.Signer) -> None:
        self._url, self._signer = url, signer
        split = urlsplit(url)
        self._service = f"{split.scheme}://{split.netloc}/"
        self._queue = split.path.rpartition("/")[2]
        self.name = f"queue {self._queue}"

    async def look(self) -> Found:
        body = json.dumps({"QueueUrl": self._url, "AttributeNames": list(_COUNTS.values())}).encode()
        headers = self._signer.headers(
            "POST",
            self._service,
            body,
            {
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": "AmazonSQS.GetQueueAttributes",
            },
        )
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(self._service, data=body, headers=headers) as response,
            ):
                text = await response.text()
                if response.status != 200:
                    raise NoAnswer(f"GetQueueAttributes answers {response.status} {text[:200]}")
            attributes = json.loads(text)["Attributes"]
            return {
                series(name, queue=self._queue): float(attributes[said]) for name, said in _COUNTS.items()
            }
        except (aiohttp.ClientError, KeyError, ValueError) as error:
            raise NoAnswer(str(error) or type(error).__name__) from None

    def failed(self) -> Found:
        return {}  # how many there are nobody knows


def of_config(config: Config) -> list[Prober]:
    aws = config.get("aws", {})
    signer = signing.of_config(aws, "sqs") if aws else None
    urls = (aws.get("queue_url"), aws.get("dead_letter_url"))
    return [Queue(str(url), signer) for url in urls if url and signer is not None]
