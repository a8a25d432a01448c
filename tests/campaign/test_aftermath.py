"""After a run was killed: its janitor is waited for, and what it had saved is judged and sealed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos_ext.campaign.aftermath import how_it_ended, judged, settle
from chaos_ext.history import manifest
from chaos_ext.history.bundle import verdict_of
from chaos_ext.safety import processes

Run = Callable[..., Path]

RUNNER = """
    import sys, time
    from pathlib import Path
    from chaos_ext.safety.janitor import Janitor

    janitor = Janitor.start(Path(sys.argv[1]))
    janitor.at_death("lab", [sys.executable, "-c", "import time; time.sleep(1); open('done', 'w')"])
    janitor.ready()  # its answer comes after it has taken that
    print(flush=True)
    time.sleep(60)
"""


def test_the_janitor_of_a_killed_run_is_waited_for(tmp_path: Path) -> None:
    runner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(RUNNER), str(tmp_path / "ledger")],
        stdout=subprocess.PIPE, cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert runner.stdout is not None
    with runner.stdout as said:
        said.readline()
        started = processes.start_of(runner.pid)
        assert started is not None
        runner.kill()
        runner.wait(10)
        began = time.monotonic()
        assert settle(runner.pid, started, tmp_path) == []
    assert (tmp_path / "done").exists()
    assert time.monotonic() - began > 0.5


def test_nothing_is_waited_for_where_no_janitor_is(tmp_path: Path) -> None:
    assert settle(os.getpid(), "another start", tmp_path) == []


def test_what_a_dead_run_had_saved_is_judged_and_sealed(new_run: Run) -> None:
    folder = new_run(verdict=None)
    verdict = judged(folder, "Its process was killed by SIGKILL", [])
    assert verdict is not None
    assert (verdict.word, verdict.flags, verdict.exit_code) == ("unknown", (), 130)
    assert "The run was stopped: Its process was killed by SIGKILL." in [r.sentence for r in verdict.reasons]
    assert manifest.check(folder) == []
    assert verdict_of(folder) == verdict


def test_what_is_left_broken_is_a_flag(new_run: Run) -> None:
    verdict = judged(new_run(verdict=None), "killed", ["failed kill-store in lab: still down"])
    assert verdict is not None
    assert verdict.exit_code == 5
    assert [flag.word for flag in verdict.flags] == ["environment-not-restored"]
    assert "still down" in verdict.flags[0].sentence


def test_a_run_that_was_sealed_already_keeps_its_verdict(new_run: Run) -> None:
    folder = new_run()
    assert judged(folder, "killed", []) is None
    assert verdict_of(folder).word == "verified"
    assert manifest.check(folder) == []


@pytest.mark.parametrize(("number", "words"), [(9, "SIGKILL"), (15, "SIGTERM"), (200, "signal 200")])
def test_a_signal_has_its_name(number: int, words: str) -> None:
    assert how_it_ended(number) == f"was killed by {words}"
