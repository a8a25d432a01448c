"""Who is told of alerts: one pager for each receiver, with what arrived there and when.

Takes what Alertmanager posts to a webhook, at ``/pager/RECEIVER``, and shows all of it at ``/pager/notifications``, the
oldest first, beside the time it is here: ``{"now": …, "notifications": [{id, receiver, status, received_at, alert}]}``.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from chaos_lab.services import metrics
from chaos_lab.services.process import answer

_REMEMBERED = 10_000


class Pager:
    """All receivers; whoever is written to is there."""

    def __init__(self) -> None:
        self._arrived: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)
        self._count = 0
        self.notifications = metrics.Counter(
            "pager_notifications_total", "Answers to notifications.", "outcome"
        )

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/pager/notifications", self.show),
            web.post("/pager/{receiver}", self.accept),
        ]

    async def accept(self, request: web.Request) -> web.Response:
        """Every alert of the message is a notification of its own."""
        at = _now()
        try:
            body = await request.json()
        except ValueError:
            body = None
        alerts = body.get("alerts") if isinstance(body, dict) else None
        if not isinstance(alerts, list) or not all(map(_is_alert, alerts)):
            self.notifications.add("refused")
            return answer(
                {"error": "expected what Alertmanager posts to a webhook: an object with alerts"}, 400
            )
        for alert in alerts:
            self._count += 1
            self._arrived.append(
                {
                    "id": self._count,
                    "receiver": request.match_info["receiver"],
                    "status": alert["status"],
                    "received_at": at,
                    "alert": alert,
                }
            )
        self.notifications.add("accepted")
        return answer({"accepted": len(alerts)}, 202)

    async def show(self, request: web.Request) -> web.Response:
        return answer({"now": _now(), "notifications": list(self._arrived)})


def _is_alert(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("labels"), dict)
        and isinstance(value.get("status"), str)
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
