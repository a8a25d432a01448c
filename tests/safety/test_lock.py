"""One run at a time in one instance."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading

import pytest
from waiting import wait_for

from chaos_ext.errors import Blocked
from chaos_ext.safety import lock

_HOLDER = """
import sys
from pathlib import Path
from chaos_ext.safety import lock
with lock.hold(Path(sys.argv[1]), sys.argv[2], "chaos verify redis-memory-full"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path), "dedicated"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait(20)
    process.stdin.close()
    process.stdout.close()


def test_second_run_is_told_who_holds_it(holder, tmp_path):
    with pytest.raises(Blocked) as refused, lock.hold(tmp_path, "dedicated", "me"):
        pass
    for word in ("'dedicated'", "chaos verify redis-memory-full", f"pid {holder.pid}", "since 20"):
        assert word in str(refused.value)


def test_another_instance_is_free(holder, tmp_path):
    with lock.hold(tmp_path, "another", "me"):
        pass


def test_killed_holder_holds_nothing(holder, tmp_path):
    holder.kill()
    holder.wait(20)
    with lock.hold(tmp_path, "dedicated", "me"):
        pass


def test_let_go_leaves_no_file(tmp_path):
    for _ in range(2):
        with lock.hold(tmp_path, "dedicated", "me"):
            assert list(tmp_path.iterdir())
        assert list(tmp_path.iterdir()) == []


def test_file_that_was_put_away_meanwhile_is_no_lock(tmp_path, monkeypatch):
    """Its holder let go between our opening and our locking: the next one would lock another file."""
    path = tmp_path / "dedicated.run.lock"
    real = fcntl.flock

    def flock(fd, how):
        path.unlink()
        path.touch()  # the next one's
        real(fd, how)

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    assert lock._try(path) is None


def test_only_one_of_many_at_a_time(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(30):
            with lock.undoing(tmp_path, "dedicated", "undo x"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert (len(most), max(most)) == (120, 1)


def test_a_killed_undo_keeps_nobody_waiting(tmp_path):
    script = _HOLDER.replace("lock.hold(", "lock.undoing(")
    first = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), "dedicated"], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )  # fmt: skip
    assert first.stdout.readline() == b"held\n"
    told, done = [], []

    def second():
        with lock.undoing(tmp_path, "dedicated", "undo y", told.append):
            done.append(True)

    thread = threading.Thread(target=second)
    thread.start()
    wait_for("the second to say for whom it waits", lambda: told)
    assert told[0].startswith("waiting for chaos verify redis-memory-full of ")
    assert f"(pid {first.pid}, since 20" in told[0]
    assert done == []
    first.kill()
    thread.join(30)
    assert done == [True]
    assert len(told) == 1
    first.communicate(timeout=20)


def test_what_was_given_up_keeps_the_others_out_until_it_has_ended(tmp_path, monkeypatch):
    goes_on, ended = threading.Event(), []

    def work():
        goes_on.wait(60)
        ended.append(True)

    with lock.undoing(tmp_path, "dedicated", "undo x"):
        thread = threading.Thread(target=lock.kept(work))
        thread.start()
    monkeypatch.setattr(lock, "GIVEN_UP_S", 0.1)
    with pytest.raises(Blocked, match="given up and goes on"), lock.undoing(tmp_path, "dedicated", "undo y"):
        pass
    monkeypatch.setattr(lock, "GIVEN_UP_S", 60.0)
    goes_on.set()
    with lock.undoing(tmp_path, "dedicated", "undo y"):
        assert ended == [True]
    thread.join()
    assert list(tmp_path.iterdir()) == []
