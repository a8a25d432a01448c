"""Whether companies that the product depends on answer.

identity_up, mail_up   1 or 0
"""

from __future__ import annotations

from typing import ClassVar

import aiohttp

from chaos_lab.services.alerting.probers.prober import Found, NoAnswer, Prober, series
from chaos_lab.services.process import Config

# What each offers to everybody, without a password and without leaving anything behind.
_PATHS = {"identity": "/identity/.well-known/openid-configuration", "mail": "/mail/messages"}


class Provider:
    """One of them, by a page that has to answer 200."""

    every: ClassVar[int] = 2

    def __init__(self, name: str, url: str) -> None:
        self.name, self._url = name, url

    async def look(self) -> Found:
        try:
            async with aiohttp.ClientSession() as session, session.get(self._url) as response:
                await response.read()
                if response.status != 200:
                    raise NoAnswer(f"GET {self._url} answers {response.status}")
        except aiohttp.ClientError as error:
            raise NoAnswer(str(error) or type(error).__name__) from None
        return {series(f"{self.name}_up"): 1.0}

    def failed(self) -> Found:
        return {series(f"{self.name}_up"): 0.0}


def of_config(config: Config) -> list[Prober]:
    direct = config.get("direct", {})
    return [Provider(name, f"http://{direct[name]}{path}") for name, path in _PATHS.items() if name in direct]
