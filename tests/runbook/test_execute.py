"""Blocks as real bash processes: their environment, their end, and the end of everything they started."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from waiting import wait_for

from chaos_ext.runbook.execute import Ended, Shell


class Runner:
    """Runs code and keeps its lines; ends what tests started on purpose."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.shell = Shell(home, {"GIVEN": "yes"}, (str(home / "bin"),))
        self.home = home
        self.lines: list[tuple[str, str]] = []
        self.aborting = threading.Event()
        self.on_line: Callable[[str], None] = lambda line: None

    def take(self, stream: str, line: str) -> None:
        self.lines.append((stream, line))
        self.on_line(line)

    def run(self, code: str, timeout_s: float = 30, **more: Any) -> Ended:
        return self.shell.run(
            code, name="step-1", timeout_s=timeout_s, line=self.take, aborting=self.aborting, **more
        )

    def out(self) -> list[str]:
        return [line for stream, line in self.lines if stream == "stdout"]

    def err(self) -> list[str]:
        return [line for stream, line in self.lines if stream == "stderr"]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path / "home-of-blocks")


@pytest.fixture
def reaped() -> Iterator[list[int]]:
    """Pids that a test lets a block leave behind; ended here."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()


def test_nothing_ambient(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("BASH_ENV", "/nonexistent")
    assert runner.run("env -0 | tr '\\0\\n' '\\n~'; pwd").exit == 0
    got = dict(line.split("=", 1) for line in runner.out() if "=" in line)
    assert set(got) == {"GIVEN", "PATH", "HOME", "TMPDIR", "LANG", "CHAOS_BLOCK", "PWD", "SHLVL", "_"}
    assert got["PATH"].split(":")[:3] == [str(runner.home / "bin"), "/usr/bin", "/bin"]
    assert got["LANG"] == "C.UTF-8"
    assert os.listdir(got["HOME"]) == []
    assert runner.out()[-1] == got["HOME"]
    assert runner.err() == []


def test_no_descriptor_is_inherited(runner: Runner, tmp_path: Path) -> None:
    with (tmp_path / "ours").open("w") as ours:
        os.set_inheritable(ours.fileno(), True)
        runner.run("ls /proc/self/fd | sort -n | tr '\\n' ' '; read -r x || echo no input")
    assert runner.out() == ["0 1 2 3 no input"]  # 3 is the directory that ls reads


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("true", 0),
        ("false; echo not reached", 1),
        ("false | true; echo not reached", 1),
        ("exit 7", 7),
        ("nosuchcommand", 127),
        ("if", 2),
        ("kill -TERM $$", -15),
    ],
)
def test_strict_bash(runner: Runner, code: str, exit_code: int) -> None:
    assert runner.run(code).exit == exit_code
    assert "not reached" not in runner.out()


def test_an_undefined_variable_is_an_error(runner: Runner) -> None:
    assert runner.run('echo "$UNDEFINED"; echo not reached').exit not in (0, None)
    assert runner.err() == ["step-1: line 1: UNDEFINED: unbound variable"]
    assert runner.out() == []


def test_bash_names_the_step_and_the_line(runner: Runner) -> None:
    runner.run("echo ok\nnosuchcommand")
    assert runner.err() == ["step-1: line 2: nosuchcommand: command not found"]


@pytest.mark.parametrize(
    "code",
    [
        "export A=1 B='two\nlines' && C=3",
        "export A=1 B='two\nlines'; exit 0",
        "trap 'echo mine' EXIT; export A=1 B='two\nlines'",
        "export A=1 B='two\nlines' PATH=/evil HOME=/evil; cd /",
    ],
    ids=["to the end", "exit", "own trap", "path and home"],
)
def test_exports(runner: Runner, code: str) -> None:
    assert runner.run(code).exports == {"A": "1", "B": "two\nlines"}


def test_an_own_trap_keeps_the_exit_code(runner: Runner) -> None:
    assert runner.run("trap 'echo bye' EXIT; [ 1 = 1 ] && (exit 3)").exit == 3
    assert runner.out() == ["bye"]


def test_lines_come_as_they_are_printed(runner: Runner) -> None:
    gate = runner.home / "gate"
    runner.on_line = lambda line: gate.touch()
    ended = runner.run(f"echo first; until [ -e {gate} ]; do sleep 0.02; done; echo -n second; echo bad >&2")
    assert ended.exit == 0, "the first line was seen only at the end"
    assert runner.out() == ["first", "second"]
    assert ended.stdout == "first\nsecond"
    assert runner.err() == ["bad"]


def test_output_is_shown_without_control_characters(runner: Runner) -> None:
    runner.run(r"printf '\033[31mred\033[0m\r\n\033]0;title\007x\b\ty\xff会\n'")
    assert runner.out() == ["red", "x\ty\ufffd会"]


def test_a_flood_is_cut_but_the_block_goes_on(runner: Runner) -> None:
    ended = runner.run("seq 1 200000; echo done >&2; exit 4")
    assert ended.exit == 4
    assert len(runner.lines) == 5001
    assert "the rest is not shown" in runner.lines[-1][1]


def test_secrets_are_masked_across_writes_and_lines(runner: Runner) -> None:
    secret = "top-secret\nsecond-half"
    code = "printf top-; sleep 0.1; printf 'secret\\nsec'; sleep 0.1; echo ond-half; echo second-half >&2"
    ended = runner.run(code, secrets=[secret])
    assert runner.out() == ["***"]
    assert runner.err() == ["***"]
    assert ended.stdout.strip() == secret


def test_a_line_in_which_a_secret_might_begin_is_shown_all_the_same(runner: Runner) -> None:
    """Its end is a secret's beginning, and the block says nothing more for a long time."""
    runner.on_line = lambda line: runner.aborting.set()
    runner.run("echo pid 12; sleep 1000", secrets=["2-is-how-it-begins"])
    assert runner.out() == ["pid 12"]


