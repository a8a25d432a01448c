"""The dashboard: summaries of surveys, what became of a response, exports, sign-in.

It reads from the read replica and from nowhere else. Runs from a release folder that holds this file and
``config.json``, as the intake does.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from chaos_lab.services import metrics, process, secrets, summaries
from chaos_lab.services.aws import Aws
from chaos_lab.services.cache import Cache
from chaos_lab.services.calling import Names
from chaos_lab.services.database import Connection, Database, Settings, Unavailable
from chaos_lab.services.outcomes import Expected, outcome
from chaos_lab.services.process import answer, log
from chaos_lab.services.signin import SignIn, WrongPassword
from chaos_lab.services.storage import Bucket, lines

TOPICS = "SELECT topics FROM analyses WHERE response_id = %s"
ANALYSED = "SELECT response_id, topics FROM analyses WHERE survey = %s ORDER BY analysed_at, response_id"
MAILED = "SELECT mailed_at FROM outbox WHERE response_id = %s AND mailed_at IS NOT NULL"
ALL = "SELECT id, survey, text, score, received_at FROM responses WHERE survey = %s ORDER BY received_at, id"
FIELDS = ("id", "survey", "text", "score", "received_at")


class Invalid(Exception):
    """The request cannot be accepted; the message tells the sender what to change."""


class Dashboard:
    """The requests."""

    def __init__(
        self,
        database: Database,
        cache: Cache,
        summarised: summaries.Summaries,
        bucket: Bucket,
        sign_in: SignIn,
        release: str,
    ) -> None:
        self.database, self.cache, self.summarised = database, cache, summarised
        self.bucket, self.sign_in = bucket, sign_in
        self.release = release
        self.requests = metrics.Counter("dashboard_requests_total", "Requests answered.", "code", "path")
        self.latency = metrics.Histogram("dashboard_request_duration_seconds", "Time to answer.", "path")

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self.outcomes])
        app.router.add_get("/dashboard/summary", self.summary)
        app.router.add_get("/dashboard/topics/{id}", self.topics)
        app.router.add_get("/dashboard/analyses", self.analyses)
        app.router.add_get("/dashboard/mail/{id}", self.mail)
        app.router.add_post("/dashboard/exports", self.export)
        app.router.add_post("/dashboard/sign-in", self.signed_in)
        app.router.add_get("/healthz", self.health)
        app.router.add_get("/readyz", self.ready)
        app.router.add_get("/metrics", self.metrics)
        return app

    async def summary(self, request: web.Request) -> web.Response:
        survey = _survey(request.query.get("survey"), "?survey=… with the survey's id")
        benchmark = request.query.get("benchmark")
        if benchmark is not None and not re.fullmatch("[0-9]{1,4}", benchmark):
            raise Invalid(f"benchmark: got {benchmark!r}, expected a number such as 7")
        live, compared = await self.summarised.both(survey, None if benchmark is None else int(benchmark))
        return answer({**live, **({"benchmark": compared} if compared else {})})

    async def topics(self, request: web.Request) -> web.Response:
        """404 until insight has seen the response."""
        id = request.match_info["id"]
        row = await self._one(TOPICS, id)
        if row is None:
            return answer({"error": f"id: {id!r} is not analysed yet"}, 404)
        return answer({"id": id, "topics": row[0]})

    async def analyses(self, request: web.Request) -> web.Response:
        """Everything of a survey that insight has seen, oldest first."""
        survey = _survey(request.query.get("survey"), "?survey=… with the survey's id")

        async def read(connection: Connection) -> list[tuple[Any, ...]]:
            return await (await connection.execute(ANALYSED, (survey,))).fetchall()

        rows = await self.database.run(read)
        return answer({"analyses": [{"id": id, "topics": topics} for id, topics in rows]})

    async def mail(self, request: web.Request) -> web.Response:
        """404 until the thank-you was sent."""
        id = request.match_info["id"]
        row = await self._one(MAILED, id)
        if row is None:
            return answer({"error": f"id: no mail was sent for {id!r} yet"}, 404)
        return answer({"id": id, "sent_at": row[0]})

    async def export(self, request: web.Request) -> web.Response:
        """All responses of a survey as an object that was read back."""
        survey = _survey((await _body(request)).get("survey"), "the survey's id")

        async def read(connection: Connection) -> list[tuple[Any, ...]]:
            return await (await connection.execute(ALL, (survey,))).fetchall()

        rows = await self.database.run(read)
        content = lines(dict(zip(FIELDS, row, strict=True)) for row in rows)
        key = f"exports/{survey}/{uuid.uuid4().hex}.jsonl"
        await self.bucket.put(key, content)
        if await self.bucket.get(key) != content:
            raise Unavailable(f"storage: {key} reads back as something else")
        newest = {"id": rows[-1][0]} if rows else None
        return answer({"key": key, "responses": len(rows), "newest": newest}, 201)

    async def signed_in(self, request: web.Request) -> web.Response:
        body = await _body(request)
        user, password = body.get("user"), body.get("password")
        if not (isinstance(user, str) and isinstance(password, str)):
            raise Invalid("body: expected a JSON object with user and password")
        return answer({"session": await self.sign_in.session(user, password)})

    async def health(self, request: web.Request) -> web.Response:
        """Whether the process answers. Not whether the replica does: see the intake's."""
        return answer({"status": "ok", "release": self.release})

    async def ready(self, request: web.Request) -> web.Response:
        await self.database.run(lambda connection: connection.execute("SELECT 1"))
        return answer({"status": "ok", "release": self.release, "database": self.database.settings.node})

    async def metrics(self, request: web.Request) -> web.Response:
        cache, summarised = self.cache, self.summarised
        summarised.measure()
        return metrics.page(
            self.requests,
            self.latency,
            *(cache.hits, cache.misses, cache.errors),
            *(summarised.computed, summarised.busy),
        )

    async def _one(self, query: str, id: str) -> tuple[Any, ...] | None:
        if "\0" in id:
            return None

        async def read(connection: Connection) -> tuple[Any, ...] | None:
            return await (await connection.execute(query, (id,))).fetchone()

        return await self.database.run(read)

    @web.middleware
    async def outcomes(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Turns what went wrong into an answer, and counts."""
        start = time.monotonic()

        def unavailable(error: Unavailable) -> web.Response:
            log("unavailable", level="warning", path=request.path, why=str(error))
            return answer({"error": "this is unavailable now"}, 503, {"Retry-After": "1"})

        expected: Expected = {
            Invalid: lambda error: answer({"error": str(error)}, 400),
            WrongPassword: lambda error: answer({"error": "user or password is wrong"}, 401),
            Unavailable: unavailable,
        }
        response = await outcome(request, handler, expected)
        if request.path != "/healthz":
            resource = request.match_info.route.resource
            path = resource.canonical if resource else ""
            self.requests.add(str(response.status), path)
            self.latency.observe(time.monotonic() - start, path)
        return response


def _survey(value: object, expected: str) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise Invalid(f"survey: got {value!r}, expected {expected}")
    return value


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise Invalid(f"body: is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise Invalid(f"body: got {type(body).__name__}, expected a JSON object")
    return body


async def main(path: Path, config: process.Config) -> None:
    here = Path(__file__).parent  # unresolved: "current" is the release that was activated
    release = process.read_json(here / "config.json")
    names = Names(Path(config["names"]), str(config["name"]))
    stop = asyncio.create_task(process.until_told_to_stop())
    async with Aws(config["aws"], names) as aws:
        login = await secrets.wait_for_login(aws, config["aws"]["secret"], stop)
        if login is None:
            return
        settings = Settings.of(config, release, names, login, read_only=True)
        database = Database(settings)
        size = int(release["report_pool_size"])
        reports = Database(replace(settings, pool_size=size, wait_s=summaries.WAIT_S))
        cache = Cache(names)
        summarised = summaries.Summaries(cache, reports, release)
        sign_in = SignIn(config["identity"], names, cache)
        bucket = Bucket(aws, config["aws"]["bucket"])
        dashboard = Dashboard(database, cache, summarised, bucket, sign_in, here.resolve().name)
        runner = await process.listen(dashboard.app(), config["listen"])
        log("started", release=dashboard.release, database=settings.node)
        await stop
        await runner.cleanup()
        for what in (summarised, sign_in, cache, database):
            await what.close()
    log("stopped")


if __name__ == "__main__":
    process.run("dashboard", main)
