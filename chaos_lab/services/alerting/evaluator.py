"""Judges what the watches saw and tells: every `every_s` seconds, whatever they are waiting for."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from chaos_lab.services import metrics
from chaos_lab.services.alerting import probers, watch
from chaos_lab.services.alerting.alerts import Alert, Board
from chaos_lab.services.alerting.notifier import Notifier
from chaos_lab.services.alerting.routing import parse_routes
from chaos_lab.services.alerting.rules import State, parse_rule
from chaos_lab.services.alerting.samples import Samples
from chaos_lab.services.process import Config, log

BELIEVED_FOR = timedelta(
    minutes=1
)  # a firing alert ends then if this evaluator dies; it is renewed at every look


class Evaluator:
    """The rules, and the alerts that come of them."""

    def __init__(self, config: Config) -> None:
        self.every_s = float(config["every_s"])
        self.listen = str(config["listen"])
        self.probes = [watch.probe(prober, self.every_s) for prober in probers.of_config(config)]
        self.pages = [watch.scrape(name, url, self.every_s) for name, url in config["scrape"].items()]
        self.samples = Samples()
        self.board = Board()
        now = time.monotonic()
        self.states = [State(parse_rule(entry), now) for entry in config["rules"]]
        self.routes = parse_routes(config.get("routes", ()))
        self.broken_at: dict[str, datetime] = {}  # rules whose condition is true, since when
        self.notifier: Notifier | None = None  # without a pager nobody is told
        if pager := config.get("pager"):
            self.notifier = Notifier(self.board, self.routes, str(pager), self.every_s)
        self.looks = 0

    async def run(self) -> None:
        """Until cancelled. A bug in one of them ends all: an alerting that does not see must not look alive."""
        async with asyncio.TaskGroup() as tasks:
            for each in (*self.probes, *self.pages):
                tasks.create_task(each.run(self.samples))
            tasks.create_task(self._judge_on_time())
            if self.notifier is not None:
                tasks.create_task(self.notifier.run())

    async def _judge_on_time(self) -> None:
        due = time.monotonic()
        while True:
            self.judge(time.monotonic(), datetime.now(UTC))
            self.looks += all(each.looks for each in (*self.probes, *self.pages))
            due = max(due + self.every_s, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    def latest(self) -> dict[metrics.Series, float]:
        """What the probers see now. A series that several of them have is their sum."""
        found: dict[metrics.Series, float] = {}
        for probe in self.probes:
            for series, value in probe.latest.items():
                found[series] = found.get(series, 0.0) + value
        return found

    def judge(self, now: float, at: datetime) -> None:
        """Evaluates all rules and brings the board up to date."""
        for state in self.states:
            rule = state.rule
            state.evaluate(self.samples, now)
            if state.broken_since is None:
                self.broken_at.pop(rule.name, None)
            else:
                self.broken_at.setdefault(rule.name, at)
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
                self.news()
            return
        annotations = {"summary": summary, "runbook_url": runbook_url}
        url = f"http://{self.listen}/rules"
        if self.board.put(Alert(labels, annotations, at, at + BELIEVED_FOR, at, url)):
            log("firing", level="warning", labels=labels)
            self.news()

    def news(self) -> None:
        """The board has something to tell."""
        if self.notifier is not None:
            self.notifier.news()
