"""`chaos heal` and `chaos ledger show`, as a person runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chaos_ext.safety.ledger import Ledger

SUPPORT = Path(__file__).parent / "support"


@pytest.fixture
def chaos(tmp_path):
    """Runs `chaos` over the ledger of this test; exit code and what it said."""

    def run(*words: str) -> tuple[int, str]:
        path = os.pathsep.join(filter(None, [str(SUPPORT), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "CHAOS_STATE": str(tmp_path), "PYTHONPATH": path}
        done = subprocess.run(
            [str(Path(sys.executable).with_name("chaos")), "--no-version-check", *words],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment,
            cwd=tmp_path,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def orphan(run, shared_place, until):
    """A fault whose runner and whose janitor are both dead."""
    runner = run(shared_place)
    os.kill(runner.janitor_pid, 9)
    runner.kill()
    return runner


def test_orphan_is_healed_once(chaos, orphan, thing, shared_place):
    assert not thing.is_whole
    assert chaos("heal") == (0, f"undone break-file in {shared_place.marker}: moved back\n")
    assert thing.is_whole
    assert chaos("heal") == (0, "nothing to heal\n")


def test_other_instances_are_left(chaos, orphan, thing, shared_place):
    assert chaos("heal", "--instance", "another") == (0, "nothing to heal\n")
    assert not thing.is_whole
    assert chaos("heal", "--instance", shared_place.marker)[0] == 0
    assert thing.is_whole


def test_what_cannot_be_healed_exits_5(chaos, run, own_place, thing):
    runner = run(own_place)
    os.kill(runner.janitor_pid, 9)
    runner.kill()
    own_place.stop()
    code, said = chaos("heal")
    assert (code, "not touched" in said) == (5, True)
    assert chaos("ledger", "show")[1].splitlines()[1].startswith("failed")


def test_running_run_is_left_alone_unless_told(chaos, run, shared_place, thing):
    runner = run(shared_place)
    code, said = chaos("heal")
    assert (code, f"pid {runner.process.pid}" in said) == (4, True)
    assert not thing.is_whole
    assert chaos("heal", "--even-if-running")[0] == 0
    assert thing.is_whole


def test_show(chaos, orphan, shared_place):
    code, said = chaos("ledger", "show")
    heads, line = said.splitlines()
    assert code == 0
    assert heads.split() == ["state", "name", "environment", "instance", "intended", "runner", "why"]
    assert line.split()[:4] == ["injected", "break-file", "lab", shared_place.marker]
    assert f"{orphan.process.pid} dead" in line


def test_show_as_json(chaos, orphan):
    code, said = chaos("ledger", "show", "--format", "json")
    (entry,) = json.loads(said)
    assert code == 0
    assert (entry["id"], entry["state"]) == (orphan.entry_id, "injected")
    assert entry["undo"]["provider"]["func"] == "mend"
    chaos("heal")
    assert json.loads(chaos("ledger", "show", "--format", "json")[1]) == []
    (closed,) = json.loads(chaos("ledger", "show", "--all", "--format", "json")[1])
    assert (closed["state"], closed["why"]) == ("undone", "moved back")


def test_nothing_to_show(chaos):
    assert chaos("ledger", "show") == (0, "nothing is open\n")
    assert chaos("ledger", "show", "--all") == (0, "nothing was ever injected\n")


@pytest.mark.parametrize("words", [("heal",), ("ledger", "show")])
def test_damaged_ledger_is_one_clear_line(chaos, tmp_path, words):
    book = Ledger(tmp_path / "ledger", "lab", "x")
    book.directory.mkdir()
    book.path.write_text("garbage\n{}\n")
    code, said = chaos(*words)
    assert code == 4
    assert "x.jsonl:1: got a line that cannot be read" in said


def test_a_damaged_ledger_does_not_keep_the_others_from_being_healed(chaos, orphan, thing, tmp_path):
    Ledger(tmp_path / "ledger", "lab", "x").path.write_text("garbage\n{}\n")
    code, said = chaos("heal")
    assert code == 4
    assert "undone break-file" in said
    assert "x.jsonl:1: got a line that cannot be read" in said
    assert thing.is_whole


@pytest.mark.parametrize("words", [("heal",), ("ledger",), ("ledger", "show")])
def test_help_has_an_example(chaos, words):
    code, said = chaos(*words, "--help")
    assert code == 0
    assert "Example" in said
