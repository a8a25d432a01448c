"""Asks one prober, or reads one page, again and again. Each has a time limit and a rhythm of its own.

So one target that hangs neither delays another nor the rules: what it said last just gets old.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiohttp

from chaos_lab.services import metrics
from chaos_lab.services.alerting.probers.prober import Found, NoAnswer, Prober
from chaos_lab.services.alerting.samples import Samples
from chaos_lab.services.process import log

LIMIT_S = 1.0  # for one look

Ask = Callable[[], Awaitable[Found]]


class Watch:
    """One source of samples."""

    def __init__(
        self, name: str, every_s: float, ask: Ask, failed: Callable[[], Found], *, rarely: int = 1
    ) -> None:
        self.name, self.every_s, self.rarely = name, every_s, rarely
        self._ask, self._failed = ask, failed
        self.looks = 0
        self.problem = ""  # why the last look brought nothing
        self.latest: Found = {}

    async def run(self, samples: Samples) -> None:
        """Until cancelled."""
        due = time.monotonic()
        while True:
            problem = ""
            try:
                async with asyncio.timeout(LIMIT_S):
                    self.latest = await self._ask()
            except TimeoutError:
                problem = f"no answer within {LIMIT_S:g} s"
            except (NoAnswer, OSError) as error:
                problem = str(error) or type(error).__name__
            if problem:
                self.latest = self._failed()
            if bool(problem) != bool(self.problem):
                level = "warning" if problem else "info"
                log("look-failed" if problem else "look-works", level=level, target=self.name, why=problem)
            self.problem = problem
            if self.latest:
                samples.add(self.name, time.monotonic(), self.latest)
            self.looks += 1
            # After a look that took long the next one comes at once, but no burst.
            # What fails is looked at in every period, so that its end is seen soon.
            due = max(due + self.every_s * (1 if problem else self.rarely), time.monotonic())
            await asyncio.sleep(due - time.monotonic())


def probe(prober: Prober, every_s: float) -> Watch:
    return Watch(prober.name, every_s, prober.look, prober.failed, rarely=prober.every)


def scrape(name: str, url: str, every_s: float) -> Watch:
    """Reads a /metrics page."""

    async def look() -> Found:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(url, raise_for_status=True) as response,
            ):
                return metrics.parse(await response.text())
        except (aiohttp.ClientError, ValueError) as error:
            raise NoAnswer(str(error) or type(error).__name__) from None

    return Watch(f"page {name}", every_s, look, dict)
