"""The database's login, from the secret store. Read when a service starts, and kept."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from chaos_lab.services.aws import Aws
from chaos_lab.services.calling import Unavailable
from chaos_lab.services.process import log

RETRY_S = 0.2
_TOLD_EVERY_S = 5.0


@dataclass(frozen=True)
class Login:
    """A user of the database."""

    user: str
    password: str


async def login(aws: Aws, secret: str) -> Login:
    """The login that the secret holds: JSON with username and password. Raises Unavailable."""
    said = await aws.json("secrets", "secretsmanager", "secretsmanager.GetSecretValue", {"SecretId": secret})
    try:
        value = json.loads(said["SecretString"])
        return Login(str(value["username"]), str(value["password"]))
    except (KeyError, TypeError, ValueError):
        raise Unavailable(f"secrets: {secret} is not JSON with username and password") from None


async def wait_for_login(aws: Aws, secret: str, stop: asyncio.Task[None]) -> Login | None:
    """The login as soon as the store gives it; None when the process is told to stop before.

    A service that waits here does not listen yet, so nobody sends it requests that it could not answer.
    """
    loop = asyncio.get_running_loop()
    tell_at = loop.time() + 2.0  # everything starts at once: the store is late by a second, and no news
    while not stop.done():
        try:
            return await login(aws, secret)
        except Unavailable as error:
            if loop.time() >= tell_at:
                log("waits-for-secret", level="warning", secret=secret, why=str(error))
                tell_at = loop.time() + _TOLD_EVERY_S
        await asyncio.wait([stop], timeout=RETRY_S)
    return None
