"""Running the lab's command as a process, and looking for traces of a lab without the lab's own eyes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class LabCommand:
    """`python -m chaos_lab` in a lab home of its own."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    python: list[str] = field(default_factory=lambda: [sys.executable])
    user: dict[str, Any] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CHAOS_LAB")}
        return {**kept, "CHAOS_LAB_HOME": str(self.home), **self.environment}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.python, "-m", "chaos_lab", *words],
            env=self.env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **self.user,
        )

    def __call__(self, *words: str) -> Answer:
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Answer(process.returncode, out, err)

    def up(self, name: str, *options: str) -> dict[str, Any]:
        answer = self("up", "--name", name, "--json", *options)
        assert answer.code == 0, answer.err
        facts: dict[str, Any] = answer.json
        return facts

    def names(self) -> set[str]:
        return {lab["name"] for lab in self("list", "--json").json}


@pytest.fixture
def lab_command() -> Iterator[LabCommand]:
    """A lab home of the test's own, gone afterwards with everything that ran for it.

    Not in tmp_path, which root keeps at 0700: PostgreSQL runs as somebody else then and must get through.
    """
    home = Path(tempfile.mkdtemp(prefix="ct-lab-", dir="/tmp"))
    home.chmod(0o711)
    yield LabCommand(home)
    left = processes_of(home)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=5)
    shutil.rmtree(home, ignore_errors=True)
    assert not left, f"still ran for the lab: {left}"


def processes_of(directory: Path | str) -> list[psutil.Process]:
    """Living processes that have to do with this directory: by command line, working directory or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid in (os.getpid(), os.getppid()) or process.status() == psutil.STATUS_ZOMBIE:
                continue
            words = [*process.cmdline(), process.cwd(), process.environ().get("CHAOS_LAB_PART_OF", "")]
            if any(str(directory) in word for word in words):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def answers(host: str, port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def ports_of(facts: dict[str, Any]) -> list[int]:
    """Every port of a lab, from its own configuration files."""
    state = json.loads((Path(facts["dir"]) / "lab.json").read_text())
    return list(state["ports"].values())


def segments(facts: dict[str, Any]) -> set[str]:
    """System V shared memory that the lab's PostgreSQL servers made and nobody removed."""
    table = Path("/proc/sysvipc/shm")
    if not table.exists():
        return set()
    servers = {str(process.pid) for process in processes_of(facts["data"])}
    return {row[1] for row in map(str.split, table.read_text().splitlines()[1:]) if row[4] in servers}


def still_there(segments: set[str]) -> set[str]:
    """Those of the segments that exist."""
    table = Path("/proc/sysvipc/shm")
    return (
        segments & {line.split()[1] for line in table.read_text().splitlines()} if table.exists() else set()
    )


def tool(facts: dict[str, Any], *words: str, cwd: str = "/", **variables: str) -> Answer:
    """Run one of the operators' tools as the follower of a runbook does: by its name, from the PATH."""
    path = f"{facts['bin']}:/usr/bin:/bin"
    done = subprocess.run(
        list(words),
        env={"PATH": path, "LAB_DATA": facts["data"], "PGCONNECT_TIMEOUT": "2", **variables},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def operate(running_lab: dict[str, Any]) -> Callable[..., Answer]:
    """`tool` in the shared lab."""
    return lambda *words, **options: tool(running_lab, *words, **options)


class Traces:
    """What tests look with; a fixture, since test modules cannot import each other."""

    processes_of = staticmethod(processes_of)
    answers = staticmethod(answers)
    ports_of = staticmethod(ports_of)
    segments = staticmethod(segments)
    still_there = staticmethod(still_there)
    wait_for = staticmethod(wait_for)
    tool = staticmethod(tool)


@pytest.fixture
def traces() -> Traces:
    return Traces()
