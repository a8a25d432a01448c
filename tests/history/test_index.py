from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chaos_ext.cli.history import history
from chaos_ext.errors import UsageError
from chaos_ext.history import bundle
from chaos_ext.history.index import entries, find
from chaos_ext.model import Reason, Verdict, VerdictWord

REFUTED = Verdict(VerdictWord.REFUTED, (Reason("too-slow", "01-treatment shows it."),), (), "0 of 1", 1)
Run = Callable[[], Path]


def told(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(history, list(arguments))
    return result.exit_code, result.output


def test_a_list_has_the_newest_run_first_and_says_what_was_never_judged(new_run: Run) -> None:
    old = new_run()
    bundle.seal(old, REFUTED)
    new = new_run()
    code, output = told("list")
    assert code == 0
    _, first, second = output.splitlines()
    assert "unfinished" in first
    assert new.name in first
    assert "refuted" in second
    assert second.endswith("too-slow")
    found = json.loads(told("list", "--format", "json")[1])
    assert [run["verdict"] for run in found] == ["unfinished", "refuted"]
    assert told("list", "--mode", "other")[1].startswith("No run is kept")


def test_a_run_is_found_by_what_fits_only_it(new_run: Run, project: Path) -> None:
    first, second = new_run(), new_run()
    runs = project / ".chaos" / "runs"
    assert find(runs, "last") == max(first, second)
    assert find(runs, first.name) == first
    assert find(runs, first.name[-4:]) == first
    assert find(runs, str(first)) == first
    with pytest.raises(UsageError, match="which fits 2 runs"):
        find(runs, first.name[:4])
    with pytest.raises(UsageError, match="chaos history list"):
        find(runs, "nothing-like-it")


@pytest.mark.parametrize("name", ["last", "20261124"])
def test_where_no_run_is_kept_that_is_said(project: Path, name: str) -> None:
    with pytest.raises(UsageError) as refused:
        find(project / ".chaos" / "runs", name)
    assert str(refused.value) == (
        f"RUN: got '{name}', expected a run, and none is kept yet. Make one with: chaos verify ID"
    )


def test_a_folder_that_is_no_run_is_left_out(new_run: Run, project: Path) -> None:
    run = new_run()
    (project / ".chaos" / "runs" / "99999999-notes").mkdir()
    assert [entry.run_id for entry in entries(project / ".chaos" / "runs")] == [run.name]


def test_a_run_is_told_again(new_run: Run, trial: Callable[..., Any]) -> None:
    run = new_run()
    trial(run, "01-treatment")
    bundle.seal(run, REFUTED)
    code, output = told("show")
    assert code == 0
    assert "too-slow: 01-treatment shows it." in output
    assert "verdict: refuted" in output


def test_check_names_the_file_that_was_changed(new_run: Run) -> None:
    run = new_run()
    bundle.seal(run, REFUTED)
    assert told("check") == (0, "1 run is as it was sealed\n")
    (run / "mode.json").write_text("{}")
    code, output = told("check", "last")
    assert code == 2
    assert f"{run.name}/mode.json: got changed after the run was sealed" in output


def test_judging_again_says_what_differs_and_changes_nothing(new_run: Run) -> None:
    run = new_run()
    bundle.seal(run, REFUTED)
    before = (run / "verdict.json").read_bytes()
    code, output = told("rejudge")
    assert code == 0
    assert "DIFFERS  refuted  unknown" in output
    assert (run / "verdict.json").read_bytes() == before


CREATE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from chaos_ext.record import Recorder
recorder = Recorder(Path(sys.argv[1]) / "events.jsonl")
recorder.emit("run-started", bundle=sys.argv[1])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_whose_runner_was_killed_is_kept_and_can_be_judged(new_run: Run) -> None:
    run = new_run()
    done = subprocess.run([sys.executable, "-c", CREATE_AND_DIE, str(run)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    code, output = told("rejudge", "last")
    assert code == 0
    assert "unfinished  unknown" in output
    assert [event["kind"] for event in bundle.load(run).events] == ["run-started"]
