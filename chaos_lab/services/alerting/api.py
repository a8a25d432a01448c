"""Alertmanager's v2 API, as far as alerts, silences, receivers and status go; and Prometheus' view of its rules.

Sources: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
https://prometheus.io/docs/prometheus/latest/querying/api/#alerts
"""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from chaos_lab.services import metrics
from chaos_lab.services.alerting.alerts import Invalid, parse_alert, parse_matcher, parse_silence, stamp
from chaos_lab.services.alerting.evaluator import Evaluator
from chaos_lab.services.process import answer


class Api:
    """The requests."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.board = evaluator.board
        self.started_at = datetime.now(UTC)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_outcomes])
        add = app.router.add_route
        add("GET", "/api/v2/status", self.status)
        add("GET", "/api/v2/receivers", self.receivers)
        add("GET", "/api/v2/alerts", self.alerts)
        add("POST", "/api/v2/alerts", self.post_alerts)
        add("GET", "/api/v2/silences", self.silences)
        add("POST", "/api/v2/silences", self.post_silence)
        add("GET", "/api/v2/silence/{id}", self.silence)
        add("DELETE", "/api/v2/silence/{id}", self.delete_silence)
        for path in ("/healthz", "/-/healthy", "/-/ready"):
            add("GET", path, self.health)
        add("GET", "/api/v1/alerts", self.rules_that_hold)
        add("GET", "/rules", self.rules)
        add("GET", "/metrics", self.metrics)
        return app

    async def health(self, request: web.Request) -> web.Response:
        """Healthy after the first look at everything: before, silence would not mean that all is well."""
        looks = self.evaluator.looks
        return answer({"status": "ok" if looks else "starting", "looks": looks}, 200 if looks else 503)

    async def status(self, request: web.Request) -> web.Response:
        version = dict.fromkeys(("revision", "branch", "buildUser", "buildDate", "goVersion"), "")
        return answer(
            {
                "cluster": {"status": "disabled", "peers": []},
                "versionInfo": {"version": "chaos-lab", **version},
                "config": {"original": f"receivers: {list(self.evaluator.routes.receivers)}\n"},
                "uptime": stamp(self.started_at),
            }
        )

    async def receivers(self, request: web.Request) -> web.Response:
        return answer([{"name": name} for name in self.evaluator.routes.receivers])

    async def alerts(self, request: web.Request) -> web.Response:
        filters = [parse_matcher(text) for text in request.query.getall("filter", [])]
        active, silenced = _flag(request, "active"), _flag(request, "silenced")
        receiver = request.query.get("receiver")
        try:
            wanted = None if receiver is None else re.compile(receiver)
        except re.error as error:
            raise Invalid(f"failed to parse receiver param: {error}") from None
        return answer(
            [
                alert.shown(silenced_by, told)
                for alert, silenced_by in self.board.current(datetime.now(UTC))
                for told in [self.evaluator.routes.of(alert.labels)]
                if (silenced if silenced_by else active) and all(one.matches(alert.labels) for one in filters)
                if wanted is None or wanted.fullmatch(told)
            ]
        )

    async def post_alerts(self, request: web.Request) -> web.Response:
        body = await _body(request)
        if not isinstance(body, list):
            raise Invalid(f"got {type(body).__name__}, expected a list of alerts")
        now = datetime.now(UTC)
        for alert in [parse_alert(one, now) for one in body]:
            self.board.put(alert)
        self.evaluator.news()
        return web.Response()

    async def silences(self, request: web.Request) -> web.Response:
        filters = [parse_matcher(text) for text in request.query.getall("filter", [])]
        now = datetime.now(UTC)
        return answer(
            [
                silence.shown(now)
                for silence in self.board.silences.values()
                if all(one.matches({m.name: m.value for m in silence.matchers}) for one in filters)
            ]
        )

    async def post_silence(self, request: web.Request) -> web.Response:
        body = await _body(request)
        silence = parse_silence(body, datetime.now(UTC))
        if known := body.get("id"):
            if known not in self.board.silences:
                return answer(f"silence {known} not found", 404)
            silence.id = known
        self.board.silences[silence.id] = silence
        return answer({"silenceID": silence.id})

    async def silence(self, request: web.Request) -> web.Response:
        silence = self.board.silences.get(request.match_info["id"])
        if silence is None:
            return web.Response(status=404)
        return answer(silence.shown(datetime.now(UTC)))

    async def delete_silence(self, request: web.Request) -> web.Response:
        """Ends it; as in Alertmanager it stays visible as expired."""
        silence = self.board.silences.get(request.match_info["id"])
        if silence is None:
            return web.Response(status=404)
        silence.ends_at = silence.updated_at = datetime.now(UTC)
        return web.Response()

    async def rules_that_hold(self, request: web.Request) -> web.Response:
        """Every rule whose condition is true now, pending or firing, and since when, as Prometheus tells it."""
        shown = [
            {
                "labels": {**state.rule.labels, "alertname": state.rule.name},
                "annotations": {"summary": state.rule.summary, "runbook_url": state.rule.runbook_url},
                "state": "firing" if state.firing else "pending",
                "activeAt": stamp(self.evaluator.broken_at[state.rule.name]),
                "value": f"{state.reading.value:e}" if state.reading.value is not None else "",
            }
            for state in self.evaluator.states
            if state.rule.name in self.evaluator.broken_at
        ]
        return answer({"status": "success", "data": {"alerts": shown}})

    async def rules(self, request: web.Request) -> web.Response:
        """What each rule sees now: where an alert's generatorURL leads."""
        now = time.monotonic()
        return answer([state.shown(now) for state in self.evaluator.states])

    async def metrics(self, request: web.Request) -> web.Response:
        gauges: dict[str, metrics.Gauge] = {}
        for (name, labels), value in self.evaluator.latest().items():
            gauge = gauges.setdefault(
                name, metrics.Gauge(name, "Seen by the prober.", *(key for key, _ in labels))
            )
            gauge.set(value, *(text for _, text in labels))
        return metrics.page(*gauges.values())


@web.middleware
async def _outcomes(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
    except Invalid as error:
        return answer(str(error), 400)
    return response


async def _body(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise Invalid(f"parsing body failed: {error}") from None


def _flag(request: web.Request, name: str) -> bool:
    text = request.query.get(name, "true").lower()
    if text not in ("true", "false", "1", "0"):
        raise Invalid(f"{name} in query must be of type boolean: {text!r}")
    return text in ("true", "1")
