"""Whether a guest of the lab answers.

part_up{part}   1 or 0
"""

from __future__ import annotations

from typing import ClassVar

import aiohttp

from chaos_lab.services.alerting.probers.prober import Found, NoAnswer, Prober, series
from chaos_lab.services.process import Config


class Guest:
    """One, by the page that has to answer 200."""

    every: ClassVar[int] = 1

    def __init__(self, part: str, url: str) -> None:
        self.name, self._part, self._url = f"guest {part}", part, url

    async def look(self) -> Found:
        try:
            async with aiohttp.ClientSession() as session, session.get(self._url) as response:
                await response.read()
                if response.status != 200:
                    raise NoAnswer(f"GET {self._url} answers {response.status}")
        except aiohttp.ClientError as error:
            raise NoAnswer(str(error) or type(error).__name__) from None
        return {series("part_up", part=self._part): 1.0}

    def failed(self) -> Found:
        return {series("part_up", part=self._part): 0.0}


def of_config(config: Config) -> list[Prober]:
    return [Guest(part, url) for part, url in config.get("guests", {}).items()]
