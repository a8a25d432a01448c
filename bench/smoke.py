"""One smoke run of each failure mode, split into its parts; what is left over is the tool's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.figures import figure

MODES = ("postgresql-primary-down", "service-bad-release")
CHAOS = [str(Path(sys.executable).parent / "chaos"), "--no-version-check", "--no-log-file"]


def _events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def parts(bundle: Path) -> dict[str, float]:
    """Seconds of a run by what they were spent on, from what was recorded."""
    spent: dict[str, float] = defaultdict(float)
    for event in _events(bundle / "events.jsonl"):
        if event["kind"] == "lab-started":
            spent["lab"] += event["waited_s"]
        if event["kind"] == "lab-stopped":
            spent["lab"] += event["seconds"]
    for trial in sorted((bundle / "trials").iterdir()):
        of = _events(trial / "events.jsonl")
        at = {event["kind"]: event for event in of}
        if trial.name.endswith("no-action"):
            spent["no-action arm"] += at["trial-finished"]["seconds"]
            continue
        in_force = [event["at"] for event in of if event["kind"] == "fault-in-force"]
        spent["baseline"] += at["baseline"]["seconds"]
        spent["fault"] += in_force[0] - at["baseline"]["at"]
        spent["detection"] += at["alert"]["at"] - in_force[0]
        spent["runbook"] += at["runbook-finished"]["at"] - at["alert"]["at"]
        spent["stable window"] += at["recovery"]["waited_s"]
        spent["fault"] += at["fault-undone"]["at"] - at["write-log"]["at"]
    return dict(spent)


def whole_catalogue() -> None:
    """Every failure mode alone, then all of them with two labs side by side: ten minutes, so only when asked."""
    listed = subprocess.run([*CHAOS, "catalog", "list", "--json"], capture_output=True, text=True, check=True)
    modes = [mode["id"] for mode in json.loads(listed.stdout)]
    main(modes)
    with tempfile.TemporaryDirectory() as state:
        started = time.monotonic()
        command = [*CHAOS, "verify", "all", "--jobs", "2"]
        done = subprocess.run(command, env={**os.environ, "CHAOS_STATE": state}, timeout=1200, check=False)
        print(f"all with two labs at a time: exit code {done.returncode}")
        figure("  whole campaign", time.monotonic() - started, bound=f"{30 * len(modes)} s")


def main(modes: Sequence[str] = MODES) -> None:
    """Run `chaos verify` for each mode as a user does."""
    for mode in modes:
        with tempfile.TemporaryDirectory() as state:
            started = time.monotonic()
            done = subprocess.run(
                [*CHAOS, "verify", mode],
                env={**os.environ, "CHAOS_STATE": state}, capture_output=True, text=True, timeout=300, check=False,
            )  # fmt: skip
            whole = time.monotonic() - started
            (bundle,) = (Path(state) / "runs").iterdir()
            spent = parts(bundle)
        print(f"{mode}: exit code {done.returncode}")
        figure("  whole run", whole, bound="30 s")
        for name, seconds in spent.items():
            figure(f"  {name}", seconds)
        figure("  the tool's own", whole - sum(spent.values()), bound="1 s")


if __name__ == "__main__":
    whole_catalogue()
