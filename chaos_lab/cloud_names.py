"""What the lab has at its cloud, and what things are called there. Pure; read by services and tools."""

from __future__ import annotations

from typing import Any

REGION, ACCOUNT = "ap-northeast-1", "123456789012"
ACCESS_KEY, SECRET_KEY = "lab", "lab"
BUCKET = "exports"
QUEUE, DEAD_LETTER_QUEUE = "responses.fifo", "responses-dead.fifo"
SECRET = "survey/database"
APPLICATION_ROLE = f"arn:aws:iam::{ACCOUNT}:role/survey-application"
VISIBILITY_S = 1
MAX_RECEIVES = 1000  # the most that SQS takes, set by many "to be safe": then nothing is put aside in time


def queue_url(address: str, queue: str) -> str:
    """A queue's URL at an `address` such as 127.0.0.1:4566."""
    return f"http://{address}/{ACCOUNT}/{queue}"


def queue_arn(queue: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"


def exports_policy() -> dict[str, Any]:
    """Who may do what with the exports; the infrastructure code that the bucket is made from.

    It names the application's role, as a real one must: "*" would let everybody in. The lab has one principal
    only, and moto asks a bucket's policy what is done to what, never by whom.
    """
    role = {"AWS": APPLICATION_ROLE}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ApplicationWritesAndReadsExports",
                "Effect": "Allow",
                "Principal": role,
                "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
                "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
            },
            {
                "Sid": "ProbesAreTakenAway",
                "Effect": "Allow",
                "Principal": role,
                "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
                "Resource": [f"arn:aws:s3:::{BUCKET}/probe/*", f"arn:aws:s3:::{BUCKET}/probes/*"],
            },
        ],
    }
