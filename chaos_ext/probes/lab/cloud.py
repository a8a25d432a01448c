"""What of the lab's cloud must be as it was: queues and their attributes, buckets and who may use them."""

import json
from typing import Any

from chaoslib.types import Configuration

from chaos_ext.actions.lab import proven
from chaos_ext.actions.lab.cloud import client

__all__ = ["cloud_state"]

NEEDS = ("boto3",)  # imported before it is used first
_COUNTED = "ApproximateNumberOf"  # messages come and go
_TIMES = ("CreatedTimestamp", "LastModifiedTimestamp", "QueueArn")
_NONE = ("NoSuchBucketPolicy", "NoSuchBucketPolicyError")


def cloud_state(configuration: Configuration = None) -> dict[str, Any]:
    """Every queue's attributes, every bucket's policy and versioning, and whether failed messages were put aside.

    How many messages or objects there are is not in it. Raises ActivityFailed when the cloud does not answer. Changes
    nothing.

    YAML::

        type: probe
        name: cloud
        provider: {type: python, module: chaos_ext.probes.lab.cloud, func: cloud_state, arguments: {}}
    """
    cloud = proven.facts(configuration)["cloud"]
    queues: dict[str, Any] = {}
    with client("sqs", configuration) as sqs:
        for url in sqs.list_queues().get("QueueUrls", []):
            name = url.rsplit("/", 1)[-1]
            said = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            queues[name] = {
                key: _parsed(value)
                for key, value in said.items()
                if key not in _TIMES and not key.startswith(_COUNTED)
            }
            if name == cloud["dead_letter_queue"]:
                held = sum(int(value) for key, value in said.items() if key.startswith(_COUNTED))
                queues[name]["holds_messages"] = held > 0
    with client("s3", configuration) as s3:
        buckets = {
            bucket["Name"]: {
                "policy": _policy(s3, bucket["Name"]),
                "versioning": s3.get_bucket_versioning(Bucket=bucket["Name"]).get("Status", "never"),
            }
            for bucket in s3.list_buckets()["Buckets"]
        }
    return {"queues": queues, "buckets": buckets}


def _policy(s3: Any, bucket: str) -> Any:
    """By statement, so that it can be told which one is another; None without a policy."""
    from botocore.exceptions import ClientError

    try:
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _NONE:
            raise
        return None
    statements = policy.get("Statement", [])
    return {
        str(each.get("Sid") or number): json.dumps(each, sort_keys=True, ensure_ascii=False)
        for number, each in enumerate(statements if isinstance(statements, list) else [statements])
    }


def _parsed(value: str) -> Any:
    """An attribute that holds JSON, such as a redrive policy, as what it says."""
    if value.startswith("{"):
        return json.loads(value)
    return value
