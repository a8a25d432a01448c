"""What activities are measured with, over the lab that a test process shares. Whoever breaks it mends it."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

import pytest

Facts = dict[str, Any]


@pytest.fixture
def configuration(running_lab: Facts) -> dict[str, Any]:
    return {"chaos_facts": running_lab}


@pytest.fixture
def until() -> Callable[..., Any]:
    def wait_for(holds: Callable[[], Any], what: str, within_s: float = 30.0) -> Any:
        deadline = time.monotonic() + within_s
        while not (answer := holds()):
            assert time.monotonic() < deadline, f"waited {within_s:g} s for: {what}"
            time.sleep(0.02)
        return answer

    return wait_for


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
