"""The HTTPS entry: routes by path, spreads over replicas, checks their health.

SIGHUP reads the configuration and the certificate again; what cannot be used is refused and the old stays.
As nginx does at a reload, idle kept connections are closed and the others after their current request, so
that every client meets the new certificate.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import time
import uuid
from pathlib import Path

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from chaos_lab.services import metrics, process
from chaos_lab.services.process import answer, log
from chaos_lab.services.replicas import Replica, Routes

CONNECT_S = 0.5
# They belong to one connection, not to the request: RFC 9110, 7.6.1.
HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host")
)
SAFE_TO_REPEAT = frozenset(("GET", "HEAD", "OPTIONS"))


class Edge:
    """One process's routes, replicas and metrics."""

    def __init__(self, path: Path, config: process.Config) -> None:
        process.address(config["listen"]), process.address(config["metrics"])
        self.path = path
        self.requests = metrics.Counter("edge_requests_total", "Requests answered.", "service", "code")
        self.latency = metrics.Histogram("edge_request_duration_seconds", "Time to answer.", "service")
        self.retries = metrics.Counter("edge_retries_total", "Requests sent to a second replica.", "service")
        self.usable = metrics.Gauge(
            "edge_replica_usable", "1 when requests are sent there.", "service", "replica"
        )
        self.context = _context(config)
        self.routes = Routes.of(config)
        self.timeout_s = float(config["timeout_s"])
        self.session: aiohttp.ClientSession
        self.server = web.Server(self.handle, access_log=None, keepalive_timeout=process.KEEPALIVE_S)
        self._busy: set[object] = set()  # connections with a request under way
        self._leaving: set[object] = set()  # connections from before the last reload

    async def open(self) -> None:
        """Starts the client side: connections to the replicas and their health checks."""
        for service in self.routes.replicas:
            self.requests.add(service, "200", amount=0)  # so that "no requests" is not "no metrics"
        self.session = aiohttp.ClientSession(
            # The replicas keep idle connections longer: a request never meets one that is closing.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=15),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=self.timeout_s, sock_connect=CONNECT_S),
        )
        self.routes.start_checks(self.session)

    async def close(self) -> None:
        await self.routes.stop_checks()
        await self.session.close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers one request and counts it."""
        start = time.monotonic()
        self._busy.add(request.protocol)
        try:
            response, service = await self._answer(request)
        finally:
            self._busy.discard(request.protocol)
        if request.protocol in self._leaving:
            response.force_close()  # the client is told, so that its next request is not lost
        self.requests.add(service or "", str(response.status))
        self.latency.observe(time.monotonic() - start, service or "")
        return response

    async def _answer(self, request: web.BaseRequest) -> tuple[web.Response, str | None]:
        service = self.routes.service(request.path)
        if service is None:
            response = answer({"error": f"nothing is served at {request.path}"}, 404)
        else:
            try:
                response = await self.forward(request, service)
            except web.HTTPException as error:
                response = answer({"error": error.reason}, error.status)
        return response, service

    async def forward(self, request: web.BaseRequest, service: str) -> web.Response:
        """The replica's answer, or 502 (it broke off), 503 (there is none), 504 (too late)."""
        body = await request.read() if request.body_exists else None  # over 1 MiB: 413, aiohttp's limit
        headers = CIMultiDict(
            (name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP
        )
        headers["X-Forwarded-For"] = request.remote or ""
        headers["X-Forwarded-Proto"] = "https"
        request_id = headers.setdefault("X-Request-Id", uuid.uuid4().hex)
        tried: list[Replica] = []
        for attempt in (1, 2):
            replica = self.routes.choose(service, tried)
            if replica is None:
                break
            tried.append(replica)
            if attempt == 2:
                self.retries.add(service)
            try:
                response = await self.send(request, replica, body, headers)
            except aiohttp.ClientConnectorError as error:
                # Refused before anything was sent: another replica may have it, whatever the method.
                replica.failed(f"refused: {error.strerror}", at_once=True)
            except aiohttp.ConnectionTimeoutError:
                replica.failed("does not accept a connection in time")  # nothing was sent here either
            except TimeoutError:
                replica.failed("timeout")
                return self.failure(504, service, request_id, f"{replica.name} did not answer in time")
            except aiohttp.ClientError as error:
                replica.failed(type(error).__name__)
                # It may have been done: only the sender can know whether to repeat it.
                if request.method not in SAFE_TO_REPEAT:
                    return self.failure(502, service, request_id, f"{replica.name} broke off")
            else:
                replica.succeeded()
                return response
        if tried:
            return self.failure(502, service, request_id, " and ".join(r.name for r in tried) + " failed")
        return self.failure(503, service, request_id, f"no replica of {service} is healthy")

    async def send(
        self, request: web.BaseRequest, replica: Replica, body: bytes | None, headers: CIMultiDict[str]
    ) -> web.Response:
        # raw_path goes on as it came: encoded=True keeps the sender's own percent-encoding.
        url = URL(replica.url + request.raw_path, encoded=True)
        async with self.session.request(
            request.method, url, data=body, headers=headers, allow_redirects=False
        ) as response:
            content = await response.read()
            passed = CIMultiDict(
                (name, value)
                for name, value in response.headers.items()
                if name.lower() not in HOP_BY_HOP and name.lower() != "content-length"
            )
            return web.Response(body=content, status=response.status, headers=passed)

    def failure(self, status: int, service: str, request_id: str, why: str) -> web.Response:
        log("failed", level="warning", service=service, code=status, why=why, request_id=request_id)
        return answer({"error": why}, status, {"X-Request-Id": request_id})

    async def about(self, request: web.BaseRequest) -> web.StreamResponse:
        """The plain HTTP listener for operators."""
        if request.path == "/healthz":
            return answer({"status": "ok", "replicas": self.routes.state()})
        if request.path == "/metrics":
            self.usable.values.clear()
            for service, replicas in self.routes.replicas.items():
                for replica in replicas:
                    self.usable.set(replica.usable(), service, replica.name)
            return metrics.page(self.requests, self.latency, self.retries, self.usable)
        return answer({"error": "here are /healthz and /metrics"}, 404)

    async def reload(self) -> None:
        """At SIGHUP. The addresses of the listeners stay; all else changes for the next request."""
        try:
            config = process.read_json(self.path)
            _context(config)  # a certificate that does not fit its key must not reach the context in use
            routes = Routes.of(config, self.routes)
            timeout_s = float(config["timeout_s"])
        except (process.BadConfig, KeyError, TypeError, ValueError, OSError) as error:
            log("reload-refused", level="error", why=str(error) or type(error).__name__)
            return
        self.context.load_cert_chain(config["certificate"], config["key"])
        self.timeout_s = timeout_s
        old = (self.routes, self.session)
        self.routes = routes
        await self.open()
        self.let_go()
        await old[0].stop_checks()
        log("reloaded")
        await asyncio.sleep(timeout_s)  # requests that were sent on the old connections
        await old[1].close()
        self._leaving.intersection_update(self.server.connections)

    def let_go(self) -> None:
        """Closes the clients' connections: idle ones now, the others when their request is answered."""
        for connection in self.server.connections:
            self._leaving.add(connection)
            if connection not in self._busy:
                connection.force_close()


def _context(config: process.Config) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config["certificate"], config["key"])
    except OSError as error:  # ssl.SSLError too
        raise process.BadConfig(f"certificate {config['certificate']}: {error}") from None
    return context


async def main(path: Path, config: process.Config) -> None:
    edge = Edge(path, config)
    stop = asyncio.create_task(process.until_told_to_stop())
    await edge.open()
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = asyncio.create_task(edge.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
    inside = await process.listen(web.Server(edge.about, access_log=None), config["metrics"])
    outside = await process.listen(edge.server, config["listen"], ssl=edge.context)
    await stop
    await outside.cleanup()  # answers what is in flight
    await inside.cleanup()
    for task in reloads:
        task.cancel()
    await edge.close()
    log("stopped")


if __name__ == "__main__":
    process.run("edge", main)
