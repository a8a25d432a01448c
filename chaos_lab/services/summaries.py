"""The summary of a survey: computed by a report of many statements, and kept in the cache.

Reports have connections of their own and few of them, so that they never take those of others. A
survey that people are answering is kept for a second; when it is older one request has it computed anew, and
meanwhile the old is shown. When the cache is no help every request computes for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from chaos_lab.services import cache, metrics, topics
from chaos_lab.services.cache import Cache
from chaos_lab.services.database import Connection, Database, Unavailable
from chaos_lab.services.process import log

WAIT_S = 0.5  # for a connection: whoever gets one has the time left that a report needs
OTHER_S = 1.2  # for another request that computes the same
LOOK_S = 0.05

COUNT = "SELECT count(*) FROM responses WHERE survey = %s"
AVERAGE = "SELECT avg(score)::float8 FROM responses WHERE survey = %s"
NEWEST = """
    SELECT id, text, score, received_at FROM responses WHERE survey = %s
    ORDER BY received_at DESC, id DESC LIMIT 1
"""
TOPIC = "SELECT count(*) FROM analyses WHERE survey = %s AND topics @> ARRAY[%s]"

Summary = dict[str, Any]


async def report(connection: Connection, survey: str) -> Summary:
    """What the answers to a survey say, read statement by statement.

    Not in one transaction: a replica does not replay what removes rows that an open snapshot may still
    see, so with reports under way all the time it would fall behind.
    """
    [(responses,)] = await _all(connection, COUNT, survey)
    [(average,)] = await _all(connection, AVERAGE, survey)
    newest = await _all(connection, NEWEST, survey)
    found = {topic: (await _all(connection, TOPIC, survey, topic))[0][0] for topic in topics.TOPICS}
    return {
        "survey": survey,
        "responses": responses,
        "average_score": average,
        "newest": dict(zip(("id", "text", "score", "received_at"), newest[0], strict=True))
        if newest
        else None,
        "topics": {topic: count for topic, count in found.items() if count},
    }


async def _all(connection: Connection, query: str, *values: str) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query, values)).fetchall()


class _NoTurns(Exception):
    """Requests cannot take turns, since the cache is away or full."""


class Summaries:
    """Summaries, from the cache as long as that works."""

    def __init__(self, kept: Cache, reports: Database, release: dict[str, Any]) -> None:
        self._cache, self._reports = kept, reports
        self._live_ttl_s = float(release["live_ttl_s"])
        self._benchmark_ttl_s = float(release["benchmark_ttl_s"])
        self._coalesce = bool(release["coalesce"])  # requests for the same summary share one computation
        self._under_way: dict[str, asyncio.Future[Summary]] = {}
        self._refreshing: set[asyncio.Task[None]] = set()
        self.computed = metrics.Counter("dashboard_reports_total", "Summaries computed.", "kind")
        self.busy = metrics.Gauge("dashboard_reports_busy", "Reports under way and waiting.")

    def measure(self) -> None:
        """Brings the gauge up to date."""
        self.busy.set(self._reports.busy)

    async def close(self) -> None:
        for task in self._refreshing:
            task.cancel()
        await self._reports.close()

    async def both(self, survey: str, benchmark: int | None) -> tuple[Summary, Summary | None]:
        """The summary of a survey, and the benchmark's when one is asked for. Raises Unavailable."""
        keys = [cache.live_key(survey)]
        if benchmark is not None:
            keys.append(cache.benchmark_key(benchmark))
        try:
            found, usable = await self._kept(*keys), True
        except Unavailable:
            found, usable = [None] * len(keys), False
        live = await self._live(survey, found[0], usable)
        return live, None if benchmark is None else await self._benchmark(benchmark, found[1])

    async def _live(self, survey: str, kept: Summary | None, usable: bool) -> Summary:
        age_s = time.time() - kept.pop("as_of") if kept else 0.0
        if not kept or age_s >= 2 * self._live_ttl_s:
            self._cache.misses.add("live")
            return await self._missing(survey, usable)
        self._cache.hits.add("live")
        if age_s >= self._live_ttl_s:
            task = asyncio.create_task(self._refresh(survey))
            self._refreshing.add(task)
            task.add_done_callback(self._refreshing.discard)
        return kept

    async def _missing(self, survey: str, usable: bool) -> Summary:
        """A summary that is not in the cache: from whoever computes it, if it can be kept there at all."""
        key, give_up = cache.live_key(survey), time.monotonic() + OTHER_S
        while usable:
            try:
                if (computed := await self._in_turn(survey)) is not None:
                    return computed
                await asyncio.sleep(LOOK_S)
                kept = await self._kept_there(key)
            except _NoTurns:
                break
            if kept:
                kept.pop("as_of")
                return kept
            if time.monotonic() > give_up:
                raise Unavailable("the request that computes this summary takes too long")
        return await self._shared(key, lambda: self._computed_live(survey))

    async def _refresh(self, survey: str) -> None:
        try:
            await self._in_turn(survey)
        except (Unavailable, _NoTurns) as error:
            log("cannot-refresh", level="debug", why=str(error))
        except Exception as error:  # noqa: BLE001 - a task of its own: nobody else would see the bug
            log("bug", level="error", error=error, survey=survey)

    async def _in_turn(self, survey: str) -> Summary | None:
        """Computes a live summary, unless another request is at it: then None. Raises Unavailable;
        _NoTurns when the cache cannot say."""
        turn = f"computing:{survey}"
        try:
            if not await self._cache.set(turn, b"1", self._live_ttl_s, once=True):
                return None
        except Unavailable as error:
            raise _NoTurns(str(error)) from None
        try:
            return await self._computed_live(survey)
        except Unavailable:
            with contextlib.suppress(Unavailable):
                await self._cache.delete(turn)
            raise

    async def _kept_there(self, key: str) -> Summary | None:
        try:
            return (await self._kept(key))[0]
        except Unavailable as error:
            raise _NoTurns(str(error)) from None

    async def _computed_live(self, survey: str) -> Summary:
        async def read(connection: Connection) -> tuple[float, Summary]:
            return time.time(), await report(connection, survey)

        as_of, summary = await self._reports.run(read)
        self.computed.add("live")
        await self._keep(cache.live_key(survey), {"as_of": as_of, **summary}, 2 * self._live_ttl_s)
        return summary

    async def _benchmark(self, number: int, kept: Summary | None) -> Summary:
        if kept:
            self._cache.hits.add("benchmark")
            return kept
        self._cache.misses.add("benchmark")
        key = cache.benchmark_key(number)
        return await self._shared(key, lambda: self._computed_benchmark(number))

    async def _computed_benchmark(self, number: int) -> Summary:
        summary = await self._reports.run(lambda connection: report(connection, f"benchmark-{number}"))
        self.computed.add("benchmark")
        short = {name: summary[name] for name in ("survey", "responses", "average_score")}
        await self._keep(cache.benchmark_key(number), short, self._benchmark_ttl_s)
        return short

    async def _kept(self, *keys: str) -> list[Summary | None]:
        return [None if value is None else json.loads(value) for value in await self._cache.get(*keys)]

    async def _keep(self, key: str, summary: Summary, ttl_s: float) -> None:
        with contextlib.suppress(Unavailable):  # the cache counts it, and the answer does not need it
            await self._cache.set(key, json.dumps(summary, ensure_ascii=False, default=str).encode(), ttl_s)

    async def _shared(self, key: str, compute: Callable[[], Awaitable[Summary]]) -> Summary:
        """What `compute()` returns. When coalescing, requests for one key at one time share it."""
        if not self._coalesce:
            return await compute()
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.ensure_future(compute())
            task.add_done_callback(lambda _: self._under_way.pop(key))
        return await asyncio.shield(task)
