"""A thank-you for each response, by the mail service."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Self

import aiohttp

from chaos_lab.services import calling
from chaos_lab.services.calling import Names, Unavailable
from chaos_lab.services.relay import Entry


class Mail:
    """The mail service. It sends what has the same idempotency key once. Needs a running event loop."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._session = calling.session()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def thank(self, entries: Sequence[Entry]) -> list[bool]:
        """Whether the service took each thank-you. Raises Unavailable when it took none."""
        url = self._names.url("mail") + "/mail/messages"
        outcomes = await asyncio.gather(*(self._send(url, entry) for entry in entries))
        if all(outcomes):
            raise Unavailable(f"mail: {outcomes[0]}")
        return [not problem for problem in outcomes]

    async def _send(self, url: str, entry: Entry) -> str:
        """Why the message was not taken; nothing when it was."""
        message = {
            "to": f"respondent:{entry.id}",  # surveys are anonymous: who that is only the mail service knows
            "subject": "Thank you for your answer",
            "text": f"Your answer to the survey {entry.survey} has arrived.",
        }
        try:
            async with self._session.post(
                url, json=message, headers={"Idempotency-Key": entry.id}
            ) as response:
                await response.read()
                return "" if response.status < 300 else f"answers {response.status}"
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError too
            return calling.why(error)
