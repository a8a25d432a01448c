"""Clocks: the one that people set, and the one that nobody sets."""

from __future__ import annotations

import time

_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Seconds by a clock that nobody sets, and that goes on while the machine sleeps, where there is one (Linux)."""
    return time.clock_gettime(_STEADY)


def both() -> tuple[float, float]:
    """The wall clock, in seconds since 1970, and `steady`."""
    return time.time(), steady()
