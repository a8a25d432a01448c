"""A running lab for tests, one per test process, started when the first test asks for it.

Tests share it: whoever breaks something in it puts it right again before it returns.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from chaos_ext import labs


@pytest.fixture(scope="session")
def running_lab() -> Iterator[dict[str, Any]]:
    """The facts of a healthy lab in this test process's own lab home."""
    facts = labs.up(name="shared", owner_pid=os.getpid())
    yield facts
    labs.down(facts["dir"])
