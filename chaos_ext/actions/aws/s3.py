"""Object storage refuses the application: a bucket policy that somebody tightened too far."""

import json
from typing import Any

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.aws import account
from chaos_ext.language import t
from chaos_ext.safety.policy.needs import needs

__all__ = ["deny_objects", "restore_policy"]

DENIES = "ChaosDeniesObjects"  # our statement's name: how we know it again


@needs(aws={"s3:GetBucketPolicy": "arn:aws:s3:::{bucket}", "s3:PutBucketPolicy": "arn:aws:s3:::{bucket}"})
def deny_objects(bucket: str, configuration: Configuration = None) -> dict[str, Any]:
    """Add a statement to a bucket's policy that denies everybody to put and get objects; the rest stays.

    - `bucket`: its name; it must be the proven account's own

    Returns ``{"bucket"}``. Raises ActivityFailed: there is no such bucket, it denies already, or AWS says no.
    Undone by: `restore_policy`, which takes away that statement and nothing else.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html (an explicit
    deny wins). The policy itself stays changeable: the statement is about objects.

    YAML::

        type: action
        name: deny-objects
        provider:
          type: python
          module: chaos_ext.actions.aws.s3
          func: deny_objects
          arguments: {bucket: dedicated-exports}
    """
    statement = {
        "Sid": DENIES,
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:PutObject", "s3:GetObject"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    with account.client("s3") as s3:
        policy = policy_of(s3, bucket) or {"Version": "2012-10-17", "Statement": []}
        statements = _statements(policy)
        if any(each.get("Sid") == DENIES for each in statements):
            raise ActivityFailed(
                t("{bucket}: got a policy that denies already, expected one that does not", bucket=bucket)
            )
        _put(s3, bucket, {**policy, "Statement": [*statements, statement]})
    return {"bucket": bucket}


@needs(
    aws={
        "s3:GetBucketPolicy": "arn:aws:s3:::{bucket}",
        "s3:PutBucketPolicy": "arn:aws:s3:::{bucket}",
        "s3:DeleteBucketPolicy": "arn:aws:s3:::{bucket}",
    }
)
def restore_policy(bucket: str, configuration: Configuration = None) -> dict[str, Any]:
    """Take away the statement that `deny_objects` added, if it is still there. Harmless when repeated.

    - `bucket`: its name

    Returns ``{"outcome": "undone" | "superseded", "why"}``; superseded: somebody has put another policy in its place.
    Raises ActivityFailed when AWS says no or does not answer.

    YAML::

        type: action
        name: restore-policy
        provider:
          type: python
          module: chaos_ext.actions.aws.s3
          func: restore_policy
          arguments: {bucket: dedicated-exports}
    """
    with account.client("s3") as s3:
        policy = policy_of(s3, bucket) or {}
        kept = [each for each in _statements(policy) if each.get("Sid") != DENIES]
        if len(kept) == len(_statements(policy)):
            return {"outcome": "superseded", "why": t("{bucket} has another policy again", bucket=bucket)}
        if kept:
            _put(s3, bucket, {**policy, "Statement": kept})
        else:
            s3.delete_bucket_policy(Bucket=bucket, **owner())
    return {"outcome": "undone", "why": t("{bucket} has its own policy again", bucket=bucket)}


def owner() -> dict[str, str]:
    """Names of buckets are the whole world's: S3 answers only when the bucket is the proven account's."""
    return {"ExpectedBucketOwner": account.identity()["account"]}


def policy_of(s3: Any, bucket: str) -> dict[str, Any] | None:
    """The bucket's policy; None when it has none."""
    from botocore.exceptions import ClientError

    try:
        found: dict[str, Any] = json.loads(s3.get_bucket_policy(Bucket=bucket, **owner())["Policy"])
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchBucketPolicy":
            raise
        return None
    return found


def _statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """Its statements; a single one may stand there without a list."""
    found = policy.get("Statement", [])
    return [found] if isinstance(found, dict) else list(found)


def _put(s3: Any, bucket: str, policy: dict[str, Any]) -> None:
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy), **owner())
