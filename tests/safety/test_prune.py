"""The ledger stays small; what is open, young or damaged stays."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos_ext.safety import lock, prune
from chaos_ext.safety.ledger import Entry, Ledger, read_file

DAY_S = 86400.0


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def _intend(book: Ledger) -> Entry:
    activity = {"provider": {"type": "python", "module": "m", "func": "f"}}
    return book.intend(
        "break-file", activity=activity, undo=activity, in_force=activity, target={}, prior={}, lease_s=60,
        configuration={}, identity={},
    )  # fmt: skip


@pytest.fixture
def book(directory: Path) -> Callable[..., Ledger]:
    """A ledger file of an instance, closed or open, last written so many days ago."""

    def make(instance: str, *states: str, days: float = 30) -> Ledger:
        made = Ledger(directory, "lab", instance)
        for state in states:
            entry = _intend(made)
            if state != "intended":
                made.close(entry, state, "why")  # type: ignore[arg-type]
        then = time.time() - days * DAY_S
        os.utime(made.path, (then, then))
        return made

    return make


@pytest.mark.parametrize(
    ("states", "days", "stays"),
    [
        pytest.param(("undone",), 30, False, id="closed and old"),
        pytest.param(("undone", "superseded"), 30, False, id="several, all closed"),
        pytest.param(("undone",), 1, True, id="closed and young"),
        pytest.param(("undone", "intended"), 3000, True, id="one is open"),
        pytest.param(("failed",), 3000, True, id="still broken"),
    ],
)
def test_what_stays(directory: Path, book, states: tuple[str, ...], days: float, stays: bool) -> None:
    made = book("i", *states, days=days)
    before = made.entries()
    assert prune.prune(directory) == (not stays)
    assert made.path.exists() is stays
    assert made.entries() == (before if stays else [])


def test_a_damaged_file_stays(directory: Path, book) -> None:
    made = book("i", "undone")
    made.path.write_text("no ledger\nat all\n")
    os.utime(made.path, (0, 0))
    assert prune.prune(directory) == 0
    assert made.path.exists()


def test_of_very_many_the_oldest_go(directory: Path, book) -> None:
    for number in range(6):
        book(f"i{number}", "undone", days=(number + 1) / 10)
    book("open", "intended", days=0.65)
    assert prune.prune(directory, keep_files=3) == 3
    assert {path.stem for path in directory.glob("*.jsonl")} == {"i0", "i1", "i2", "open"}
    for path in directory.glob("*.jsonl"):
        os.utime(path)
    assert prune.prune(directory, keep_files=0) == 0, "younger than an hour"


def test_an_entry_that_comes_while_its_file_goes_is_not_lost(directory: Path, book) -> None:
    """Whoever waits for the file's lock while it is removed writes into a new one."""
    made = book("i", "undone")
    fd = os.open(made.path, os.O_RDWR)
    fcntl.flock(fd, fcntl.LOCK_EX)
    entries: list[Entry] = []
    writer = threading.Thread(target=lambda: entries.append(_intend(made)))
    writer.start()
    time.sleep(0.2)
    made.path.unlink()  # as `prune` does, lock in hand
    entries.append(_intend(made))  # and somebody else has made a new one already
    os.close(fd)
    writer.join(5)
    assert len(entries) == 2
    assert read_file(made.path) == entries


def test_a_file_that_somebody_writes_in_is_left_alone(directory: Path, book) -> None:
    made = book("i", "undone")
    fd = os.open(made.path, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        assert prune.prune(directory) == 0
    finally:
        os.close(fd)
    assert prune.prune(directory) == 1


def test_locks_of_the_dead_go_and_held_ones_stay(directory: Path) -> None:
    directory.mkdir()
    dead = directory / "dead.run.lock"
    dead.write_text("{}")
    with lock.hold(directory, "alive", "a test"):
        held = directory / "alive.run.lock"
        for path in (dead, held):
            os.utime(path, (0, 0))
        prune.prune(directory)
        assert (dead.exists(), held.exists()) == (False, True)


def test_a_long_log_begins_anew(directory: Path) -> None:
    directory.mkdir()
    log = directory / "janitor.log"
    log.write_text("x" * 2_000_000)
    prune.prune(directory)
    assert not log.exists()
    assert (directory / "janitor.log.1").stat().st_size == 2_000_000


def test_a_folder_that_is_not_there_is_small_already(directory: Path) -> None:
    assert prune.prune(directory) == 0
