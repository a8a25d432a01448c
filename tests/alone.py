"""Tests marked `alone` have the machine to themselves: no other worker runs a test beside them.

They run whole labs and come to a verdict from what a meter measured; a test beside them, with a lab of its own, made
a busy machine of two cores, and `unknown` the honest word. Every other test shares the machine.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Directories of the checkout are what all workers of a run have in common; a lock on one writes nothing.
_CHECKOUT = Path(__file__).resolve().parents[1]
_DOOR, _ROOM = _CHECKOUT / "tests", _CHECKOUT / "chaos_ext"


@contextmanager
def _locked(directory: Path, how: int) -> Iterator[None]:
    held = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, how)
        yield
    finally:
        os.close(held)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    alone = item.get_closest_marker("alone") is not None and item.get_closest_marker("skip") is None
    # Whoever waits for the room stands in the door, so that nobody enters meanwhile.
    with _locked(_DOOR, fcntl.LOCK_EX):
        room = _locked(_ROOM, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        room.__enter__()
    try:
        return (yield)
    finally:
        room.__exit__(None, None, None)
