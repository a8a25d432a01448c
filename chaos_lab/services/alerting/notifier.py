"""Tells receivers: each alert once when it fires and once when it is over, again until somebody took it.

What was told is held against the board at every turn, so that what failed is tried again, and an alert whose
silence ends is told then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import aiohttp

from chaos_lab.services.alerting.alerts import Alert, Board, fingerprint, stamp
from chaos_lab.services.alerting.routing import Routes
from chaos_lab.services.process import log

LIMIT_S = 1.0  # for one message


class Notifier:
    """Posts to ``PAGER/RECEIVER`` what Alertmanager would post to a webhook."""

    def __init__(self, board: Board, routes: Routes, pager: str, every_s: float) -> None:
        self._board, self._routes, self._pager, self._every_s = board, routes, pager, every_s
        self._news = asyncio.Event()
        self._told: dict[tuple[str, datetime], Alert] = {}  # alerts that were told and are not over yet
        self._problem = ""

    def news(self) -> None:
        """Something changed: look now, not at the next turn."""
        self._news.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LIMIT_S)) as session:
            while True:
                await self._tell(session)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), self._every_s)
                self._news.clear()

    async def _tell(self, session: aiohttp.ClientSession) -> None:
        firing = {
            (fingerprint(alert.labels), alert.starts_at): (alert, bool(silenced_by))
            for alert, silenced_by in self._board.current(datetime.now(UTC))
        }
        for key, (alert, silenced) in firing.items():
            if key not in self._told and not silenced and await self._post(session, alert, "firing"):
                # As it was: the board's own alert gets an end, and the next one of the same labels a new beginning.
                self._told[key] = replace(alert)
        for key in [key for key in self._told if key not in firing]:
            over = replace(self._told[key], ends_at=datetime.now(UTC))
            if await self._post(session, over, "resolved"):
                del self._told[key]

    async def _post(self, session: aiohttp.ClientSession, alert: Alert, status: str) -> bool:
        receiver = self._routes.of(alert.labels)
        problem = ""
        try:
            url = f"{self._pager}/{quote(receiver, safe='')}"
            async with session.post(url, json=message(receiver, status, [alert]), raise_for_status=True):
                pass
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            problem = str(error) or type(error).__name__
        if problem != self._problem:
            log("not-told" if problem else "told-again", level="warning", receiver=receiver, why=problem)
        self._problem = problem
        return not problem


def message(receiver: str, status: str, alerts: Iterable[Alert]) -> dict[str, object]:
    """A message of Alertmanager's webhook, version 4, about alerts with the same labels."""
    shown = [
        {
            "status": status,
            "labels": alert.labels,
            "annotations": alert.annotations,
            "startsAt": stamp(alert.starts_at),
            "endsAt": stamp(alert.ends_at) if status == "resolved" else "0001-01-01T00:00:00Z",
            "generatorURL": alert.generator_url,
            "fingerprint": fingerprint(alert.labels),
        }
        for alert in alerts
    ]
    common = shown[0]["labels"] if shown else {}
    return {
        "version": "4",
        "groupKey": f"{{}}:{common}",
        "truncatedAlerts": 0,
        "status": status,
        "receiver": receiver,
        "groupLabels": common,
        "commonLabels": common,
        "commonAnnotations": shown[0]["annotations"] if shown else {},
        "externalURL": "",
        "alerts": shown,
    }
