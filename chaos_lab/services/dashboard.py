"""The dashboard's summary of a survey, read from the read replica and from nowhere else.

Runs from a release folder that holds this file and ``config.json``, as the intake does.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from chaos_lab.services import metrics, process
from chaos_lab.services.database import Connection, Database, Settings, Unavailable
from chaos_lab.services.process import answer, log

SUMMARY = "SELECT count(*), avg(score)::float8, max(received_at) FROM responses WHERE survey = %s"
NEWEST = """
    SELECT id, text, score, received_at FROM responses WHERE survey = %s
    ORDER BY received_at DESC, id DESC LIMIT 1
"""


class Dashboard:
    """The requests."""

    def __init__(self, database: Database, release: str) -> None:
        self.database = database
        self.release = release
        self.requests = metrics.Counter("dashboard_requests_total", "Requests answered.", "code")
        self.latency = metrics.Histogram("dashboard_request_duration_seconds", "Time to answer.")

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self.outcomes])
        app.router.add_get("/dashboard/summary", self.summary)
        app.router.add_get("/healthz", self.health)
        app.router.add_get("/readyz", self.ready)
        app.router.add_get("/metrics", self.metrics)
        return app

    async def summary(self, request: web.Request) -> web.Response:
        survey = request.query.get("survey")
        if not survey or "\0" in survey:
            return answer({"error": f"survey: got {survey!r}, expected ?survey=… with the survey's id"}, 400)

        async def read(connection: Connection) -> dict[str, Any]:
            counts = await (await connection.execute(SUMMARY, (survey,))).fetchone()
            newest = await (await connection.execute(NEWEST, (survey,))).fetchone()
            assert counts is not None, "an aggregate has always one row"
            return {
                "survey": survey,
                "responses": counts[0],
                "average_score": counts[1],
                "last_received_at": counts[2],
                "newest": dict(zip(("id", "text", "score", "received_at"), newest, strict=True))
                if newest
                else None,
            }

        return answer(await self.database.run(read))

    async def health(self, request: web.Request) -> web.Response:
        """Whether the process answers. Not whether the replica does: see the intake's."""
        return answer({"status": "ok", "release": self.release})

    async def ready(self, request: web.Request) -> web.Response:
        await self.database.run(lambda connection: connection.execute("SELECT 1"))
        return answer({"status": "ok", "release": self.release, "database": self.database.settings.node})

    async def metrics(self, request: web.Request) -> web.Response:
        return metrics.page(self.requests, self.latency)

    @web.middleware
    async def outcomes(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Turns what went wrong into an answer, and counts."""
        start = time.monotonic()
        response: web.StreamResponse
        try:
            response = await handler(request)
        except web.HTTPException as error:
            response = answer({"error": f"{request.method} {request.path}: {error.reason}"}, error.status)
        except Unavailable as error:
            log("database-unavailable", level="warning", node=self.database.settings.node, why=str(error))
            response = answer({"error": "the read replica is unavailable"}, 503, {"Retry-After": "1"})
        except Exception as error:  # noqa: BLE001 - the edge of the service: a bug is answered 500 and logged
            log("bug", level="error", error=error, method=request.method, path=request.path)
            response = answer({"error": "internal error"}, 500)
        if request.path != "/healthz":
            self.requests.add(str(response.status))
            self.latency.observe(time.monotonic() - start)
        return response


async def main(path: Path, config: process.Config) -> None:
    here = Path(__file__).parent  # unresolved: "current" is the release that was activated
    settings = Settings.of(config, process.read_json(here / "config.json"), read_only=True)
    dashboard = Dashboard(Database(settings), here.resolve().name)
    stop = asyncio.create_task(process.until_told_to_stop())
    runner = await process.listen(dashboard.app(), config["listen"])
    log("started", release=dashboard.release, database=settings.node)
    await stop
    await runner.cleanup()
    await dashboard.database.close()
    log("stopped")


if __name__ == "__main__":
    process.run("dashboard", main)
