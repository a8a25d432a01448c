"""What activities are measured with, over the lab that a test process shares. Whoever breaks it mends it."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chaos_ext import environments
from chaos_ext.runbook import blocks, parse

Facts = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def configuration(running_lab: Facts) -> dict[str, Any]:
    return {"chaos_facts": running_lab}


@dataclass(frozen=True)
class Followed:
    """How the last of some blocks ended, and the variables after it."""

    exit: int | None
    out: str  # both streams
    variables: dict[str, str]


@pytest.fixture
def follow(running_lab: Facts) -> Callable[..., Followed]:
    """Runs blocks of a shipped runbook by their names, after its parameters, as the toolkit does; no step between."""
    place = environments.fill(environments.load("lab", ROOT), running_lab)

    def run(mode: str, *names: str, **given: str) -> Followed:
        runbook = parse.parse(ROOT / "catalog" / "runbooks" / f"{mode}.md")
        known = {block.name: (step, block) for step, block in runbook.blocks()}
        lines: list[str] = []
        with blocks.open_shell({**place.variables, **given}, {}, place.path) as shell:
            runner = blocks.Blocks(shell, {}, threading.Event())
            for name in ("parameters", *names):
                lines.clear()
                ended = runner.run(*known[name], lambda _, line: lines.append(line))
                if ended.exit != 0:
                    break
            return Followed(ended.exit, "\n".join(lines), dict(shell.variables))

    return run


@pytest.fixture
def psql(running_lab: Facts) -> Callable[..., str]:
    """What a node answers to an operator, or to `user`; "error: …" when it refuses."""

    def ask(node: str, sql: str, user: str = "postgres") -> str:
        command = [f"{running_lab['bin']}/psql", f"service={node} user={user}", "-XAtqc", sql]
        environment = {**os.environ, "PGCONNECT_TIMEOUT": "2"}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, env=environment, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else f"error: {done.stderr.strip()}"

    return ask


@pytest.fixture
def user(running_lab: Facts) -> Callable[..., tuple[int, Any]]:
    """Does what a user does: (status, JSON) of a request through the edge. With `body` it is a POST."""
    context = ssl.create_default_context(cafile=running_lab["edge"]["ca_file"])

    def ask(path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"{running_lab['edge']['url']}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=6, context=context) as answer:
                return int(answer.status), json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, None

    return ask


@pytest.fixture
def submit(user: Callable[..., tuple[int, Any]]) -> Callable[..., int]:
    """Submits a response; the status of the answer."""

    def post(text: str, survey: str = "s") -> int:
        return user("/responses", {"id": uuid.uuid4().hex, "survey": survey, "text": text, "score": 4})[0]

    return post
