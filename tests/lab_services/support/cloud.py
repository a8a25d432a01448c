"""The lab's cloud as AWS' own client sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from chaos_lab import cloud_names


@dataclass
class Cloud:
    """The lab's cloud as AWS' own client sees it."""

    address: str
    sqs: Any
    s3: Any
    queue: str
    dead_letters: str

    def send(self, body: str, group: str = "s-1") -> None:
        self.sqs.send_message(
            QueueUrl=self.queue, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body[:100]
        )

    def counts(self, queue: str) -> tuple[int, int]:
        """Messages that can be received, and messages in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        said = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return int(said[names[0]]), int(said[names[1]])

    def objects(self, prefix: str = "") -> dict[str, str]:
        listed = self.s3.list_objects_v2(Bucket=cloud_names.BUCKET, Prefix=prefix).get("Contents", [])
        return {one["Key"]: self.text(one["Key"]) for one in listed}

    def text(self, key: str) -> str:
        return str(self.s3.get_object(Bucket=cloud_names.BUCKET, Key=key)["Body"].read().decode())

    def policy(self, effect: str = "Allow") -> None:
        """Lets the application use the bucket, or denies it."""
        policy = cloud_names.exports_policy()
        policy["Statement"][0]["Effect"] = effect
        self.s3.put_bucket_policy(Bucket=cloud_names.BUCKET, Policy=json.dumps(policy))
