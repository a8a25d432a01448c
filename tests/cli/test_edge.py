"""Every way in which a command can end, seen from outside: its message, its exit code, what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = '''\
import errno, os, signal, socket, sys
import click
from chaos_ext import errors
from chaos_ext.cli.edge import guarded

@click.command()
@click.option("--number", type=int)
@click.argument("what")
@guarded
def run(what, number):
    """Ends in some way."""
    if what == "fine":
        click.echo("done")
    elif what == "lines":
        for line in range(100_000):
            click.echo(f"line {line}")
    elif what == "interrupt":
        print("ready", flush=True)
        signal.pause()
    elif what == "bug":
        secret = "hunter2"
        raise KeyError("no such thing")
    elif what == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/state/events.jsonl")
    elif what == "denied":
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/state/ledger")
    elif what == "socket":
        a, b = socket.socketpair()
        b.close()
        while True:
            a.sendall(b"x")
    elif what == "exit-1":
        print("verdict")  # not flushed yet
        sys.exit(1)
    elif what == "click":
        raise click.UsageError("say which")
    elif what == "problems":
        raise errors.UsageError([errors.Problem("a:1", "x", "1", "2"), errors.Problem("b:2", "", "3", "4")])
    else:
        raise getattr(errors, what)("why it ended")

run()
'''


@pytest.fixture
def ends(tmp_path):
    """Run the program until it ended one way; returns the finished process."""
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM, encoding="utf-8")
    environ = {**os.environ, "CHAOS_STATE": str(tmp_path / "state"), "TMPDIR": str(tmp_path)}
    environ.pop("PYTHONUNBUFFERED", None)

    def run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
        options = {"capture_output": True, **options}
        command = [sys.executable, str(program), *arguments]
        return subprocess.run(command, env=environ, text=True, check=False, timeout=30, **options)

    run.command = [sys.executable, str(program)]
    run.environ = environ
    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("ChaosExtError", 3),
        ("UsageError", 2),
        ("LabError", 2),
        ("Blocked", 4),
        ("FaultNotInjected", 4),
        ("UndoFailed", 5),
        ("Interrupted", 130),
    ],
)
def test_our_errors_are_their_text_and_their_code(ends, error, code):
    done = ends(error)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "why it ended\n")


def test_all_problems_are_told(ends):
    done = ends("problems")
    assert (done.returncode, done.stderr) == (2, "a:1: x: got 1, expected 2.\nb:2: got 3, expected 4.\n")


def test_success_says_nothing_more(ends):
    done = ends("fine")
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


@pytest.mark.parametrize("arguments", [("click",), ("fine", "--number", "x"), ()])
def test_clicks_own_errors_stay_clicks(ends, arguments):
    done = ends(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage:")


def test_interrupted_from_the_terminal(ends):
    process = subprocess.Popen(
        [*ends.command, "interrupt"],
        env=ends.environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (130, "Interrupted.\n")


def test_a_bug_leaves_a_report_and_no_traceback_on_the_terminal(ends, tmp_path):
    done = ends("bug")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    first, second = done.stderr.splitlines()
    assert (
        first
        == "This is a bug in chaos-ext, not in what you wrote: KeyError: 'no such thing' at program.py:22"
    )
    [report] = (tmp_path / "state" / "reports").iterdir()
    assert second == f"The full report is in {report}; paste it into an issue."
    assert report.stat().st_mode & 0o777 == 0o600
    text = report.read_text(encoding="utf-8")
    for part in (
        "chaos-ext ",
        "chaostoolkit-lib ",
        "Python 3.",
        "command: program.py bug",
        "Traceback",
        "raise KeyError",
    ):
        assert part in text


def test_a_bug_is_reported_elsewhere_when_the_state_folder_is_in_the_way(ends, tmp_path):
    (tmp_path / "state").write_text("a file, not a folder")
    done = ends("bug")
    assert done.returncode == 3
    [report] = tmp_path.glob("report-*.txt")
    assert str(report) in done.stderr


def test_a_bug_that_cannot_be_reported_says_what_to_paste(ends, tmp_path):
    ends.environ.update(CHAOS_STATE=str(tmp_path / "program.py"), TMPDIR=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", _nowhere_to_write(ends.command[1])],
        env=ends.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 3
    assert "could not be saved (no folder takes it); paste these lines into an issue:" in done.stderr
    assert "chaostoolkit-lib " in done.stderr
    assert "Traceback" not in done.stderr


def _nowhere_to_write(program: str) -> str:
    """The program with a temporary folder that is not there."""
    return (
        "import runpy, sys, tempfile; tempfile.tempdir = '/proc/no-such-folder';"
        f"sys.argv = ['program.py', 'bug']; runpy.run_path({program!r}, run_name='__main__')"
    )


def test_a_full_disk_is_told(ends):
    done = ends("full")
    assert done.returncode == 2
    assert done.stderr == (
        "The disk is full while writing /state/events.jsonl: No space left on device. "
        "Free some space and run the command again.\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(("what", "code"), [("fine", 2), ("lines", 2), ("exit-1", 1), ("UndoFailed", 5)])
def test_output_that_does_not_fit_is_told_unless_the_code_says_worse(ends, what, code):
    with open("/dev/full", "w") as full:
        done = ends(what, stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert ("The disk is full" in done.stderr) == (code == 2)


def test_what_may_not_be_written_is_named(ends):
    done = ends("denied")
    assert done.returncode == 2
    assert (
        done.stderr == "/state/ledger: Permission denied. Check who owns it and whether it may be written.\n"
    )


@pytest.mark.parametrize(("what", "code"), [("lines", 141), ("fine", 141), ("exit-1", 1), ("Blocked", 4)])
def test_a_reader_that_went_away_is_no_error(ends, what, code):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        done = ends(what, stdout=gone, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == code
    assert done.stderr == ("why it ended\n" if what == "Blocked" else "")


def test_another_broken_pipe_is_an_error_like_any_other(ends):
    done = ends("socket")
    assert done.returncode == 3
    assert "BrokenPipeError" in done.stderr
