"""How many labs this machine can bear at once."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import psutil

from chaos_ext.errors import Problem
from chaos_ext.language import t
from chaos_ext.model import Environment

LAB_BYTES = 700 * 2**20  # one lab and the run beside it
_CGROUP = Path("/sys/fs/cgroup")


def problem(jobs: int, environment: Environment) -> Problem | None:
    """Why `jobs` at once are too many in `environment`; None when they are not. One is never too many."""
    if jobs <= 1:
        return None
    if environment.platform != "lab":
        hint = t("Leave JOBS away.")
        expected = t("1: a place of its own for every run is what only the lab has")
        return Problem("JOBS", "", str(jobs), expected, hint)
    return too_many(jobs, cores(), available_bytes())


def too_many(jobs: int, on_cores: int, bytes_available: int) -> Problem | None:
    """`problem` for a lab, with what the machine has."""
    by_memory = bytes_available // LAB_BYTES
    most = max(1, min(on_cores, by_memory))
    if jobs <= most:
        return None
    if on_cores <= by_memory:
        expected = t(
            "at most {most}: every lab needs a processor core, or what is measured is the machine and not the "
            "service, and {cores} can be used here",
            most=most,
            cores=on_cores,
        )
    else:
        expected = t(
            "at most {most}: every lab needs about {lab} GB of memory, and {free} GB are free",
            most=most,
            lab=_gigabytes(LAB_BYTES),
            free=_gigabytes(bytes_available),
        )
    return Problem("JOBS", "", str(jobs), expected, t("Try: JOBS={most}", most=most))


def _gigabytes(amount: int) -> str:
    return f"{amount / 2**30:.1f}"


def cores() -> int:
    """Processor cores that this process may use: what the scheduler allows, and a container's share of it."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = (_CGROUP / "cpu.max").read_text(encoding="ascii").split()
        if quota != "max":
            allowed = min(allowed, int(quota) // int(period))
    return max(1, allowed)


def available_bytes() -> int:
    """Memory that can be had without swapping, a container's limit included."""
    free = int(psutil.virtual_memory().available)
    with contextlib.suppress(OSError, ValueError):  # no limit ("max"), or no such file
        limit = int((_CGROUP / "memory.max").read_text(encoding="ascii"))
        used = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
        free = min(free, max(0, limit - used))
    return free
