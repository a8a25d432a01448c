"""Finds the topics of responses: takes them from the queue, stores what it found, exports it.

Crash-only: what it cannot explain ends the process, and the orchestrator starts it anew. A message that
makes it crash comes again until the queue has given it out often enough and puts it aside.

Runs from a release folder that holds this file and ``config.json``, as the intake does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from chaos_lab.services import metrics, process, secrets, topics
from chaos_lab.services.aws import Aws
from chaos_lab.services.calling import Names
from chaos_lab.services.database import Connection, Database, Settings, Unavailable
from chaos_lab.services.exporting import Exporter
from chaos_lab.services.outcomes import outcome
from chaos_lab.services.process import answer, log
from chaos_lab.services.queueing import BATCH, Message, Queue
from chaos_lab.services.storage import Bucket

IDLE_S = 0.2  # before another look at a queue that gave less than it was asked for
RETRY_S = 0.5
CAREFUL = 10  # messages that are read one by one after a start
AT_THE_END_S = 3.0  # what a batch that is being worked on may take when the process ends

STORE = """
    INSERT INTO analyses (response_id, survey, topics)
    SELECT found->>'id', found->>'survey', ARRAY(SELECT jsonb_array_elements_text(found->'topics'))
    FROM jsonb_array_elements(%s::jsonb) AS found
    ON CONFLICT (response_id) DO NOTHING RETURNING response_id
"""


class Worker:
    """Takes responses from the queue, in order, and stores what they are about."""

    def __init__(self, queue: Queue, database: Database) -> None:
        self._queue, self._database = queue, database
        self.stopping = False
        self.received = metrics.Counter("insight_received_total", "Messages received.")
        self.analysed = metrics.Counter("insight_analysed_total", "Responses analysed.")
        self.repeated = metrics.Counter("insight_repeated_total", "Messages about what was analysed before.")

    async def run(self) -> None:
        """Works until `stopping`, and ends with what was begun."""
        # One message at a time until many were read: when the process crashes on one, no others count as received.
        well, failures = 0, 0
        while not self.stopping:
            at_most = BATCH if well >= CAREFUL else 1
            try:
                messages = await self._queue.receive(at_most)
            except Unavailable as error:
                failures += 1
                if failures == 1:
                    log("cannot-receive", level="warning", why=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            failures = 0
            if messages:
                await self.work_on(messages)
                well += len(messages)
            if len(messages) < at_most:
                await asyncio.sleep(IDLE_S)

    async def work_on(self, messages: Sequence[Message]) -> None:
        """Stores what is found in messages, however long the database takes, and deletes them."""
        self.received.add(amount=len(messages))
        found = json.dumps([analysis(message) for message in messages], ensure_ascii=False)

        async def store(connection: Connection) -> int:
            return len(await (await connection.execute(STORE, (found,))).fetchall())

        failures = 0
        while True:
            try:
                new = await self._database.run(store)
                break
            except Unavailable as error:
                # Kept in hand: given back and received again and again they would be put aside as poison.
                failures += 1
                if failures == 1:
                    log("cannot-store", level="warning", messages=len(messages), why=str(error))
                if self.stopping:
                    return  # the queue keeps them for whoever comes next, perhaps with another database
                await asyncio.sleep(RETRY_S)
        self.analysed.add(amount=new)
        self.repeated.add(amount=len(messages) - new)
        try:
            await self._queue.delete(messages)
        except Unavailable as error:
            log("cannot-delete", level="warning", messages=len(messages), why=str(error))


def analysis(message: Message) -> dict[str, Any]:
    """What is found in one message. Raises whatever a malformed one leads to."""
    try:
        body = json.loads(message.body)
        return {"id": body["id"], "survey": body["survey"], "topics": topics.find(body["text"])}
    except Exception:
        log("cannot-read", level="error", message=message.id, group=message.group, receives=message.receives)
        raise


class Insight:
    """What the process answers over HTTP: its health, and failed exports to those who operate it."""

    def __init__(self, database: Database, worker: Worker, exporter: Exporter, release: str) -> None:
        self.database, self.worker, self.exporter = database, worker, exporter
        self.release = release

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self.outcomes])
        app.router.add_get("/exports", self.exports)
        app.router.add_post("/exports/replay", self.replay)
        app.router.add_get("/healthz", self.health)
        app.router.add_get("/readyz", self.ready)
        app.router.add_get("/metrics", self.metrics)
        return app

    async def exports(self, request: web.Request) -> web.Response:
        status = request.query.get("status", "failed")
        return answer({"exports": await self.exporter.listed(status)})

    async def replay(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read() or b"{}")
            ids = body.get("ids")
            if ids is not None and not all(type(number) is int for number in ids):
                raise TypeError
        except (ValueError, TypeError, AttributeError):
            return answer({"error": 'body: expected {"ids": [1, …]}, or null for all that failed'}, 400)
        replayed, failed = await self.exporter.replay(ids)
        return answer({"replayed": replayed, "failed": failed})

    async def health(self, request: web.Request) -> web.Response:
        return answer({"status": "ok", "release": self.release})

    async def ready(self, request: web.Request) -> web.Response:
        await self.database.run(lambda connection: connection.execute("SELECT 1"))
        return answer({"status": "ok", "release": self.release, "database": self.database.settings.node})

    async def metrics(self, request: web.Request) -> web.Response:
        worker, exporter = self.worker, self.exporter
        return metrics.page(
            worker.received, worker.analysed, worker.repeated, exporter.failed, exporter.exports
        )

    @web.middleware
    async def outcomes(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Turns what went wrong into an answer."""

        def unavailable(error: Unavailable) -> web.Response:
            return answer({"error": f"the database is unavailable: {error}"}, 503)

        return await outcome(request, handler, {Unavailable: unavailable})


async def main(path: Path, config: process.Config) -> None:
    here = Path(__file__).parent  # unresolved: "current" is the release that was activated
    release = process.read_json(here / "config.json")
    names = Names(Path(config["names"]), str(config["name"]))
    stop = asyncio.create_task(process.until_told_to_stop())
    async with Aws(config["aws"], names) as aws:
        login = await secrets.wait_for_login(aws, config["aws"]["secret"], stop)
        if login is None:
            return
        database = Database(Settings.of(config, release, names, login))
        worker = Worker(Queue(aws, config["aws"]["queue_url"]), database)
        exporter = Exporter(database, Bucket(aws, config["aws"]["bucket"]))
        insight = Insight(database, worker, exporter, here.resolve().name)
        runner = await process.listen(insight.app(), config["listen"])
        log("started", release=insight.release, database=database.settings.node)
        working, exporting = asyncio.create_task(worker.run()), asyncio.create_task(exporter.run())
        await asyncio.wait([stop, working, exporting], return_when=asyncio.FIRST_COMPLETED)
        for ended in (working, exporting):
            if ended.done():
                log("crashed", level="error", error=ended.exception())
                sys.exit(1)
        worker.stopping = True
        await asyncio.wait([working], timeout=AT_THE_END_S)
        for task in (working, exporting):
            task.cancel()
        await runner.cleanup()
        await database.close()
    log("stopped")


if __name__ == "__main__":
    process.run("insight", main)