# --- the end ---


def started(runner: Runner, name: str) -> int:
    path = runner.home / name
    wait_for("it is written", lambda: path.exists() and path.read_text().strip() != "")
    return int(path.read_text())


TREE = """
sleep 1000 & echo $! > {home}/child
(trap '' TERM; sleep 1000 & echo $! > {home}/grandchild; wait) &
setsid bash -c 'echo $$ > {home}/escaped; trap "" TERM; while :; do sleep 0.05; done' &
(setsid bash -c '(echo $BASHPID > {home}/daemon; exec sleep 1000) & exit' &)
until [ -s {home}/child ] && [ -s {home}/grandchild ] && [ -s {home}/escaped ] && [ -s {home}/daemon ]; do
  sleep 0.02
done
echo ready
trap '' TERM
while :; do sleep 0.05; done
"""
NAMES = ("child", "grandchild", "escaped", "daemon")


def test_a_time_limit_ends_everything_that_was_started(runner: Runner, alive: Callable[[int], bool]) -> None:
    ended = runner.run(TREE.format(home=runner.home), timeout_s=2)
    pids = [started(runner, name) for name in NAMES]
    assert (ended.exit, ended.timed_out, ended.aborted) == (None, True, False)
    assert [pid for pid in pids if alive(pid)] == []


def test_aborting_ends_everything_at_once(runner: Runner, alive: Callable[[int], bool]) -> None:
    runner.on_line = lambda line: runner.aborting.set()
    ended = runner.run(TREE.format(home=runner.home), timeout_s=600)
    pids = [started(runner, name) for name in NAMES]
    assert (ended.exit, ended.timed_out, ended.aborted) == (None, False, True)
    assert [pid for pid in pids if alive(pid)] == []


def test_the_end_is_orderly_first(runner: Runner) -> None:
    runner.on_line = lambda line: runner.aborting.set()
    runner.run("trap 'touch $HOME/../orderly; exit' TERM; echo ready; while :; do sleep 0.02; done")
    assert (runner.home / "orderly").exists()


def test_an_exception_on_the_way_leaves_nothing(runner: Runner, alive: Callable[[int], bool]) -> None:
    def full_disk(line: str) -> None:
        raise OSError("no space")

    runner.on_line = full_disk
    with pytest.raises(OSError, match="no space"):
        runner.run(f"echo $$ > {runner.home}/shell; echo ready; sleep 1000")
    assert not alive(started(runner, "shell"))


def test_what_stays_in_the_session_ends_with_the_block(runner: Runner, alive: Callable[[int], bool]) -> None:
    ended = runner.run(f"sleep 1000 & echo $! > {runner.home}/child")
    assert ended.exit == 0
    assert not alive(started(runner, "child"))


def test_a_daemon_outlives_a_block_that_ended_well(
    runner: Runner, alive: Callable[[int], bool], reaped: list[int]
) -> None:
    """It holds the pipe of the block's output, and still the block is over."""
    code = f"""
    setsid bash -c 'echo $$ > {runner.home}/daemon; exec sleep 1000' &
    until [ -s {runner.home}/daemon ]; do sleep 0.02; done
    """
    ended = runner.run(code)
    pid = started(runner, "daemon")
    reaped.append(pid)
    assert ended.exit == 0
    assert alive(pid)
