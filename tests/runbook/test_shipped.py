"""The shipped runbooks, followed for real in a lab that is broken by hand."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_for

from chaos_ext import environments, labs
from chaos_ext.model import Place
from chaos_ext.runbook.follow import Outcome, follow
from chaos_ext.runbook.parse import parse
from chaos_ext.runbook.verify_once import VerifiedOnce, verify_once
from chaos_ext.safety import guard

RUNBOOKS = Path(__file__).resolve().parents[2] / "catalog" / "runbooks"
TEXTS = ("The new desk booking works well.", "会議が多すぎます。", "My manager listens.")


class Broken:
    """A lab of its own, to break and to mend."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.place = Place(
            environments.fill(environments.load("lab"), facts), instance=facts["marker"], facts=facts
        )
        self.output: list[str] = []

    def tool(self, *words: str) -> str:
        command = [f"{self.facts['bin']}/{words[0]}", *words[1:]]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout

    def emit(self, kind: str, **fields: Any) -> None:
        if kind == "step-output":
            self.output.append(fields["line"])

    def _way(self) -> dict[str, Any]:
        environment = self.place.environment
        return {
            "platform": "lab",
            "variables": environment.variables,
            "secrets": {},
            "path": environment.path,
            "emit": self.emit,
            "aborting": threading.Event(),
        }

    def _prove(self) -> None:
        guard.prove(self.place)

    def look(self, name: str) -> VerifiedOnce:
        return verify_once(parse(RUNBOOKS / name), **self._way())

    def follow(self, name: str) -> Outcome:
        self.output.clear()
        return follow(parse(RUNBOOKS / name), prove=self._prove, **self._way())

    def lose(self, node: str) -> None:
        """The node's processes die at once and its disk is gone."""
        self.tool("supervisorctl", "signal", "KILL", node)
        wait_for("it has exited", lambda: "EXITED" in self.tool("supervisorctl", "status", node))
        data = Path(self.facts["data"])
        (data / node).rename(data / f".{node}.lost.{time.monotonic_ns()}")

    def submit(self, text: str) -> int:
        body = json.dumps({"id": uuid.uuid4().hex, "survey": "s", "text": text, "score": 4}).encode()
        request = urllib.request.Request(
            self.facts["edge"]["url"] + "/responses", body, {"content-type": "application/json"}
        )
        trust = ssl.create_default_context(cafile=self.facts["edge"]["ca_file"])
        try:
            with urllib.request.urlopen(request, context=trust, timeout=5) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    @contextmanager
    def submissions(self) -> Iterator[list[int]]:
        """A few submissions a second meanwhile; their statuses."""
        statuses: list[int] = []
        done = threading.Event()

        def go_on() -> None:
            number = 0
            while not done.wait(0.1):
                statuses.append(self.submit(TEXTS[number % len(TEXTS)]))
                number += 1

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield statuses
        finally:
            done.set()
            thread.join()


@pytest.fixture
def broken() -> Iterator[Broken]:
    facts = labs.up(name=f"rb-{os.getpid()}", owner_pid=os.getpid())
    yield Broken(facts)
    labs.down(facts["dir"])


def test_the_primary_is_lost_and_then_the_next_one(broken: Broken) -> None:
    name = "postgresql-primary-down.md"
    assert broken.submit(TEXTS[0]) == 201
    for primary in ("pg-a", "pg-b"):
        broken.lose(primary)
        assert broken.submit(TEXTS[0]) == 503
        assert not broken.look(name).passed
        outcome = broken.follow(name)
        assert outcome.ok, (outcome.why, broken.output)
        assert outcome.variables["NEW_PRIMARY"] != primary
        assert f"{primary}: follows {outcome.variables['NEW_PRIMARY']}" in broken.output
        assert broken.submit(TEXTS[0]) == 201
        wait_for(
            "the look passes", lambda: broken.look(name).passed
        )  # connections are made anew now and then
    releases = broken.tool("release", "list", "intake")
    again = broken.follow(name)
    assert again.ok, "followed when nothing is wrong, it does nothing"
    assert broken.tool("release", "list", "intake") == releases


def test_two_primaries_are_for_a_person(broken: Broken) -> None:
    broken.tool("psql", "service=pg-c", "-c", "SELECT pg_promote(true, 10)")
    outcome = broken.follow("postgresql-primary-down.md")
    assert (outcome.ok, outcome.failed_step, outcome.needs_person) == (False, "decision-2", True)
    assert "step-3" not in outcome.exercised


def test_a_bad_release_is_rolled_back(broken: Broken, tmp_path: Path) -> None:
    name = "service-bad-release.md"
    current = Path(broken.facts["releases"]) / "intake" / "current"
    source = (current / "intake.py").read_text()
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "config.json").write_text((current / "config.json").read_text())
    (bad / "intake.py").write_text(source.replace("text.strip()", 'text.strip().encode("ascii").decode()'))
    assert not broken.look(name).passed, "without any submission it cannot be known"
    with broken.submissions() as statuses:
        wait_for("some are stored", lambda: statuses.count(201) > 3)
        assert broken.look(name).passed
        version = broken.tool("release", "add", "intake", str(bad)).strip()
        broken.tool("release", "activate", "intake", version)
        wait_for("some fail", lambda: statuses.count(500) > 3)
        assert not broken.look(name).passed
        outcome = broken.follow(name)
        assert outcome.ok, (outcome.why, broken.output)
        assert outcome.exercised[-2:] == ("step-4", "verification")
        assert broken.tool("release", "current", "intake").strip() == "v1"
        before = len(statuses)
        wait_for("more are sent", lambda: len(statuses) > before + 6)
        assert set(statuses[before + 1 :]) == {201}
        again = broken.follow(name)
        assert again.ok, (again.why, broken.output)
        assert "step-4" not in again.exercised
        assert broken.tool("release", "current", "intake").strip() == "v1"
