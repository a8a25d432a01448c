"""Looks, judges, tells: every `every_s` seconds."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import aiohttp

from chaos_lab.services import metrics
from chaos_lab.services.alerting.alerts import Alert, Board
from chaos_lab.services.alerting.prober import Prober
from chaos_lab.services.alerting.rules import Samples, State, parse_rule
from chaos_lab.services.process import Config, log

SCRAPE_S = 1.0
BELIEVED_FOR = timedelta(
    minutes=1
)  # a firing alert ends then if this evaluator dies; it is renewed at every look


class Evaluator:
    """The rules, and the alerts that come of them."""

    def __init__(self, config: Config) -> None:
        self.every_s = float(config["every_s"])
        self.targets: dict[str, str] = dict(config["scrape"])
        self.listen = str(config["listen"])
        self.prober = Prober(config)
        self.samples = Samples()
        self.board = Board()
        now = time.monotonic()
        self.states = [State(parse_rule(entry), now) for entry in config["rules"]]
        self.latest: dict[metrics.Series, float] = {}
        self.looks = 0
        self._scrapes_fail: set[str] = set()

    async def run(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=SCRAPE_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            due = time.monotonic()
            while True:
                await asyncio.gather(self._probe(), *(self._scrape(session, name) for name in self.targets))
                self.judge(time.monotonic(), datetime.now(UTC))
                self.looks += 1
                # After a look that took long (a node hangs) the next one comes at once, but no burst.
                due = max(due + self.every_s, time.monotonic())
                await asyncio.sleep(due - time.monotonic())

    async def _probe(self) -> None:
        self.latest = await self.prober.look()
        self.samples.add("prober", time.monotonic(), self.latest)

    async def _scrape(self, session: aiohttp.ClientSession, name: str) -> None:
        try:
            async with session.get(self.targets[name], raise_for_status=True) as response:
                snapshot = metrics.parse(await response.text())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            if name not in self._scrapes_fail:
                log("scrape-failed", level="warning", target=name, why=str(error) or type(error).__name__)
            self._scrapes_fail.add(name)
            return
        self._scrapes_fail.discard(name)
        self.samples.add(name, time.monotonic(), snapshot)

    def judge(self, now: float, at: datetime) -> None:
        """Evaluates all rules and brings the board up to date."""
        for state in self.states:
            rule = state.rule
            state.evaluate(self.samples, now)
            self._tell(
                state.firing, {**rule.labels, "alertname": rule.name}, rule.summary, rule.runbook_url, at
            )
            missing = {**rule.labels, "alertname": "MetricsMissing", "rule": rule.name}
            why = f"{rule.name} has no data and cannot tell"
            self._tell(state.missing(now), missing, why, rule.runbook_url, at)

    def _tell(
        self, firing: bool, labels: dict[str, str], summary: str, runbook_url: str, at: datetime
    ) -> None:
        if not firing:
            if self.board.resolve(labels, at):
                log("resolved", labels=labels)
            return
        annotations = {"summary": summary, "runbook_url": runbook_url}
        url = f"http://{self.listen}/rules"
        if self.board.put(Alert(labels, annotations, at, at + BELIEVED_FOR, at, url)):
            log("firing", level="warning", labels=labels)
