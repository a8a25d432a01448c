"""The services as real processes, below one folder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from waiting import answers, free_port, wait_for

from chaos_lab import cloud_names

RELEASE = {
    "database": "pg-a",
    "connect_timeout_s": 1,
    "query_timeout_s": 1.5,
    "pool_size": 4,
    "connection_lifetime_s": 3,
}
OF_DASHBOARD = {
    "database": "pg-c",
    "report_pool_size": 2,
    "live_ttl_s": 1,
    "benchmark_ttl_s": 600,
    "coalesce": False,
}
IDENTITY = {"client_id": "dashboard", "issuer": "https://login.example.co.jp"}
NOWHERE = "127.0.0.1:1"  # refused at once


@dataclass
class Part:
    """A service as a process."""

    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)
    bugs_expected: bool = False

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=self.log.open("ab"), stderr=subprocess.STDOUT)

    def tell(self, how: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.tell(how)
        return self.process.wait(20)

    def events(self, event: str) -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in self.log.read_text().splitlines())
        return [line for line in lines if line["event"] == event]


class Parts:
    """Starts services below one folder and ends them all."""

    def __init__(self, folder: Path, cloud: str) -> None:
        self.folder = folder
        self.cloud = cloud
        self.all: list[Part] = []

    def start(self, name: str, config: dict[str, Any], *, program: list[str] | None = None) -> Part:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(config))
        command = program or ["-m", f"chaos_lab.services.{name}"]
        part = Part([sys.executable, *command, "--config", str(path)], self.folder / f"{name}.log")
        part.start()
        self.all.append(part)
        return part

    def release(self, service: str, version: str = "v1", source: str | None = None, **config: Any) -> Path:
        """Makes a release and activates it. Returns the source's path through ``current``."""
        import chaos_lab.services

        base = self.folder / "releases" / service
        (base / version).mkdir(parents=True)
        text = (Path(chaos_lab.services.__file__).parent / f"{service}.py").read_text()
        (base / version / f"{service}.py").write_text(source or text)
        (base / version / "config.json").write_text(json.dumps(RELEASE | config))
        link = base / "next"
        link.symlink_to(version)
        link.replace(base / "current")
        return base / "current" / f"{service}.py"

    def names(self, **targets: int | str) -> Path:
        """names.json: every caller finds node pg_a at this port or address, and so on. The cloud is
        where it is, if nothing else is said; what is not named cannot be reached."""
        path = self.folder / "names.json"
        of_cloud = dict.fromkeys(("queue", "storage", "secrets"), self.cloud)
        where = {
            name.replace("_", "-"): f"127.0.0.1:{target}" if isinstance(target, int) else target
            for name, target in targets.items()
        }
        nowhere = dict.fromkeys(("mail", "cache", "identity"), NOWHERE)
        callers = ("intake-1", "intake-2", "insight", "dashboard")
        fresh = path.with_suffix(".fresh")
        fresh.write_text(json.dumps({caller: {**nowhere, **of_cloud, **where} for caller in callers}))
        fresh.replace(path)  # services read it while tests change it
        return path

    def intake(self, names: Path, number: int = 1, **release: Any) -> tuple[Part, str]:
        """An intake replica, healthy, and its URL."""
        source = self.folder / "releases" / "intake" / "current" / "intake.py"
        if not source.exists():
            self.release("intake", **release)
        return self.serve(f"intake-{number}", source, names)

    def insight(self, names: Path) -> tuple[Part, str]:
        return self.serve("insight", self.release("insight"), names)

    def dashboard(self, names: Path, **release: Any) -> tuple[Part, str]:
        return self.serve("dashboard", self.release("dashboard", **OF_DASHBOARD | release), names)

    def serve(self, name: str, source: Path, names: Path, *, healthy: bool = True) -> tuple[Part, str]:
        where = f"127.0.0.1:{free_port()}"
        aws = {
            "region": cloud_names.REGION,
            "access_key": cloud_names.ACCESS_KEY,
            "secret_key": cloud_names.SECRET_KEY,
            "queue_url": cloud_names.queue_url(self.cloud, cloud_names.QUEUE),
            "bucket": cloud_names.BUCKET,
            "secret": cloud_names.SECRET,
        }
        config = {"name": name, "listen": where, "names": str(names), "dbname": "survey", "aws": aws}
        part = self.start(name, config | {"identity": IDENTITY}, program=[str(source)])
        if healthy:
            wait_for(f"{name} is healthy", lambda: answers(f"http://{where}/healthz"))
        return part, f"http://{where}"


def end(parts: Parts) -> None:
    """Ends all, which must go in order and must have had no bugs."""
    for part in parts.all:
        part.tell(signal.SIGTERM)  # all at once: an intake waits a second for a health check that tells
    codes: dict[str, int | str] = {}
    for part in parts.all:
        try:
            codes[part.log.stem] = part.process.wait(20)
        except subprocess.TimeoutExpired:
            part.process.kill()  # whatever the verdict, nothing stays behind
            part.process.wait(20)
            codes[part.log.stem] = "had to be killed"
    assert set(codes.values()) <= {0, -signal.SIGKILL}, f"did not end in order: {codes}"
    bugs = [bug for part in parts.all if not part.bugs_expected for bug in part.events("bug")]
    assert not bugs, bugs[0]["error"]
