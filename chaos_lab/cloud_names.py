"""What the lab has at its cloud, and what things are called there. Pure; read by services and tools."""

from __future__ import annotations

from typing import Any

REGION, ACCOUNT = "ap-northeast-1", "123456789012"
ACCESS_KEY, SECRET_KEY = "lab", "lab"
BUCKET = "exports"
QUEUE, DEAD_LETTER_QUEUE = "responses.fifo", "responses-dead.fifo"
SECRET = "survey/database"
VISIBILITY_S = 3
MAX_RECEIVES = 15


def queue_url(address: str, queue: str) -> str:
    """A queue's URL at an `address` such as 127.0.0.1:4566."""
    return f"http://{address}/{ACCOUNT}/{queue}"


def queue_arn(queue: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"


def exports_policy() -> dict[str, Any]:
    """Who may do what with the exports; the infrastructure code that the bucket is made from."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ApplicationWritesAndReadsExports",
                "Effect": "Allow",
                "Principal": "*",
                "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
                "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
            }
        ],
    }
