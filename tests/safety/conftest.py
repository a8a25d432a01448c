"""A real place (a supervisord with an identifier), things that really break, and runners that can be killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from chaos_ext.safety import ledger as ledgers
from chaos_ext.safety.ledger import Entry, Ledger

SUPPORT = Path(__file__).parent / "support"
sys.path.insert(0, str(SUPPORT))

_CONFIG = """
[unix_http_server]
file={dir}/run/supervisor.sock
[supervisord]
identifier={marker}
nodaemon=true
logfile={dir}/supervisord.log
pidfile={dir}/supervisord.pid
{user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def wait_for(holds: Callable[[], Any], what: str, within_s: float = 20.0) -> Any:
    """The first truthy answer of `holds`."""
    deadline = time.monotonic() + within_s
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"waited {within_s:g} s for: {what}"
        time.sleep(0.01)
    return answer


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for


@dataclass
class RealPlace:
    """A supervisord in a directory of its own: as much of a lab as the guard looks at."""

    directory: Path
    marker: str
    process: subprocess.Popen[bytes]

    @property
    def identity(self) -> dict[str, dict[str, str]]:
        return {"lab": {"marker": self.marker, "directory": str(self.directory)}}

    @property
    def facts(self) -> dict[str, Any]:
        path = self.directory / "run" / "supervisor.sock"
        return {"dir": str(self.directory), "marker": self.marker, "supervisor": {"socket": str(path)}}

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def vanish(self) -> None:
        self.stop()
        shutil.rmtree(self.directory)


def _own_directory() -> Path:
    """Short, for the socket's path; and not in the lab home, where the next lab sweeps away what is none."""
    return Path(tempfile.mkdtemp(prefix="s-", dir=Path(os.environ["CHAOS_LAB_HOME"]).parent))


def start_place(directory: Path, marker: str | None = None) -> RealPlace:
    """A supervisord that answers, in `directory`."""
    marker = marker or str(uuid.uuid4())
    (directory / "run").mkdir(parents=True, exist_ok=True)
    config = directory / "supervisord.conf"
    user = "user=root" if os.getuid() == 0 else ""
    config.write_text(_CONFIG.format(dir=directory, marker=marker, user=user))
    process = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for((directory / "run" / "supervisor.sock").exists, "the supervisor's socket")
    return RealPlace(directory, marker, process)


@pytest.fixture(scope="session")
def shared_place() -> Iterator[RealPlace]:
    """One for all tests that leave it alone."""
    directory = _own_directory()
    place = start_place(directory)
    yield place
    place.vanish()


@pytest.fixture
def own_place() -> Iterator[RealPlace]:
    """One that the test may end."""
    directory = _own_directory()
    place = start_place(directory)
    yield place
    place.stop()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def restart() -> Iterator[Callable[[Path], RealPlace]]:
    """Starts another place in the same directory."""
    started: list[RealPlace] = []

    def again(directory: Path) -> RealPlace:
        started.append(start_place(directory))
        return started[-1]

    yield again
    for place in started:
        place.stop()


def activity(func: str, path: Path, kind: str = "action") -> dict[str, Any]:
    """One activity of safety_breakable."""
    provider = {
        "type": "python",
        "module": "safety_breakable",
        "func": func,
        "arguments": {"path": str(path)},
    }
    return {"type": kind, "name": func.replace("_", "-"), "provider": provider}


@dataclass
class Thing:
    """A file that can be broken, and the log of who broke and mended it."""

    path: Path

    @property
    def is_whole(self) -> bool:
        return self.path.exists()

    def log(self, what: str) -> list[dict[str, Any]]:
        path = Path(f"{self.path}.log")
        lines = path.read_text().splitlines() if path.exists() else []
        return [said for said in map(json.loads, lines) if said["what"] == what]

    def fault(self, undo: str = "mend", by: str = "break_file") -> dict[str, Any]:
        return {
            "activity": activity(by, self.path),
            "undo": activity(undo, self.path),
            "in_force": activity("is_broken", self.path, "probe"),
        }


@pytest.fixture
def thing(tmp_path: Path) -> Thing:
    path = tmp_path / "thing"
    path.write_text("whole")
    return Thing(path)


@dataclass
class Runner:
    """A runner in its own process, with its fault in force."""

    process: subprocess.Popen[str]
    entry_id: str
    janitor_pid: int
    ledger_path: Path
    said: dict[str, Any]

    @property
    def entry(self) -> Entry:
        return ledgers.find(self.ledger_path, self.entry_id)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def wait_for_janitor(self) -> None:
        wait_for(lambda: not _lives(self.janitor_pid), "the janitor to end")


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def run(tmp_path: Path, thing: Thing) -> Iterator[Callable[..., Runner]]:
    """Starts a runner and waits until its fault is in force."""
    runners: list[Runner] = []
    ledger_dir = tmp_path / "ledger"

    def start(place: RealPlace, undo: str = "mend", then: str = "wait", **more: Any) -> Runner:
        wanted = {
            "ledger": str(ledger_dir),
            "instance": place.marker,
            "identity": place.identity,
            "facts": place.facts,
            "fault": thing.fault(undo),
            "then": then,
            **more,
        }
        process = subprocess.Popen(
            [sys.executable, str(SUPPORT / "safety_runner.py"), json.dumps(wanted)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(tmp_path / "stderr").open("w"),
            text=True,
        )
        assert process.stdout
        line = process.stdout.readline()
        assert line, (tmp_path / "stderr").read_text()
        said = json.loads(line)
        path = Ledger(ledger_dir, "lab", place.marker).path
        runners.append(Runner(process, said["entry"], said["janitor"], path, said))
        return runners[-1]

    yield start
    for runner in runners:
        runner.kill()
        if _lives(runner.janitor_pid):
            psutil.Process(runner.janitor_pid).kill()
        for stream in (runner.process.stdin, runner.process.stdout):
            if stream:
                stream.close()


@pytest.fixture
def book(tmp_path: Path, shared_place: RealPlace) -> Ledger:
    """The ledger of the shared place."""
    return Ledger(tmp_path / "ledger", "lab", shared_place.marker)


@pytest.fixture
def broken(tmp_path: Path, thing: Thing) -> Callable[..., Entry]:
    """Breaks the thing in this process, with its entry, as the door does."""

    def inject(place: RealPlace, undo: str = "mend", lease_s: float = 600.0, by: str = "break_file") -> Entry:
        from chaos_ext.safety import execute

        book = Ledger(tmp_path / "ledger", "lab", place.marker)
        fault = thing.fault(undo, by)
        entry = book.intend(
            "break-file",
            **fault,
            target={"path": str(thing.path)},
            prior={"holds": False},
            lease_s=lease_s,
            configuration={"chaos_facts": place.facts},
            identity=place.identity,
        )
        return book.injected(entry, execute.run(entry.activity, entry.configuration))

    return inject
