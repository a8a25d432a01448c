"""The lab's cloud: clients that reach this lab's own endpoint and, by how they are made, no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from chaoslib.exceptions import ActivityFailed

from chaos_ext.actions.lab import proven

_ANSWERS_WITHIN_S = 5.0


class Refused(ActivityFailed):
    """The cloud answered, and the answer is no. `code` is its own word for it, such as AccessDenied."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


@lru_cache(maxsize=1)
def _session(access_key: str, secret_key: str, region: str) -> Any:
    """Kept, because it is what reads the services' descriptions, which takes a tenth of a second."""
    import boto3

    return boto3.session.Session(
        aws_access_key_id=access_key, aws_secret_access_key=secret_key, region_name=region
    )


@contextmanager
def client(service: str, configuration: Mapping[str, Any] | None) -> Iterator[Any]:
    """A boto3 client of a service ("sqs", "s3"), with the application's credentials.

    Raises Refused when the cloud says no, ActivityFailed when it does not answer within 5 s.
    """
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    cloud = proven.facts(configuration)["cloud"]
    config = Config(
        connect_timeout=_ANSWERS_WITHIN_S,
        read_timeout=_ANSWERS_WITHIN_S,
        retries={"total_max_attempts": 1},
        proxies={},  # nothing between us and the lab, whatever this machine's environment says
    )
    session = _session(cloud["access_key"], cloud["secret_key"], cloud["region"])
    made = session.client(service, endpoint_url=cloud["url"], config=config)
    try:
        yield made
    except ClientError as error:
        raise Refused(f"{service}: {error}", str(error.response.get("Error", {}).get("Code", ""))) from error
    except BotoCoreError as error:
        raise ActivityFailed(f"{service}: {error}") from error
    finally:
        made.close()
