"""The janitor against real runners that are really killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from chaos_ext.errors import Blocked
from chaos_ext.safety.janitor import Janitor
from chaos_ext.safety.ledger import Ledger


def test_runner_killed_in_the_middle_of_a_fault(run, shared_place, thing, tmp_path):
    runner = run(shared_place)
    assert not thing.is_whole
    runner.kill()
    runner.wait_for_janitor()
    assert thing.is_whole
    assert runner.entry.state == "undone"
    assert "the runner died: undone break-file" in (tmp_path / "stderr").read_text()
    assert "the runner died: undone break-file" in (tmp_path / "ledger" / "janitor.log").read_text()


@pytest.mark.parametrize("damage", ["gone", "unreadable"])
def test_a_ledger_that_was_damaged_meanwhile_does_not_stop_the_healing(run, shared_place, thing, damage):
    runner = run(shared_place)
    if damage == "gone":
        runner.ledger_path.unlink()
    else:
        runner.ledger_path.write_text("garbage\n{}\n")
    runner.kill()
    runner.wait_for_janitor()
    assert thing.is_whole
    assert damage == "unreadable" or not runner.ledger_path.exists(), (
        "half an entry is damage to the next reader"
    )


def test_runner_that_ends_without_undoing(run, shared_place, thing):
    runner = run(shared_place)
    runner.process.stdin.close()
    runner.process.wait(20)
    runner.wait_for_janitor()
    assert thing.is_whole
    assert runner.entry.state == "undone"


def test_bye_with_an_open_fault_undoes_it_and_says_so(run, shared_place, thing):
    runner = run(shared_place, then="bye")
    runner.process.stdin.close()
    said = runner.process.stdout.readline()
    runner.process.wait(20)
    assert "undone break-file" in said
    assert thing.is_whole
    assert runner.entry.state == "undone"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_no_child_of_the_runner_holds_the_line(run, shared_place, thing, until):
    runner = run(shared_place, then="children")
    children = runner.said["children"]
    try:
        held = _sockets(runner.process.pid)
        assert held, "the runner itself must hold the line, or this test looks at nothing"
        for child in children:
            until(lambda child=child: not _sockets(child) & held, f"{child} to let go, if it ever held it")
        runner.kill()
        until(lambda: thing.is_whole, "healed although the runner's children live")
        assert all(psutil.pid_exists(child) for child in children)
        runner.wait_for_janitor()
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


def _sockets(pid: int) -> set[str]:
    links = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            link = os.readlink(fd)
        except FileNotFoundError:  # the listing's own descriptor
            continue
        if link.startswith("socket:"):
            links.add(link)
    return links


def test_lease_runs_out_although_the_runner_lives(run, shared_place, thing, until):
    runner = run(shared_place, lease_s=0.3)
    until(lambda: runner.entry.state == "undone", "the lease to be enforced")
    assert thing.is_whole
    assert runner.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_that_end_a_runner_do_not_end_its_janitor(run, shared_place, thing, number):
    runner = run(shared_place)
    assert os.getsid(runner.janitor_pid) == runner.janitor_pid
    os.kill(runner.janitor_pid, number)
    os.kill(runner.process.pid, number)
    runner.process.wait(20)
    runner.wait_for_janitor()
    assert thing.is_whole
    assert runner.entry.state == "undone"


def test_without_its_janitor_nothing_more_is_injected(broken, shared_place, tmp_path):
    janitor = Janitor.start(tmp_path / "ledger")
    entry = broken(shared_place)
    janitor.expect(entry)
    os.kill(janitor.pid, signal.SIGKILL)
    with pytest.raises(Blocked, match="Without a janitor nothing more is injected"):
        janitor.expect(entry)
    with pytest.raises(Blocked, match="janitor"):
        janitor.ready()
    assert janitor.close() == []


def test_undo_that_it_cannot_import_is_refused_before_the_fault(broken, shared_place, tmp_path):
    janitor = Janitor.start(tmp_path / "ledger")
    try:
        entry = broken(shared_place)
        book = Ledger(tmp_path / "ledger", "lab", shared_place.marker)
        undo = {"provider": {**entry.undo["provider"], "func": "no_such_undo"}}
        other = book.intend(
            "other",
            activity=entry.activity,
            undo=undo,
            in_force=entry.in_force,
            target={},
            prior={},
            lease_s=60,
            configuration=entry.configuration,
            identity=entry.identity,
        )
        with pytest.raises(Blocked, match="no_such_undo"):
            janitor.expect(other)
        janitor.expect(entry)  # one refusal does not end it
    finally:
        janitor.close()


def test_nothing_open_nothing_said(tmp_path, capfd):
    janitor = Janitor.start_in_background(tmp_path / "ledger")
    assert janitor.close() == []
    assert capfd.readouterr().err == ""
    assert not psutil.pid_exists(janitor.pid)


def test_command_at_death_runs_after_the_healing(run, shared_place, thing, tmp_path):
    told = tmp_path / "told"
    command = ["/bin/sh", "-c", f"test -e {thing.path} && echo healed first > {told}"]
    runner = run(shared_place, at_death=command)
    runner.kill()
    runner.wait_for_janitor()
    assert told.read_text() == "healed first\n"


def test_forgotten_command_does_not_run(tmp_path, until):
    script = (
        "import sys\nfrom pathlib import Path\nfrom chaos_ext.safety.janitor import Janitor\n"
        "janitor = Janitor.start_in_background(Path(sys.argv[1]))\n"
        "janitor.at_death('a', ['/bin/sh', '-c', f'touch {sys.argv[1]}/a'])\n"
        "janitor.at_death('b', ['/bin/sh', '-c', f'touch {sys.argv[1]}/b'])\n"
        "janitor.forget('a')\n"
        "print(janitor.pid)\n"
    )  # it dies before its janitor is ready
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, timeout=60, check=True
    )
    until((tmp_path / "b").exists, "the command that was not forgotten")
    until(lambda: not psutil.pid_exists(int(done.stdout)), "the janitor to end")
    assert not (tmp_path / "a").exists()


def test_undo_begins_with_the_entry_of_the_last_fault(run, shared_place, thing):
    runner = run(shared_place)
    killed = time.monotonic()
    runner.kill()
    runner.wait_for_janitor()
    (mended,) = thing.log("mend")
    assert mended["pid"] == runner.janitor_pid
    assert mended["at"] > killed
