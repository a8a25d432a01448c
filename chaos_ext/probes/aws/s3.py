"""Object storage of an account: whether objects are denied, and how buckets are set up."""

import uuid
from typing import Any, List  # noqa: UP035 - the only list that Chaos Toolkit's discovery knows

from chaoslib.types import Configuration

from chaos_ext.actions.aws import account
from chaos_ext.actions.aws.s3 import owner, policy_of
from chaos_ext.safety.policy.needs import needs

__all__ = ["bucket_state", "objects_are_denied"]

_NO = ("403", "AccessDenied")


@needs(
    aws={
        "s3:PutObject": "arn:aws:s3:::{bucket}/probes/*",
        "s3:DeleteObjectVersion": "arn:aws:s3:::{bucket}/probes/*",
    }
)
def objects_are_denied(bucket: str, configuration: Configuration = None) -> dict[str, Any]:
    """Whether an object below probes/ is refused. Tries it with an empty one, which is taken away again.

    - `bucket`: its name

    The role that acts must be allowed to put it, or its own lack of permission looks like the fault.

    YAML::

        type: probe
        name: objects-are-denied
        provider:
          type: python
          module: chaos_ext.probes.aws.s3
          func: objects_are_denied
          arguments: {bucket: dedicated-exports}
    """
    key = f"probes/{uuid.uuid4().hex}"
    with account.client("s3", {"DeleteObject": "DeleteObjectVersion"}) as s3:
        from botocore.exceptions import ClientError

        try:
            answer = s3.put_object(Bucket=bucket, Key=key, Body=b"", **owner())
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code not in _NO:
                raise
            return {"holds": True, "bucket": bucket, "action": "s3:PutObject", "answer": code}
        # Without its version it would only be hidden; of a bucket without versions it is "null".
        s3.delete_object(Bucket=bucket, Key=key, VersionId=answer.get("VersionId", "null"), **owner())
    return {"holds": False, "bucket": bucket, "answer": "stored"}


@needs(
    aws={
        "s3:GetBucketPolicy": "arn:aws:s3:::{buckets}",
        "s3:GetBucketVersioning": "arn:aws:s3:::{buckets}",
    }
)
def bucket_state(buckets: List[str], configuration: Configuration = None) -> dict[str, Any]:  # noqa: UP006
    """The policy of each bucket, and whether it keeps versions. Changes nothing.

    - `buckets`: their names

    YAML::

        type: probe
        name: s3
        provider:
          type: python
          module: chaos_ext.probes.aws.s3
          func: bucket_state
          arguments: {buckets: [dedicated-exports]}
    """
    with account.client("s3") as s3:
        return {
            bucket: {
                "policy": policy_of(s3, bucket) or {},
                "versioning": s3.get_bucket_versioning(Bucket=bucket, **owner()).get("Status", "Disabled"),
            }
            for bucket in buckets
        }
