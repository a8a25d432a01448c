"""Object storage refuses the application: a policy that somebody tightened too far."""

import json
import uuid
from pathlib import Path
from typing import Any

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import proven
from chaos_ext.actions.lab.cloud import Refused, client
from chaos_ext.language import t
from chaos_ext.safety.policy.needs import needs

__all__ = ["deny_objects", "objects_are_denied", "restore_policy"]

_DENIES = "DenyExternalAccess"  # the statement's name: how we know our own policy again
_NO = ("403", "AccessDenied")


@needs(aws={"s3:PutBucketPolicy": "arn:aws:s3:::{bucket}"})
def deny_objects(bucket: str, configuration: Configuration = None) -> dict[str, Any]:
    """Replace a bucket's policy by one that denies putting and getting objects, as a hardening gone wrong.

    - `bucket`: its name, such as exports

    Returns ``{"bucket"}``. Raises ActivityFailed when there is no such bucket. Undone by: `restore_policy`.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html (an explicit
    deny wins).

    YAML::

        type: action
        name: deny-objects
        provider:
          type: python
          module: chaos_ext.actions.lab.storage
          func: deny_objects
          arguments: {bucket: exports}
    """
    statement = {
        "Sid": _DENIES,
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:PutObject", "s3:GetObject"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with client("s3", configuration) as s3:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    return {"bucket": bucket}


@needs(
    aws={
        "s3:PutObject": "arn:aws:s3:::{bucket}/probes/*",
        "s3:DeleteObjectVersion": "arn:aws:s3:::{bucket}/probes/*",
    }
)
def objects_are_denied(bucket: str, configuration: Configuration = None) -> dict[str, Any]:
    """Whether the application's credentials are refused when they put an object. Tries it with an empty one.

    - `bucket`: its name, such as exports

    YAML::

        type: probe
        name: objects-are-denied
        provider:
          type: python
          module: chaos_ext.actions.lab.storage
          func: objects_are_denied
          arguments: {bucket: exports}
    """
    key = f"probes/{uuid.uuid4().hex}"
    try:
        with client("s3", configuration) as s3:
            version = s3.put_object(Bucket=bucket, Key=key, Body=b"").get("VersionId", "null")
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version)  # without, it would only be hidden
    except Refused as error:
        if error.code not in _NO:
            raise
        return {"holds": True, "bucket": bucket, "answer": error.code}
    return {"holds": False, "bucket": bucket, "answer": "stored"}


@needs(aws={"s3:GetBucketPolicy": "arn:aws:s3:::{bucket}", "s3:PutBucketPolicy": "arn:aws:s3:::{bucket}"})
def restore_policy(bucket: str, configuration: Configuration = None) -> dict[str, Any]:
    """Put the bucket's policy back that the lab keeps as code, unless somebody has. Harmless when repeated.

    - `bucket`: its name, such as exports

    Returns ``{"outcome": "undone" | "superseded", "why"}``; superseded: it is no longer the policy that denies.
    Raises ActivityFailed when the cloud does not answer.

    YAML::

        type: action
        name: restore-policy
        provider:
          type: python
          module: chaos_ext.actions.lab.storage
          func: restore_policy
          arguments: {bucket: exports}
    """
    kept = Path(proven.facts(configuration)["conf"]) / "exports-policy.json"
    with client("s3", configuration) as s3:
        if _DENIES not in _policy(s3, bucket):
            return {"outcome": "superseded", "why": t("{bucket} has another policy again", bucket=bucket)}
        if not kept.is_file():
            raise ActivityFailed(
                t("{path}: got no file, expected the policy that the lab keeps", path=str(kept))
            )
        s3.put_bucket_policy(Bucket=bucket, Policy=kept.read_text(encoding="utf-8"))
    return {"outcome": "undone", "why": t("{bucket} has its own policy again", bucket=bucket)}


def _policy(s3: Any, bucket: str) -> str:
    """The bucket's policy; empty when it has none."""
    from botocore.exceptions import ClientError

    try:
        return str(s3.get_bucket_policy(Bucket=bucket).get("Policy", ""))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchBucketPolicy":
            raise
        return ""
