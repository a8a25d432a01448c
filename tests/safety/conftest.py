"""A real place (a supervisord with an identifier), things that really break, and runners that can be killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from lab_services.support.postgresql import PostgreSQL, fresh
from waiting import wait_for

from chaos_ext import environments
from chaos_ext.actions.door import Fault
from chaos_ext.model import Place
from chaos_ext.record import Recorder
from chaos_ext.safety import ledger as ledgers
from chaos_ext.safety.abort import Abort
from chaos_ext.safety.janitor import Janitor
from chaos_ext.safety.ledger import Entry, Ledger

SUPPORT = Path(__file__).parent / "support"
sys.path[:0] = [str(SUPPORT), str(SUPPORT.parents[1] / "actions" / "support")]

import ways_for_tests as ways  # noqa: E402
from aborting import small_project  # noqa: E402
from actions_door import SmallTrial, as_fault  # noqa: E402

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
        self.process.wait(20)

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
    wait_for("the supervisor's socket", (directory / "run" / "supervisor.sock").exists)
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
        self.process.wait(20)

    def wait_for_janitor(self) -> None:
        wait_for("the janitor to end", lambda: not _lives(self.janitor_pid))


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
        path = Ledger(ledger_dir, "lab", place.marker, more.get("url", "")).path
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


@pytest.fixture(scope="session")
def sts() -> Iterator[tuple[str, Any]]:
    """moto's STS: its address, and a client of it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    url = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    session = boto3.session.Session("a", "b", region_name="us-east-1")
    yield url, session.client("sts", endpoint_url=url)
    server.stop()


@pytest.fixture
def field(tmp_path: Path, sts: tuple[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[ways.Field]:
    """A project whose experiment changes something, in an environment that is what it says it is."""
    from chaos_ext.safety import gate

    gate.install()
    root = tmp_path / "project"
    with ways.recording() as dedicated, ways.recording() as production:
        ways.as_cluster(dedicated, ways.UID, purpose="chaos")
        ways.as_cluster(production, "of-production")
        ways.project(root, dedicated.url, sts[0], ways.as_profile(sts[1], ways.ACCOUNT, ways.ROLE))
        monkeypatch.chdir(root)
        monkeypatch.setenv("CHAOS_PROJECT", str(root))
        monkeypatch.setenv("CHAOS_STATE", str(root / ".chaos"))
        for name in [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_", "KUBE"))]:
            monkeypatch.delenv(name)
        yield ways.Field(root, dedicated, production, sts[1], sts[0], ways.experiment(root, dedicated.url))


# --- a ledger that machines share ---


@pytest.fixture(scope="session")
def server() -> Iterator[PostgreSQL]:
    """One server for the ledgers of all tests."""
    with fresh(fsync="on") as running:
        yield running


@pytest.fixture
def url(server: PostgreSQL) -> str:
    """A fresh database."""
    server.execute("DROP DATABASE IF EXISTS ledger WITH (FORCE)")
    server.execute("CREATE DATABASE ledger")
    return f"postgresql://postgres@127.0.0.1:{server.port}/ledger"


@pytest.fixture
def here(tmp_path: Path, url: str) -> Ledger:
    return Ledger(tmp_path / "here", "dedicated", "dedicated", url)


@pytest.fixture
def there(tmp_path: Path, url: str) -> Ledger:
    """The same ledger, as another machine has it."""
    return Ledger(tmp_path / "there", "dedicated", "dedicated", url)


# --- the guarded door, over the small place ---


@pytest.fixture
def heard() -> list[Callable[[dict[str, Any]], object]]:
    """Who listens to the events of `door`, as they happen."""
    return []


@pytest.fixture
def door(
    tmp_path: Path, shared_place: RealPlace, thing: Thing, heard: list[Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[SmallTrial]:
    """A trial as small as the door takes one."""
    root = tmp_path / "project"
    small_project(root, 1, thing.path)
    monkeypatch.setenv("CHAOS_PROJECT", str(root))
    environment = environments.fill(environments.load("small"), shared_place.facts)
    trial = SmallTrial(
        Place(environment, shared_place.marker, shared_place.facts),
        Recorder(tmp_path / "events.jsonl", (lambda event: [tell(event) for tell in heard],)),
        Ledger(tmp_path / "ledger", "small", shared_place.marker),
        Janitor.start(tmp_path / "ledger"),
        Abort(),
    )
    yield trial
    trial.janitor.close()
    trial.recorder.close()


@pytest.fixture
def fault(thing: Thing, shared_place: RealPlace) -> Fault:
    """What breaks the thing."""
    return as_fault(shared_place.facts, "break-file", **thing.fault())


@pytest.fixture
def service(thing: Thing) -> Iterator[int]:
    """A service that is well while the thing is whole, and its alerting; its port."""
    process = subprocess.Popen(
        [sys.executable, str(SUPPORT / "small_service.py"), str(thing.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    yield int(process.stdout.readline())
    process.stdin.close()
    process.wait(20)
    process.stdout.close()


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stand-in for chaosk8s that can be imported, whatever is installed."""
    known = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("chaosk8s")}
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "support" / "drivers"))
    yield
    for name in [name for name in sys.modules if name.startswith("chaosk8s")]:
        del sys.modules[name]
    sys.modules.update(known)
