"""Response intake. A response is acknowledged only when it is stored, and stored together with its hand-over.

Runs from a release folder that holds this file and ``config.json``; the part's own configuration
(``--config``) says where it listens and what its names mean.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from aiohttp import web

from chaos_lab.services import metrics, process, relay, secrets
from chaos_lab.services.aws import Aws
from chaos_lab.services.calling import Names
from chaos_lab.services.database import Connection, Database, Settings, Unavailable
from chaos_lab.services.mailing import Mail
from chaos_lab.services.outcomes import Expected, outcome
from chaos_lab.services.process import answer, log
from chaos_lab.services.queueing import Outgoing, Queue
from chaos_lab.services.relay import Entry, Relay

TOLD_S = 0.2  # after a health check was answered "draining": time for the edge to act on it
DRAIN_AT_MOST_S = 1.0  # nobody checks our health: go anyway
RELAYS_S = 1.5  # how long a batch that is being handed on may take at the end; it is repeated by others then

# One statement, so one transaction: never a response without its entry in the outbox.
STORE = """
    WITH stored AS (
        INSERT INTO responses (id, survey, text, score) VALUES (%s, %s, %s, %s)
        ON CONFLICT (id) DO NOTHING RETURNING id
    )
    INSERT INTO outbox (response_id) SELECT id FROM stored RETURNING response_id
