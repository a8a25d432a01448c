"""A real cache server."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from waiting import wait_for

from chaos_lab import valkey as valkey_program


@dataclass
class Valkey:
    """A cache server, started and stopped by us."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            str(valkey_program.server()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
            "--maxmemory", "16mb", "--maxmemory-policy", "noeviction", "--dir", str(self.folder),
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for("the cache answers", lambda: not valkey_program.problem(self.port))

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None

    @property
    def client(self) -> Any:
        return redis.Redis(port=self.port, socket_timeout=5)

    def limit(self, size: str) -> None:
        """16mb at start; with 1mb it is full at once, since that is what it needs for itself."""
        with self.client as client:
            client.config_set("maxmemory", size)
