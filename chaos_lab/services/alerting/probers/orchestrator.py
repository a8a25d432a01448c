"""How often the orchestrator had to start a part anew that ended by itself.

    part_restarts_total {part,service}

Read from its log, in which every end and every start has a line.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from chaos_lab.restarts import Restarts
from chaos_lab.services.alerting.probers.prober import Found, NoAnswer, Prober, series
from chaos_lab.services.process import Config

_MOST_AT_ONCE_BYTES = 1 << 20


class Orchestrator:
    """A supervisor, by its log."""

    every: ClassVar[int] = 1
    name = "orchestrator"

    def __init__(self, path: Path, services: dict[str, str]) -> None:
        self._path = path
        self._services = services  # part: the service that it is a replica of
        self._restarts = Restarts()
        self._at, self._file, self._rest = 0, 0, b""

    async def look(self) -> Found:
        self._read()
        return {
            series("part_restarts_total", part=part, service=service): float(
                self._restarts.counts.get(part, 0)
            )
            for part, service in self._services.items()
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
        lines, _, self._rest = (self._rest + said).rpartition(b"\n")
        self._restarts.read(lines)


def of_config(config: Config) -> list[Prober]:
    if "orchestrator" not in config:
        return []
    orchestrator = config["orchestrator"]
    return [Orchestrator(Path(orchestrator["log"]), dict(orchestrator["parts"]))]
