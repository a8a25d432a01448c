"""A few points of the kill matrix on a small real place; the whole of it, in labs, is `test_kill_matrix.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

SUPPORT = Path(__file__).parent / "support"
sys.path.insert(0, str(SUPPORT))

from kill_place import digest_of  # noqa: E402
from kill_tracer import BOTH, KILL, WAYS, Traced  # noqa: E402

from chaos_ext.safety import orphans, processes  # noqa: E402


@pytest.fixture
def traced(tmp_path, shared_place, thing):
    """Starts a runner on the small place, watched."""
    made: list[Traced] = []

    def start(by: str = "break_file", undo: str = "mend") -> Traced:
        wanted = {
            "ledger": str(tmp_path / "ledger"),
            "instance": shared_place.marker,
            "identity": shared_place.identity,
            "facts": shared_place.facts,
            "fault": thing.fault(undo, by),
            "then": "wait",
        }
        command = [sys.executable, str(SUPPORT / "safety_runner.py"), json.dumps(wanted)]
        (tmp_path / "ledger").mkdir(exist_ok=True)
        made.append(
            Traced(
                command, cwd=tmp_path, env=os.environ, ledger=tmp_path / "ledger", directory=tmp_path / "run"
            )
        )
        return made[-1]

    yield start
    for each in made:
        each.end_all()


@pytest.fixture
def heal(tmp_path):
    """`chaos heal` on the state of this test: its exit code and what it said."""

    def run() -> tuple[int, str]:
        path = os.pathsep.join(filter(None, [str(SUPPORT), os.environ.get("PYTHONPATH")]))
        temporary = tmp_path / "run" / "tmp"
        done = subprocess.run(
            [str(Path(sys.executable).with_name("chaos")), "--no-version-check", "--no-log-file", "heal"],
            env={**os.environ, "CHAOS_STATE": str(tmp_path), "PYTHONPATH": path, "TMPDIR": str(temporary)},
            capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return run


def _closed(run: Traced) -> bool:
    return bool(run.look().entries) and not run.seen.still_open()


def _injected(seen) -> bool:
    return "injected" in seen.states()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", ["intended", "injected"])
def test_whoever_ends_it_its_janitor_puts_it_back(traced, thing, state, way):
    run = traced(by="break_when_told" if state == "intended" else "break_file")
    run.until(lambda seen: state in seen.states() and thing.log("break"), state)
    run.hold()
    timing = run.settle(run.end(way))
    assert timing.ended_ms is not None, run.left_running()
    assert thing.is_whole
    assert _closed(run)
    assert os.listdir(run.tmp) == []


def test_runner_and_janitor_killed_together_are_healed_once(traced, thing, heal, tmp_path):
    run = traced()
    run.until(_injected, "injected")
    run.hold()
    run.settle(run.end(BOTH), alone=True)
    assert not thing.is_whole
    code, said = heal()
    assert (code, "undone break-file" in said) == (0, True)
    assert thing.is_whole
    before = digest_of(tmp_path)
    assert heal() == (0, "nothing to heal\n")
    assert digest_of(tmp_path) == before


def test_a_janitor_killed_in_the_middle_of_its_undo(traced, thing, heal, until):
    run = traced(undo="mend_when_told")
    run.until(_injected, "injected")
    janitor = run.janitor()
    run.end(KILL)
    until(lambda: thing.log("mend"), "the undo to begin")
    janitor.kill()
    until(lambda: not run.left_running(), "all to be gone")
    assert not thing.is_whole
    Path(f"{thing.path}.go").touch()
    code, said = heal()
    assert (code, "undone break-file" in said) == (0, True)
    assert thing.is_whole
    assert _closed(run)


_BLOCK = """
import sys, threading, tempfile
from chaos_ext.runbook import blocks
from chaos_ext.safety.identity import pins
with pins.for_blocks({}), blocks.open_shell({}, {}, []) as shell:
    code = "setsid sleep 301 & sleep 301"
    shell.run(code, name="x", timeout_s=60, line=print, aborting=threading.Event())
"""


def _asleep(pid: int) -> list[psutil.Process]:
    return [each for each in orphans.marked(f"{pid}-") if each.name() == "sleep"]


def test_heal_ends_the_block_of_a_runner_that_had_no_janitor(tmp_path, heal, until):
    """And leaves that of a runner that lives."""
    temporary = tmp_path / "run" / "tmp"
    temporary.mkdir(parents=True)
    environment = {**os.environ, "TMPDIR": str(temporary)}
    dead, alive = (subprocess.Popen([sys.executable, "-c", _BLOCK], env=environment) for _ in range(2))
    try:
        until(lambda: len(_asleep(dead.pid)) == len(_asleep(alive.pid)) == 2, "both blocks to run")
        dead.kill()
        dead.wait(10)
        assert len(_asleep(dead.pid)) == 2
        assert heal() == (0, "ended 3 processes of a dead run's runbook\n")
        assert _asleep(dead.pid) == []
        assert len(_asleep(alive.pid)) == 2
        (home,) = temporary.glob("chaos-runbook-*")
        (_,) = temporary.glob("chaos-pins-*")
        runner = alive.pid, processes.start_of(alive.pid)
        assert home.name.startswith(orphans.home_prefix(runner))
        assert heal() == (0, "nothing to heal\n")
    finally:
        alive.kill()
        alive.wait(10)
        orphans.end_of((alive.pid, ""))
        for process in orphans.marked(f"{alive.pid}-"):
            process.kill()
