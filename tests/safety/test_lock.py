"""One run at a time in one instance."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading

import pytest

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
    process.wait()
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
    holder.wait()
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
            with lock.undoing(tmp_path, "dedicated", wait_s=60):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert (len(most), max(most)) == (120, 1)


def test_waiting_for_an_undo_has_an_end(tmp_path):
    with (
        lock.undoing(tmp_path, "dedicated", wait_s=1),
        pytest.raises(Blocked, match="undo in 'dedicated'"),
        lock.undoing(tmp_path, "dedicated", wait_s=0.05),
    ):
        pass
