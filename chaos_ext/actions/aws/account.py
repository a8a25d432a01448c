"""Clients of the account that was proven, and of no other; what AWS says no to, in sentences.

The place comes from the environment's identity that is pinned (`safety/identity/pins.py`), never from what lies around:
without one nothing is called. Each client proves by STS, with the very credentials that it acts with, who it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from chaoslib.exceptions import ActivityFailed

from chaos_ext.errors import Blocked
from chaos_ext.language import listed, t
from chaos_ext.safety.identity import aws, pins

_CONNECTS_WITHIN_S, _ANSWERS_WITHIN_S = 5.0, 20.0
_ATTEMPTS = 5  # each after a longer pause than the one before (botocore's standard mode); then it is an error
_LOOK_EVERY_S = 0.5

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
_EXPIRED = (
    *("ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidToken"),
    *("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"),
)
_THROTTLED = (
    *(
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
    ),
    *("RequestLimitExceeded", "TooManyRequestsException", "SlowDown", "BandwidthLimitExceeded"),
)
# The permission that an operation takes, where it is not called like it.
_PERMISSIONS = {"HeadBucket": "ListBucket", "ListObjectsV2": "ListBucket", "HeadObject": "GetObject"}


class Refused(ActivityFailed):
    """AWS answered, and the answer is no. `code` is its own word for it, such as AccessDenied."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def identity() -> Mapping[str, str]:
    """Who acts where: identity.aws of the environment that was proven. Raises ActivityFailed when nothing is pinned."""
    pinned = (pins.acting_as() or {}).get("aws")
    if not pinned:
        raise ActivityFailed(
            t(
                "identity.aws: got no account that was proven, expected one. Activities of AWS run through "
                "chaos_ext.actions.fault.inject, in an environment with identity.aws. Nothing was called."
            )
        )
    return pinned


@contextmanager
def client(service: str, needs: Mapping[str, str] | None = None) -> Iterator[Any]:
    """A boto3 client of a service ("s3", "ecs") in the proven account and region.

    `needs`: the permission that an operation takes here, where it is not called like it, for messages.

    Raises ActivityFailed (it is another account, role or region; no answer) and Refused (AWS says no) with what to do.
    """
    expected = identity()
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        session, region = _session(expected)
        _prove(expected, session, region)
        made = _client(session, service, expected, region)
        try:
            yield made
        finally:
            made.close()
    except ClientError as error:
        raise refused(service, error, expected, needs) from error
    except BotoCoreError as error:
        raise ActivityFailed(
            t("{service}: got no answer from AWS: {error}", service=service, error=error)
        ) from error


def _session(expected: Mapping[str, str]) -> tuple[Any, str]:
    """A session with what is pinned in the process's variables, and its region."""
    import boto3
    import botocore.session

    inner = botocore.session.Session()
    inner.register_component("data_loader", aws.loader())
    session = boto3.session.Session(botocore_session=inner)
    region = session.region_name
    if not region or region != expected.get("region", region):
        wanted = expected.get("region") or t("one: say identity.aws.region")
        raise ActivityFailed(
            t(
                "identity.aws.region: got {got}, expected {wanted}. Nothing was called.",
                got=region or t("none"),
                wanted=wanted,
            )
        )
    return session, region


def _client(session: Any, service: str, expected: Mapping[str, str], region: str) -> Any:
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECTS_WITHIN_S,
        read_timeout=_ANSWERS_WITHIN_S,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        proxies={},
        ignore_configured_endpoint_urls=True,  # the identity says where, and nothing else does
    )
    endpoint = expected.get("endpoint_url")
    return session.client(service, region_name=region, endpoint_url=endpoint, config=config)


def _prove(expected: Mapping[str, str], session: Any, region: str) -> None:
    sts = _client(session, "sts", expected, region)
    try:
        seen = aws.seen(
            expected, sts.get_caller_identity(), expected.get("endpoint_url") or "AWS STS", region
        )
    except Blocked as error:
        raise ActivityFailed(str(error)) from error
    finally:
        sts.close()
    if wrong := [proof for proof in seen.proofs if not proof.holds]:
        said = listed(
            (
                t("{kind}: got '{got}', expected '{expected}'", kind=p.kind, got=p.got, expected=p.expected)
                for p in wrong
            ),
            "; ",
        )
        raise ActivityFailed(t("{said}. This is not the place; nothing is touched.", said=said))


def refused(
    service: str, error: Any, expected: Mapping[str, str], needs: Mapping[str, str] | None = None
) -> Refused:
    """What AWS said no to, and what a person can do about it."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = str(error.response.get("Error", {}).get("Message", "")) or code
    known = {**_PERMISSIONS, **(needs or {})}
    action = f"{service}:{known.get(error.operation_name, error.operation_name)}"
    if code in _DENIED or code == "403":
        told = t(
            "{action}: got {code} ({said}), expected to be allowed. The role '{role}' lacks that permission, or "
            "something denies it. What it needs: chaos policy permissions EXP --format aws-policy",
            action=action,
            code=code,
            said=said,
            role=expected.get("role", ""),
        )
    elif code in _EXPIRED:
        told = t(
            "{action}: got {code} ({said}), expected credentials that are valid now. Sign in again, then 'chaos heal' "
            "undoes what may be left.",
            action=action,
            code=code,
            said=said,
        )
    elif code in _THROTTLED:
        told = t(
            "{action}: got {code} {attempts} times, with longer and longer pauses, expected an answer. Others use this "
            "account just now: wait, or run it alone.",
            action=action,
            code=code,
            attempts=_ATTEMPTS,
        )
    elif "Limit" in code or "Quota" in code:
        told = t(
            "{action}: got {code} ({said}), expected room below the account's quota. Have it raised, or remove what is "
            "not needed.",
            action=action,
            code=code,
            said=said,
        )
    else:
        told = t("{action}: got {code} ({said}), expected it to work.", action=action, code=code, said=said)
    return Refused(told, code)


def wait_until(holds: Callable[[], bool], within_s: float) -> bool:
    """Ask again and again; whether it held before `within_s` seconds were over."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True
