"""Stopped in the middle of a runbook, in a place that is not thrown away: a person must look before anything else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aborting import experiment, inject, python, running, small_project

from chaos_ext.safety import ledger

RESPOND = python("respond", "chaos_ext.actions.respond", runbook="runbooks/small.md")


def _chaos(root: Path, facts: dict[str, Any], *words: str) -> tuple[int, str]:
    """A command in the project, the place's facts at hand."""
    environment = {**os.environ, "CHAOS_STATE": str(root / "state"), "CHAOS_PROJECT": str(root)}
    done = subprocess.run(
        [sys.executable, "-m", "chaos_ext", "--no-version-check", "--no-log-file", *words],
        capture_output=True, text=True, timeout=60, env=environment, cwd=root, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(params=["file", "postgresql"])
def ledger_line(request: pytest.FixtureRequest, url: str) -> str:
    """How the environment's file names its ledger."""
    return "" if request.param == "file" else f"ledger: {url}"


def test_the_place_needs_a_person(service, shared_place, thing, tmp_path, ledger_line):
    block = f'touch "{thing.path}.in-the-middle"; sleep 312'
    small_project(tmp_path, service, thing.path, block=block, disposable="false", more=ledger_line)
    what = experiment(inject(thing.path), RESPOND)
    with running(tmp_path, thing.path, shared_place.facts, what) as run:
        run.wait_for("the block", Path(f"{thing.path}.in-the-middle").exists)
        run.stop("SIGTERM")
        run.process.wait(60)
        assert run.events("abort")
        assert {entry.state for entry in run.entries()} == {"undone"}
    assert thing.is_whole

    code, said = _chaos(tmp_path, shared_place.facts, "env", "status", "small")
    assert (code, "needs a person: small.md was left in the middle of 'Step 1: Try' (step-1)" in said) == (
        0,
        True,
    ), said
    (mark,) = _marks(tmp_path, ledger_line, shared_place.marker)
    assert (mark.runbook, mark.step) == ("small.md", "step-1")

    with running(tmp_path, thing.path, shared_place.facts, experiment(inject(thing.path))) as run:
        run.process.wait(60)
        (blocked,) = run.events("blocked")[-1:]
        assert "needs a person: small.md was left in the middle of" in blocked["why"]
        assert len(run.log("break")) == 1

    code, said = _chaos(
        tmp_path, shared_place.facts, "env", "clear", "small", "--reason", "looked", "--by", "sato"
    )
    assert (code, said) == (0, "small: cleared by sato: looked\n")
    assert _chaos(tmp_path, shared_place.facts, "env", "status", "small") == (0, "small: free\n")


def _marks(root: Path, ledger_line: str, marker: str) -> list[Any]:
    url = ledger_line.removeprefix("ledger: ")
    book = ledger.Ledger(root / "state" / "ledger", "small", marker, url).book()
    return list(book.marks.values())
