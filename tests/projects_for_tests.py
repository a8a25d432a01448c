"""A whole project in a temporary folder, run as a user runs it: `chaos …` in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
_STOPS_WITHIN_S = 60.0  # a run that is stopped undoes, and takes its labs down
CHAOS = [str(Path(sys.executable).parent / "chaos"), "--no-version-check", "--no-log-file"]


@dataclass
class Done:
    code: int
    out: str
    err: str


@dataclass
class Project:
    """A copy of the catalogue that a test may spoil; nothing else is copied."""

    root: Path
    more_env: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        known = {"CHAOS_PROJECT": str(self.root), "CHAOS_STATE": str(self.root / ".chaos")}
        return {**os.environ, **known, **self.more_env}

    def chaos(self, *arguments: str, timeout: float = 150) -> Done:
        return self._done([*CHAOS, *arguments], timeout)

    def _done(self, command: list[str], timeout: float = 150) -> Done:
        """Run it to its end. When that takes too long it is stopped as a person would, so that no lab outlives it."""
        with subprocess.Popen(
            command, cwd=self.root, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            try:
                out, err = process.communicate(timeout=timeout)
            except BaseException:
                process.send_signal(signal.SIGINT)
                try:
                    process.communicate(timeout=_STOPS_WITHIN_S)
                finally:
                    process.kill()
                raise
        return Done(process.returncode, out, err)

    def verify_treatment(self, mode: str) -> Done:
        """The verdict of the treatment arm alone: it refutes as early, but it never verifies."""
        return self.chaos("verify", mode, "--arms", "treatment")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*CHAOS, *arguments], cwd=self.root, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def edit(self, path: str, *changes: tuple[str, str]) -> None:
        """Replace in a file of the project; each text must be there exactly once."""
        file = self.root / path
        text = file.read_text()
        for old, new in changes:
            assert text.count(old) == 1, f"{path}: {old!r} is there {text.count(old)} times"
            text = text.replace(old, new)
        file.write_text(text)

    def bundles(self) -> list[Path]:
        return sorted((self.root / ".chaos" / "runs").glob("*"))

    def verdict(self) -> dict[str, Any]:
        (bundle,) = self.bundles()
        found: dict[str, Any] = json.loads((bundle / "verdict.json").read_text())
        return found

    def reasons(self) -> set[str]:
        return {reason["word"] for reason in self.verdict()["reasons"]}

    def events(self, trial: str = "01-treatment") -> list[dict[str, Any]]:
        path = self.bundles()[-1] / "trials" / trial / "events.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def wait_for_event(
        self, kind: str, process: subprocess.Popen[str], deadline_s: float = 60
    ) -> dict[str, Any]:
        deadline = time.monotonic() + deadline_s
        while time.monotonic() < deadline:
            for event in self.events() if self.bundles() else []:
                if event["kind"] == kind:
                    return event
            assert process.poll() is None, f"ended before {kind}: {process.communicate()[0]}"
            time.sleep(0.02)
        raise AssertionError(f"no {kind} within {deadline_s} s")

    def ledger(self) -> list[dict[str, Any]]:
        done = self.chaos("ledger", "show", "--all", "--format", "json")
        assert done.code == 0, done.err
        found: list[dict[str, Any]] = json.loads(done.out)
        return found

    def labs(self) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-m", "chaos_lab", "list", "--json"], env=self.env, capture_output=True, text=True,
            timeout=20, check=True,
        )  # fmt: skip
        return [lab["name"] for lab in json.loads(done.stdout) if lab["name"] != "shared"]  # other tests' own


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name in ("catalog", "environments", "experiments"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return Project(tmp_path)


@pytest.fixture
def ended() -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    """Processes handed to it are ended after the test, whatever happened."""
    held: list[subprocess.Popen[str]] = []
    yield held.append
    for process in held:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=10)
