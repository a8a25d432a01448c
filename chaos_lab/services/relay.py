"""Hands on what waits in the outbox: at least once, in order, by one replica at a time.

Nobody waits for a relay, so trouble at the other end stays here: it is tried again, and the outbox
keeps what is not done. No row is locked while something is sent, since another relay may be at work on
the same row for another destination.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from chaos_lab.services import metrics
from chaos_lab.services.database import Connection, Database, Settings, Unavailable
from chaos_lab.services.process import log

Mark = Literal["handed_on_at", "mailed_at"]

AT_MOST = 10  # entries at once
PAUSE_S = 0.1
LOOK_EVERY_S = 1.0  # for what others left
RETRY_S = (0.2, 1.0)  # after the first failure, and at most
SENDING_S = 1.0  # what a pass may take besides its statements

# Whoever has the turn reads; it ends with the transaction, and so with the connection of a dead replica.
TAKE = """
    WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtext('outbox.{mark}')) AS mine)
    SELECT turn.mine, entry.* FROM turn LEFT JOIN LATERAL (
        SELECT outbox.id AS entry_id, responses.id, survey, text, received_at
        FROM outbox JOIN responses ON responses.id = response_id
        WHERE {mark} IS NULL AND turn.mine ORDER BY outbox.id LIMIT %s
    ) AS entry ON true
"""
DONE = "UPDATE outbox SET {mark} = clock_timestamp() WHERE id = ANY(%s)"
WAITING = "SELECT count(*) FROM outbox WHERE {mark} IS NULL"


@dataclass(frozen=True)
class Entry:
    """A response that waits to be handed on."""

    id: str
    survey: str
    text: str
    received_at: datetime


Deliver = Callable[[Sequence[Entry]], Awaitable[list[bool]]]


@dataclass
class Counts:
    """What relays did, by destination."""

    waiting: metrics.Gauge
    handed_on: metrics.Counter
    failures: metrics.Counter


class Relay:
    """The way from the outbox to one destination.

    `deliver` says of each entry whether it arrived, and raises Unavailable when none did. It may get
    an entry again that arrived before, and must then do no harm. `mark` is the column that says when.
    """

    def __init__(self, to: str, settings: Settings, mark: Mark, deliver: Deliver, counts: Counts) -> None:
        self._to, self._deliver, self._counts = to, deliver, counts
        # A connection of its own: what hangs here takes none from the requests.
        limit_s = settings.query_timeout_s + SENDING_S
        self._database = Database(replace(settings, pool_size=1, query_timeout_s=limit_s))
        self._take, self._done, self._waiting = (query.format(mark=mark) for query in (TAKE, DONE, WAITING))
        self._stored = asyncio.Event()
        self._stop = asyncio.Event()
        self._count_at = 0.0

    def wake(self) -> None:
        """Something was stored."""
        self._stored.set()

    async def run(self) -> None:
        """Hands on until `stop`."""
        failures = 0
        while not self._stop.is_set():
            self._stored.clear()
            try:
                more = await self._database.run(self._pass)
            except Exception as error:  # noqa: BLE001 - also a bug here is no reason to stop taking responses
                failures += 1
                self._failed(error, failures)
                await _within(min(RETRY_S[0] * 2 ** (failures - 1), RETRY_S[1]), self._stop)
                continue
            if failures:
                log("hands-on-again", to=self._to, failures=failures)
            failures = 0
            await asyncio.sleep(PAUSE_S)
            if not more:
                await _within(LOOK_EVERY_S, self._stored)
        await self._database.close()

    def stop(self) -> None:
        """Ends `run` after the pass under way."""
        self._stop.set()
        self._stored.set()

    def _failed(self, error: Exception, times: int) -> None:
        self._counts.failures.add(self._to)
        if times > 1:
            return  # told
        if isinstance(error, Unavailable):
            log("cannot-hand-on", level="warning", to=self._to, why=str(error))
        else:
            log("bug", level="error", error=error, to=self._to)

    async def _pass(self, connection: Connection) -> bool:
        """One batch. Returns whether to look again at once."""
        now = asyncio.get_running_loop().time()
        if now >= self._count_at:
            counted = await (await connection.execute(self._waiting)).fetchone()
            assert counted is not None, "an aggregate has always one row"
            self._counts.waiting.set(counted[0], self._to)
            self._count_at = now + LOOK_EVERY_S
        async with connection.transaction():
            rows = await (await connection.execute(self._take, (AT_MOST,))).fetchall()
            if not rows[0][0]:
                return True  # it is another's turn, and it may have looked before our latest was stored
            entries = {row[1]: Entry(*row[2:]) for row in rows if row[1] is not None}
            if not entries:
                return False
            arrived = await self._deliver(list(entries.values()))
            done = [number for number, there in zip(entries, arrived, strict=True) if there]
            await connection.execute(self._done, (done,))
        self._counts.handed_on.add(self._to, amount=len(done))
        if len(done) < len(entries):
            raise Unavailable(f"{len(entries) - len(done)} of {len(entries)} did not arrive")
        return len(entries) == AT_MOST


async def _within(seconds: float, event: asyncio.Event) -> None:
    """Returns at the event, or after so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
