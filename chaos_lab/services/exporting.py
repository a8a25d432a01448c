"""Batches of analysed responses as objects in storage, for those who work on with them.

A batch is made in the database first, so that a response is in one batch and a batch has one key: to
put it a second time changes nothing. What the storage refuses three times waits until somebody
replays it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from chaos_lab.services import metrics
from chaos_lab.services.database import Connection, Database, Unavailable
from chaos_lab.services.process import log
from chaos_lab.services.storage import Bucket, lines

EVERY_S = 1.0
ATTEMPTS = 3
AT_MOST = 20  # batches in one round; a storage that is slow must not make a round endless

WAITING = "SELECT DISTINCT survey FROM analyses WHERE export_id IS NULL"
MAKE = "INSERT INTO exports (survey, object_key, responses) VALUES (%s, '', 0) RETURNING id"
FILL = "UPDATE analyses SET export_id = %s WHERE export_id IS NULL AND survey = %s"
NAME = "UPDATE exports SET object_key = %s, responses = %s WHERE id = %s"
OPEN = "SELECT id, object_key FROM exports WHERE status = %s AND (%s::bigint[] IS NULL OR id = ANY(%s)) ORDER BY id"
ROWS = (
    "SELECT response_id, survey, topics, analysed_at FROM analyses WHERE export_id = %s ORDER BY response_id"
)
DONE = "UPDATE exports SET status = 'done', attempts = attempts + 1 WHERE id = %s"
FAILED = """
    UPDATE exports SET attempts = attempts + 1,
        status = CASE WHEN attempts + 1 < %s THEN 'pending' ELSE 'failed' END
    WHERE id = %s RETURNING status
"""
COUNT = "SELECT count(*) FROM exports WHERE status = 'failed'"
FIELDS = ("id", "survey", "object_key", "responses", "status", "attempts", "created_at")
LISTED = "SELECT {} FROM exports WHERE status = %s ORDER BY id".format(", ".join(FIELDS))


class Exporter:
    """Makes batches and puts them; replays what failed."""

    def __init__(self, database: Database, bucket: Bucket) -> None:
        self._database, self._bucket = database, bucket
        self._alone = asyncio.Lock()  # two replays at once would put everything twice
        self.failed = metrics.Gauge("insight_exports_failed", "Batches that wait to be replayed.")
        self.exports = metrics.Counter("insight_exports_total", "Attempts to put a batch.", "outcome")

    async def run(self) -> None:
        """Exports until it is cancelled. Trouble with the storage or the database is waited out."""
        while True:
            try:
                await self._database.run(_make_batches)
                for number, key in (await self._open("pending"))[:AT_MOST]:
                    await self._put(number, key)
                await self._count()
            except Unavailable as error:
                log("cannot-export", level="warning", why=str(error))
            await asyncio.sleep(EVERY_S)

    async def listed(self, status: str) -> list[dict[str, Any]]:
        """The batches in a state, oldest first. Raises Unavailable."""
        rows = await self._database.run(lambda connection: _all(connection, LISTED, (status,)))
        return [dict(zip(FIELDS, row, strict=True)) for row in rows]

    async def replay(self, ids: list[int] | None) -> tuple[list[int], list[int]]:
        """Puts failed batches again, these or all: those that are done now, and those that failed again.

        A batch that is not failed is left alone. Raises Unavailable when the database cannot say.
        """
        replayed: list[int] = []
        failed: list[int] = []
        async with self._alone:
            for number, key in await self._open("failed", ids):
                (replayed if await self._put(number, key) else failed).append(number)
            await self._count()
        return replayed, failed

    async def _open(self, status: str, ids: list[int] | None = None) -> list[tuple[int, str]]:
        rows = await self._database.run(lambda connection: _all(connection, OPEN, (status, ids, ids)))
        return [(row[0], row[1]) for row in rows]

    async def _put(self, number: int, key: str) -> bool:
        """One attempt with one batch. Raises Unavailable when the database fails, not the storage."""
        rows = await self._database.run(lambda connection: _all(connection, ROWS, (number,)))
        names = ("id", "survey", "topics", "analysed_at")
        try:
            await self._bucket.put(key, lines(dict(zip(names, row, strict=True)) for row in rows))
        except Unavailable as error:
            self.exports.add("failed")
            after = await self._database.run(lambda connection: _all(connection, FAILED, (ATTEMPTS, number)))
            log("export-failed", level="warning", export=number, status=after[0][0], why=str(error))
            return False
        await self._database.run(lambda connection: connection.execute(DONE, (number,)))
        self.exports.add("done")
        return True

    async def _count(self) -> None:
        rows = await self._database.run(lambda connection: _all(connection, COUNT, ()))
        self.failed.set(rows[0][0])


async def _make_batches(connection: Connection) -> None:
    for (survey,) in await _all(connection, WAITING, ()):
        async with connection.transaction():
            [(number,)] = await _all(connection, MAKE, (survey,))
            filled = await connection.execute(FILL, (number, survey))
            key = f"batches/{survey}/{number}.jsonl"
            await connection.execute(NAME, (key, filled.rowcount, number))


async def _all(connection: Connection, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query, values)).fetchall()
