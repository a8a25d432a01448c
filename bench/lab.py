"""How long a lab takes from its template until every part is healthy and replicating, and what it weighs."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from bench.figures import figure, series
from chaos_ext import labs

RUNS = 5


def _pss_mb(directory: str) -> float:
    """Proportional set size of every process that works for the lab in `directory`."""
    root = Path(directory)
    total = 0
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), process.cwd()]
            if any(str(root) in word for word in words) or any(
                str(root) in " ".join(parent.cmdline()) for parent in process.parents()
            ):
                total += process.memory_full_info().pss
        except (psutil.Error, AttributeError):
            continue
    return total / 1e6


def main() -> None:
    """Start and stop labs one after the other."""
    labs.down(labs.up(name="bench-template")["name"])  # builds the template when there is none
    up, command, down, pss = [], [], [], 0.0
    for number in range(RUNS):
        started = time.monotonic()
        facts = labs.up(name=f"bench-{number}")
        command.append(time.monotonic() - started)
        up.append(facts["started_in_s"])
        pss = max(pss, _pss_mb(facts["dir"]))
        started = time.monotonic()
        labs.down(facts["name"])
        down.append(time.monotonic() - started)
    series("lab up, all healthy", up, bound="4 s")
    series("lab up, as a command", command)
    series("lab down", down)
    figure("memory of all parts (PSS)", pss, "MB", bound="700 MB")
