"""Whoever asks for a mistake in a runbook, by a variable too: only in a place that is thrown away afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPEN = """
import json, sys
from chaos_ext import trial
from chaos_ext.errors import Blocked
try:
    trial.current({
        "chaos_environment": "dedicated", "chaos_mode": "postgresql-lock-held", "chaos_arm": sys.argv[1],
        "chaos_trial_dir": sys.argv[2],
    })
except Blocked as error:
    print(json.dumps(str(error)))
"""


@pytest.mark.parametrize("arm", ["mutated-wrong-target-end-session", "mutated-doubled-end-session"])
def test_a_mistake_is_refused_where_nothing_is_thrown_away(project: Any, tmp_path: Path, arm: str) -> None:
    folder = tmp_path / "trial"
    done = subprocess.run(
        [sys.executable, "-c", OPEN, arm, str(folder)],
        capture_output=True, text=True, timeout=60, check=False, cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CHAOS_PROJECT": str(project.root),
             "CHAOS_STATE": str(project.root / ".chaos")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "only made in a place that is thrown away" in json.loads(done.stdout)
    kinds = [json.loads(line)["kind"] for line in (folder / "events.jsonl").read_text().splitlines()]
    assert kinds == ["trial-started", "blocked"]
