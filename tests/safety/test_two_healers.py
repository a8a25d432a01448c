"""Two never undo at the same time, however long the first takes, and whatever it gave up."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_for

from chaos_ext.safety import execute, heal, lock, processes

SUPPORT = Path(__file__).parent / "support"
_FIRST = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from chaos_ext.safety import heal, ledger
entry = ledger.find(Path(sys.argv[2]), sys.argv[3])
print(heal.undo_entry(entry, limit_s=float(sys.argv[4]), pauses_s=()).state, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def first() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a healer in a process of its own, which then lives on."""
    started: list[subprocess.Popen[str]] = []

    def start(entry: Any, limit_s: float = 60.0) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _FIRST, str(SUPPORT), str(entry.path), entry.id, str(limit_s)]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=20)


class Second:
    """A healer in this process, in a thread; `told` is what it says on the screen."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self.told: list[str] = []
        self.outcome: Any = None
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.outcome = self._work(waits=self.told.append)

    def waits(self) -> None:
        wait_for("it to say for whom it waits", lambda: self.told)

    def ended(self) -> Any:
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.outcome


def _go(thing: Any) -> None:
    Path(f"{thing.path}.go").touch()


def test_the_second_waits_for_as_long_as_the_first_lives(broken, shared_place, thing, first, monkeypatch):
    monkeypatch.setattr(heal, "READ_BACK_S", 0.1)  # neither this nor its own limit says how long it waits
    entry = broken(shared_place, undo="mend_when_told")
    process = first(entry)
    wait_for("the first to be at it", lambda: thing.log("mend"))
    second = Second(lambda **how: heal.undo_entry(entry, limit_s=0.1, **how))
    second.waits()
    assert "waiting for undo break-file of " in second.told[0]
    assert f"(pid {process.pid}, since 20" in second.told[0]
    _go(thing)
    assert second.ended().state == "already"
    assert process.stdout.readline() == "undone\n"
    assert {line["pid"] for line in thing.log("mend")} == {process.pid}


def test_the_second_takes_over_when_the_first_dies(broken, shared_place, thing, first):
    entry = broken(shared_place, undo="mend_when_told")
    process = first(entry)
    wait_for("the first to be at it", lambda: thing.log("mend"))
    second = Second(lambda **how: heal.undo_entry(entry, **how))
    second.waits()
    _go_after = thing.log("mend")
    process.kill()
    process.wait(20)
    wait_for("the second to be at it", lambda: len(thing.log("mend")) > len(_go_after))
    _go(thing)
    assert second.ended().state == "undone"
    assert thing.is_whole


def test_an_undo_that_was_given_up_is_waited_for_too(broken, shared_place, thing, first):
    entry = broken(shared_place, undo="mend_when_told")
    process = first(entry, limit_s=0.2)
    assert process.stdout.readline() == "failed\n"
    second = Second(lambda **how: heal.undo_entry(entry, **how))
    second.waits()
    _go(thing)
    assert second.ended().state == "already"
    pids = [line["pid"] for line in thing.log("mend")]
    assert pids[:2] == [process.pid] * 2, "the second began before the first had ended"
    assert thing.is_whole


def test_undoing_once_takes_its_turn(broken, shared_place, thing, first):
    entry = broken(shared_place, undo="mend_when_told")
    process = first(entry)
    wait_for("the first to be at it", lambda: thing.log("mend"))
    second = Second(lambda **how: heal.undo_once(entry, **how))
    second.waits()
    _go(thing)
    assert second.ended().state == "already"
    pids = [line["pid"] for line in thing.log("mend")]
    assert pids[:2] == [process.pid] * 2, "the second began before the first had ended"


def test_an_undo_of_this_process_that_never_ends_is_not_waited_for_forever(
    broken, shared_place, thing, monkeypatch
):
    entry = broken(shared_place, undo="mend_when_told")
    assert heal.undo_entry(entry, limit_s=0.2, pauses_s=()).state == "failed"
    monkeypatch.setattr(lock, "GIVEN_UP_S", 0.2)
    outcome = heal.undo_entry(entry)
    assert (outcome.state, "given up and goes on" in outcome.why) == ("failed", True), outcome.why
    assert len(thing.log("mend")) == 1
    _go(thing)
    wait_for("its end", lambda: thing.is_whole)
    assert heal.undo_entry(entry).state == "already"


# --- on two machines ---

_ON_ANOTHER_MACHINE = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from chaos_ext.safety import heal
from chaos_ext.safety.ledger import Ledger
(entry,) = Ledger(Path(sys.argv[2]), "dedicated", "dedicated", sys.argv[3]).book().open_entries
print(heal.undo_entry(entry, pauses_s=()).state, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def of_a_machine_that_is_gone(here, shared_place, thing, monkeypatch) -> None:
    """A fault in the shared ledger that was injected on none of the machines that heal."""
    with monkeypatch.context() as patch:
        patch.setattr(processes, "host", lambda: "gone")
        entry = here.intend(
            "break-file", **thing.fault("mend_when_told"), target={}, prior={}, lease_s=0,
            configuration={"chaos_facts": shared_place.facts}, identity=shared_place.identity,
        )  # fmt: skip
        here.injected(entry, execute.run(entry.activity, entry.configuration))


@pytest.fixture
def on_another_machine(of_a_machine_that_is_gone, url, tmp_path) -> Iterator[subprocess.Popen[str]]:
    """A healer with a folder of its own: no lock file of this machine keeps it out."""
    command = [sys.executable, "-c", _ON_ANOTHER_MACHINE, str(SUPPORT), str(tmp_path / "another"), url]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate(timeout=20)


@pytest.mark.parametrize("ends_by", ["undoing", "dying"])
def test_machines_wait_for_each_other(there, thing, on_another_machine, ends_by):
    wait_for("the other machine to be at it", lambda: thing.log("mend"))
    (entry,) = there.book().open_entries
    second = Second(lambda **how: heal.undo_entry(entry, **how))
    second.waits()
    assert second.told == [f"waiting for another machine, which undoes in 'dedicated' ({there.url})"]
    if ends_by == "dying":
        on_another_machine.kill()
        on_another_machine.wait(20)
        wait_for("this one to be at it", lambda: len({line["pid"] for line in thing.log("mend")}) == 2)
    _go(thing)
    assert second.ended().state == ("already" if ends_by == "undoing" else "undone")
    assert thing.is_whole
    if ends_by == "undoing":
        assert {line["pid"] for line in thing.log("mend")} == {on_another_machine.pid}
    assert there.book().open_entries == []


def test_a_ledger_that_is_lost_by_then_stops_no_undo(there, server, thing, of_a_machine_that_is_gone):
    (entry,) = there.book().open_entries
    _go(thing)
    server.execute("ALTER DATABASE ledger ALLOW_CONNECTIONS false")
    try:
        assert heal.undo_entry(entry).state == "undone"
    finally:
        server.execute("ALTER DATABASE ledger ALLOW_CONNECTIONS true")
    assert thing.is_whole
    assert there.book().open_entries == []  # what was kept here was sent
