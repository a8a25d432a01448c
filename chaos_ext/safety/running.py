"""The experiment that Chaos Toolkit runs in this process, for those who must know what else is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Experiment = dict[str, Any]
_running: list[Experiment] = []


def experiment() -> Experiment | None:
    """The one that runs; of several within each other the innermost. None: none."""
    return _running[-1] if _running else None


@contextmanager
def one(experiment: Experiment) -> Iterator[None]:
    """`experiment` runs while inside."""
    _running.append(experiment)
    try:
        yield
    finally:
        _running.remove(experiment)
