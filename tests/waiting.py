"""Waits with deadlines, and ports that nobody has."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests


def wait_for(what: str, condition: Callable[[], Any], within_s: float = 20.0) -> Any:
    """The first true value of `condition()`, with a deadline and never a plain sleep."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.02)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str, status: int = 200, **how: Any) -> bool:
    try:
        return requests.get(url, timeout=2, **how).status_code == status
    except requests.RequestException:
        return False


@pytest.fixture
def until() -> Callable[..., Any]:
    """Waits until a condition holds; its first true value."""
    return lambda holds, what="it", within_s=30.0: wait_for(what, holds, within_s)