"""
# FOR UPDATE is for the commit: a transaction that locked a row waits for a standby as one that wrote
# it does. So a repeated request is never acknowledged on the word of a node whose disk may be lost.
AGAIN = "SELECT survey, text, score FROM responses WHERE id = %s FOR UPDATE"
ONE = "SELECT id, survey, text, score, received_at FROM responses WHERE id = %s"
ALL = "SELECT id, survey, text, score, received_at FROM responses WHERE survey = %s ORDER BY received_at, id"
FIELDS = ("id", "survey", "text", "score", "received_at")


class Invalid(Exception):
    """The request cannot be accepted; the message tells the sender what to change."""


def checked(body: Any) -> tuple[str, str, str, int | None]:
    """Id, survey, text and score of a submission. Raises Invalid."""
    if not isinstance(body, dict):
        raise Invalid(
            f"body: got {type(body).__name__}, expected a JSON object with id, survey, text and score"
        )
    values = {}
    for name, longest in (("id", 200), ("survey", 200), ("text", 10_000)):
        value = body.get(name)
        if not isinstance(value, str) or not value or value.isspace():
            raise Invalid(f"{name}: got {value!r}, expected a text that is not empty")
        if len(value) > longest:
            raise Invalid(f"{name}: got {len(value)} characters, expected at most {longest}")
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value):
            raise Invalid(f"{name}: got a character that cannot be stored (NUL or half of a surrogate pair)")
        values[name] = value
    score = body.get("score")
    if score is not None and (not isinstance(score, int) or isinstance(score, bool) or not 0 <= score <= 10):
        raise Invalid(f"score: got {score!r}, expected a whole number from 0 to 10, or null")
    return values["id"], values["survey"], values["text"], score


class Intake:
    """The requests, and what the process knows about its own state."""

    def __init__(self, database: Database, queue: Queue, mail: Mail, release: str) -> None:
        self.database = database
        self.queue = queue
        self.release = release
        self.draining = False
        self.told_at: float | None = None  # when a health check was first answered "draining"
        self.requests = metrics.Counter("intake_requests_total", "Requests answered.", "method", "code")
        self.unavailable = metrics.Counter(
            "intake_database_unavailable_total", "Requests the database did not serve."
        )
        self.latency = metrics.Histogram("intake_request_duration_seconds", "Time to answer.", "method")
        self.handing_on = relay.Counts(
            metrics.Gauge("intake_outbox_waiting", "Responses that wait to be handed on.", "to"),
            metrics.Counter("intake_handed_on_total", "Responses handed on.", "to"),
            metrics.Counter("intake_hand_on_failures_total", "Attempts that did not hand all on.", "to"),
        )
        settings = database.settings
        self.relays = [
            Relay("queue", settings, "handed_on_at", self.enqueue, self.handing_on),
            Relay("mail", settings, "mailed_at", mail.thank, self.handing_on),
        ]

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self.outcomes], client_max_size=256 * 1024)
        app.router.add_post("/responses", self.submit)
        app.router.add_get("/responses", self.of_survey)
        app.router.add_get("/responses/{id}", self.one)
        app.router.add_get("/healthz", self.health)
        app.router.add_get("/readyz", self.ready)
        app.router.add_get("/metrics", self.metrics)
        return app

    async def submit(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read())
        except ValueError as error:
            raise Invalid(f"body: is not JSON: {error}") from None
        id, survey, text, score = checked(body)
        text = text.strip()

        async def store(connection: Connection) -> bool:
            if await (await connection.execute(STORE, (id, survey, text, score))).fetchone():
                return True
            known = await (await connection.execute(AGAIN, (id,))).fetchone()
            return known == (survey, text, score)

        if not await self.database.run(store):
            return answer({"error": f"id: {id!r} is taken by a response with other content"}, 409)
        for each in self.relays:
            each.wake()
        return answer({"id": id}, 201)

    async def enqueue(self, entries: Sequence[Entry]) -> list[bool]:
        """Which of these responses the queue took."""
        return await self.queue.send(
            [Outgoing(entry.id, entry.survey, json.dumps(asdict(entry), default=str)) for entry in entries]
        )

    async def one(self, request: web.Request) -> web.Response:
        row = await self.database.run(lambda connection: _fetch(connection, ONE, request.match_info["id"]))
        if not row:
            return answer({"error": f"id: there is no response {request.match_info['id']!r}"}, 404)
        return answer(row[0])

    async def of_survey(self, request: web.Request) -> web.Response:
        survey = request.query.get("survey")
        if not survey or "\0" in survey:
            raise Invalid(f"survey: got {survey!r}, expected ?survey=… with the survey's id")
        return answer(
            {"responses": await self.database.run(lambda connection: _fetch(connection, ALL, survey))}
        )

    async def health(self, request: web.Request) -> web.Response:
        """Whether to send requests here. Says nothing about the database, on purpose: when that is down
        it is down for every replica, all would be taken out, and the edge could not even pass on
        their prompt 503. /readyz tells about the database, for people and for a release's own check."""
        if self.draining:
            if self.told_at is None:
                self.told_at = time.monotonic()
            return answer({"status": "draining", "release": self.release}, 503)
        return answer({"status": "ok", "release": self.release})

    async def ready(self, request: web.Request) -> web.Response:
        await self.database.run(lambda connection: connection.execute("SELECT 1"))
        return answer({"status": "ok", "release": self.release, "database": self.database.settings.node})

    async def metrics(self, request: web.Request) -> web.Response:
        counts = self.handing_on
        return metrics.page(
            self.requests, self.unavailable, self.latency, counts.waiting, counts.handed_on, counts.failures
        )

    @web.middleware
    async def outcomes(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Turns what went wrong into an answer, and counts."""
        start = time.monotonic()

        def unavailable(error: Unavailable) -> web.Response:
            self.unavailable.add()
            log("database-unavailable", level="warning", node=self.database.settings.node, why=str(error))
            return answer({"error": "the response store is unavailable"}, 503, {"Retry-After": "1"})

        expected: Expected = {
            Invalid: lambda error: answer({"error": str(error)}, 400),
            Unavailable: unavailable,
        }
        response = await outcome(request, handler, expected)
        if self.draining:
            response.force_close()
        if request.path != "/healthz":
            self.requests.add(request.method, str(response.status))
            self.latency.observe(time.monotonic() - start, request.method)
        return response

    async def drain(self) -> None:
        """Lets the edge find out that we go, while still answering. Returns when it should know."""
        self.draining = True
        give_up = time.monotonic() + DRAIN_AT_MOST_S
        while time.monotonic() < give_up:
            if self.told_at is not None and time.monotonic() > self.told_at + TOLD_S:
                return
            await asyncio.sleep(0.02)


async def _fetch(connection: Connection, query: str, argument: str) -> list[dict[str, Any]]:
    rows = await (await connection.execute(query, (argument,))).fetchall()
    return [dict(zip(FIELDS, row, strict=True)) for row in rows]


async def main(path: Path, config: process.Config) -> None:
    here = Path(__file__).parent  # unresolved: "current" is the release that was activated
    release = process.read_json(here / "config.json")
    names = Names(Path(config["names"]), str(config["name"]))
    stop = asyncio.create_task(process.until_told_to_stop())
    async with Aws(config["aws"], names) as aws, Mail(names) as mail:
        login = await secrets.wait_for_login(aws, config["aws"]["secret"], stop)
        if login is None:
            return
        settings = Settings.of(config, release, names, login)
        queue = Queue(aws, config["aws"]["queue_url"])
        intake = Intake(Database(settings), queue, mail, here.resolve().name)
        runner = await process.listen(intake.app(), config["listen"])
        relays = [asyncio.create_task(each.run()) for each in intake.relays]
        log("started", release=intake.release, database=settings.node, psycopg=psycopg.__version__)
        await stop
        log("draining")
        await intake.drain()
        await runner.cleanup()  # answers what is in flight
        for each in intake.relays:
            each.stop()
        await asyncio.wait(relays, timeout=RELAYS_S)
        await intake.database.close()
    log("stopped")


if __name__ == "__main__":
    process.run("intake", main)
