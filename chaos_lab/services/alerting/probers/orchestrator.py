"""How often the orchestrator had to start a part anew that ended by itself.

    part_restarts_total {part,service}

Read from its log, in which every end and every start has a line: looking now and then would miss those
that come quickly after each other. A stop that was asked for, as in a release, is none.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from chaos_lab.services.alerting.probers.prober import Found, NoAnswer, Prober, series
from chaos_lab.services.process import Config

# 2026-01-31 12:00:00,123 WARN exited: intake-1 (terminated by SIGKILL; not expected)
_EVENT = re.compile(r"^\S+ \S+ [A-Z]+ (exited|stopped|spawned): '?([^ ']+)")
_MOST_AT_ONCE_BYTES = 1 << 20


class Orchestrator:
    """A supervisor, by its log."""

    every: ClassVar[int] = 1
    name = "orchestrator"

    def __init__(self, path: Path, services: dict[str, str]) -> None:
        self._path = path
        self._services = services  # part: the service that it is a replica of
        self._restarts = dict.fromkeys(services, 0)
        self._ended: set[str] = set()  # by themselves, and not started since
        self._at, self._file, self._rest = 0, 0, b""

    async def look(self) -> Found:
        self._read()
        return {
            series("part_restarts_total", part=part, service=self._services[part]): float(number)
            for part, number in self._restarts.items()
        }

    def failed(self) -> Found:
        return {}

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                facts = self._path.stat()
                if facts.st_ino != self._file or facts.st_size < self._at:  # another file, or a cut one
                    self._at, self._file, self._rest = 0, facts.st_ino, b""
                file.seek(self._at)
                said = file.read(_MOST_AT_ONCE_BYTES)
        except OSError as error:
            raise NoAnswer(f"{self._path}: {error.strerror}") from None
        self._at += len(said)
        *lines, self._rest = (self._rest + said).split(b"\n")
        for line in lines:
            if event := _EVENT.match(line.decode(errors="replace")):
                self._happened(event[1], event[2])

    def _happened(self, what: str, part: str) -> None:
        if what == "exited":
            self._ended.add(part)
        else:
            if what == "spawned" and part in self._ended and part in self._restarts:
                self._restarts[part] += 1
            self._ended.discard(part)


def of_config(config: Config) -> list[Prober]:
    if "orchestrator" not in config:
        return []
    orchestrator = config["orchestrator"]
    return [Orchestrator(Path(orchestrator["log"]), dict(orchestrator["parts"]))]
