"""Which replica gets a request: round robin over those that answer their health check and do not fail."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp

from chaos_lab.services.process import BadConfig, Config, log

CHECK_S = 1.0  # how long a health check may take
LATE_CHECKS = 2  # in a row, before a replica that is only slow is taken out
FAILURES = 3  # requests in a row that broke off or were late, before a replica is ejected
EJECTED_S = 1.0


@dataclass
class Replica:
    """One process of a service, as this edge sees it."""

    name: str
    url: str
    healthy: bool = True  # until told otherwise: a restarted edge must not refuse everything
    ejected_until: float = 0.0
    failures: int = 0
    late_checks: int = 0
    why: str = field(default="", repr=False)

    def usable(self) -> bool:
        return self.healthy and time.monotonic() >= self.ejected_until

    def succeeded(self) -> None:
        """It answered: any answer, also a 500. A bug is in every replica of a release; ejecting for it
        would take them all out and turn some failures into an outage."""
        self.failures = 0

    def failed(self, why: str, *, at_once: bool = False) -> None:
        """A request did not get an answer. `at_once`: it does not even listen, so the next check decides."""
        if at_once:
            self.mark(False, why)
            return
        self.failures += 1
        if self.failures >= FAILURES:
            self.failures = 0
            self.ejected_until = time.monotonic() + EJECTED_S
            log("ejected", level="warning", replica=self.name, why=why, for_s=EJECTED_S)

    def mark(self, healthy: bool, why: str = "") -> None:
        if healthy != self.healthy:
            log("healthy" if healthy else "unhealthy", replica=self.name, why=why)
        self.healthy, self.why = healthy, why
        if healthy:
            self.late_checks = 0

    async def check(self, session: aiohttp.ClientSession, path: str) -> None:
        """One health check."""
        try:
            async with session.get(
                self.url + path, timeout=aiohttp.ClientTimeout(total=CHECK_S), allow_redirects=False
            ) as response:
                self.mark(response.status == 200, f"{path} answers {response.status}")
        except TimeoutError:
            self.late_checks += 1
            if self.late_checks >= LATE_CHECKS:
                self.mark(False, f"{path} answers too late")
        except aiohttp.ClientError as error:
            self.mark(False, f"{path}: {error}")


class Routes:
    """Path prefixes to services, services to replicas."""

    def __init__(
        self,
        prefixes: list[tuple[str, str]],
        replicas: dict[str, list[Replica]],
        health_every_s: float,
        health_path: str,
    ) -> None:
        self.prefixes = sorted(prefixes, key=lambda prefix: -len(prefix[0]))  # the longest wins
        self.replicas = replicas
        self.health_every_s = health_every_s
        self.health_path = health_path
        self._next = dict.fromkeys(replicas, 0)
        self._checks: list[asyncio.Task[None]] = []

    @staticmethod
    def of(config: Config, before: Routes | None = None) -> Routes:
        """From the configuration; replicas known already keep their health. Raises BadConfig, KeyError."""
        known = {(r.name, r.url): r for rs in before.replicas.values() for r in rs} if before else {}
        replicas = {
            service: [known.get((r["name"], r["url"])) or Replica(r["name"], _url(r["url"])) for r in listed]
            for service, listed in config["services"].items()
        }
        prefixes = [(str(route["prefix"]).rstrip("/"), str(route["service"])) for route in config["routes"]]
        for prefix, service in prefixes:
            if service not in replicas:
                raise BadConfig(
                    f"routes: {prefix}: got service {service!r}, expected one of {', '.join(replicas)}"
                )
        return Routes(prefixes, replicas, float(config["health_every_s"]), str(config["health_path"]))

    def service(self, path: str) -> str | None:
        """The service that serves a path: /responses serves /responses and /responses/1, not /responses2."""
        for prefix, service in self.prefixes:
            if path == prefix or path.startswith(prefix + "/"):
                return service
        return None

    def choose(self, service: str, tried: list[Replica]) -> Replica | None:
        """The next replica, or None when there is none.

        When every healthy one is ejected they are used all the same: slow answers are better than none.
        """
        replicas = self.replicas[service]
        start = self._next[service]
        spare: Replica | None = None
        for offset in range(len(replicas)):
            at = (start + offset) % len(replicas)
            replica = replicas[at]
            if replica in tried or not replica.healthy:
                continue
            if replica.usable():
                self._next[service] = at + 1
                return replica
            spare = spare or replica
        if spare is not None:
            self._next[service] = replicas.index(spare) + 1
        return spare

    def state(self) -> dict[str, dict[str, str]]:
        return {
            service: {r.name: "usable" if r.usable() else r.why or "ejected" for r in replicas}
            for service, replicas in self.replicas.items()
        }

    def start_checks(self, session: aiohttp.ClientSession) -> None:
        for replica in (replica for replicas in self.replicas.values() for replica in replicas):
            self._checks.append(asyncio.create_task(self._check(replica, session)))

    async def stop_checks(self) -> None:
        for task in self._checks:
            task.cancel()
        await asyncio.gather(*self._checks, return_exceptions=True)
        self._checks.clear()

    async def _check(self, replica: Replica, session: aiohttp.ClientSession) -> None:
        while True:
            await replica.check(session, self.health_path)
            await asyncio.sleep(self.health_every_s)


def _url(text: object) -> str:
    parts = urlsplit(str(text))
    if parts.scheme != "http" or not parts.hostname or not parts.port:
        raise BadConfig(f"services: got url {text!r}, expected one such as 'http://127.0.0.1:8080'")
    return str(text).rstrip("/")
