"""The place in a shared ledger: kept while its run is heard of, lost when not, and never by a wrong clock."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from waiting import wait_for

from chaos_ext.errors import Blocked
from chaos_ext.safety import clocks, free, hold, ledger_postgresql, processes
from chaos_ext.safety.ledger import Entry, Ledger

_HOLDER = """
import sys, threading
from pathlib import Path
from chaos_ext.safety import hold
from chaos_ext.safety.ledger import Ledger
hold.LEASE_S, hold.RENEW_EVERY_S, hold._LOOK_EVERY_S = 6.0, 0.3, 0.05
lost = threading.Event()
def tell(why):
    print(why, flush=True)
    lost.set()
with hold.hold(Ledger(Path(sys.argv[1]), "dedicated", "dedicated", sys.argv[2]), "a run that stood still", tell):
    print("held", flush=True)
    lost.wait(60)
"""


@pytest.fixture
def holder(tmp_path, url) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path / "holder"), url], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate(timeout=20)


def _can_be_had(book: Ledger) -> bool:
    try:
        with hold.hold(book, "another run"):
            return True
    except Blocked:
        return False


def _living(book: Ledger) -> list[Any]:
    return list(book.book().holds.values())


def test_it_is_kept_for_longer_than_its_lease(holder, there) -> None:
    (first,) = _living(there)
    wait_for(
        "it to be renewed past its first lease",
        lambda: _living(there)[0].lease_until > first.lease_until + 6.0,
    )
    assert not _can_be_had(there)
    assert holder.poll() is None


def test_a_run_that_stood_still_loses_it_and_knows_at_once(holder, there) -> None:
    os.kill(holder.pid, signal.SIGSTOP)
    wait_for("its lease to end", lambda: _can_be_had(there))
    os.kill(holder.pid, signal.SIGCONT)
    assert "no word of this run for 6 s" in holder.stdout.readline()
    assert holder.wait(20) == 0


def test_a_machine_that_slept_has_lost_it_when_it_wakes(here, monkeypatch) -> None:
    """The clock that goes on while a machine sleeps has gone on; no other has."""
    monkeypatch.setattr(hold, "_LOOK_EVERY_S", 0.02)
    told: list[str] = []
    with hold.hold(here, "a run", told.append):
        assert told == []
        slept = clocks.steady() + hold.LEASE_S
        monkeypatch.setattr(clocks, "steady", lambda: slept)
        wait_for("it to be lost", lambda: told)
        with pytest.raises(Blocked, match="no word of this run for 90 s"):
            here.held.refuse_if_over()


def test_who_finds_it_to_be_anothers_does_not_take_it_back(here, there, monkeypatch) -> None:
    """As when a person let go of it on another machine, and another run came."""
    monkeypatch.setattr(hold, "_LOOK_EVERY_S", 0.02)
    told: list[str] = []
    with hold.hold(here, "a run that stood still", told.append):
        (mine,) = _living(there)
        there.append(mine.id, "let-go", {})
        with hold.hold(there, "chaos verify y"):
            monkeypatch.setattr(hold, "RENEW_EVERY_S", 0.02)
            here.held._renew()  # as its thread does at its next turn
            assert "taken by chaos verify y of " in told[0]
            assert [each.what for each in _living(there)] == ["chaos verify y"]


def test_a_ledger_that_cannot_be_reached_for_too_long_loses_it(here, server, monkeypatch) -> None:
    monkeypatch.setattr(hold, "LEASE_S", 1.0)
    monkeypatch.setattr(hold, "RENEW_EVERY_S", 0.2)
    monkeypatch.setattr(hold, "_LOOK_EVERY_S", 0.02)
    told: list[str] = []
    server.execute("ALTER DATABASE ledger ALLOW_CONNECTIONS false")
    server.execute("ALTER DATABASE ledger ALLOW_CONNECTIONS true")
    with hold.hold(here, "a run", told.append):
        server.execute("ALTER DATABASE ledger ALLOW_CONNECTIONS false")
        try:
            wait_for("it to be lost", lambda: told)
        finally:
            server.execute("ALTER DATABASE ledger ALLOW_CONNECTIONS true")
    assert len(told) == 1


# --- whose clock counts ---


@pytest.fixture
def elsewhere(there, monkeypatch) -> Any:
    """Makes this process another machine, whose clock is so much off; gives the ledger as it has it."""
    real = time.time

    def go(seconds: float) -> Ledger:
        monkeypatch.setattr(processes, "host", lambda: "another-machine")
        monkeypatch.setattr(time, "time", lambda: real() + seconds)
        return there

    return go


def _intended(book: Ledger, thing: Any, place: Any, lease_s: float = 600.0) -> Entry:
    return book.intend(
        "break-file", **thing.fault(), target={}, prior={}, lease_s=lease_s,
        configuration={"chaos_facts": place.facts}, identity=place.identity,
    )  # fmt: skip


@pytest.mark.parametrize("off_s", [-3600.0, 0.0, 3600.0])
def test_a_run_that_is_heard_of_is_alive_whatever_the_clock_of_who_looks(
    here, elsewhere, thing, shared_place, off_s
) -> None:
    with hold.hold(here, "a run"):
        _intended(here, thing, shared_place)
        book = free.with_silence(elsewhere(off_s).book())
        (entry,) = book.open_entries
        assert (entry.runner_is_gone, entry.lease(), entry.runner_may_live()) == (False, "running", True)
        with pytest.raises(Blocked, match="may be alive"):
            free.refuse_if_unhealed(book)


@pytest.mark.parametrize("off_s", [-3600.0, 0.0, 3600.0])
def test_a_run_that_is_not_heard_of_is_gone_whatever_the_clock_of_who_looks(
    here, elsewhere, thing, shared_place, off_s
) -> None:
    entry = _intended(here, thing, shared_place)
    runner = {"pid": entry.runner_pid, "started": entry.runner_started, "host": entry.runner_host}
    said = {"what": "a run", "who": "me", "since": "x", "runner": runner, "lease_until": time.time() - 120}
    here.append(uuid.uuid4().hex[:12], "taken", said)
    book = free.with_silence(elsewhere(off_s).book())
    (entry,) = book.open_entries
    assert (entry.runner_is_gone, entry.runner_may_live()) == (True, False)


@pytest.mark.parametrize("off_s", [-3600.0, 3600.0])
def test_a_lease_ends_by_the_clock_of_the_ledger(here, elsewhere, thing, shared_place, off_s) -> None:
    _intended(here, thing, shared_place, lease_s=0.0)
    (entry,) = free.with_silence(elsewhere(off_s).book()).open_entries
    assert entry.lease() == "over"


@pytest.mark.parametrize("off_s", [-3600.0, 3600.0])
def test_a_machine_whose_clock_is_wrong_injects_nothing(
    here, thing, shared_place, monkeypatch, off_s
) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + off_s)
    book = Ledger(
        here.directory, "dedicated", "dedicated", here.url
    )  # its clock was wrong from the beginning
    with pytest.raises(Blocked, match=rf"got a clock here that is {off_s:.0f} s off"):
        _intended(book, thing, shared_place)


# --- a client that stands still in the middle of writing ---

_STANDS_STILL = """
import os, signal, sys, time
from pathlib import Path
from chaos_ext.errors import Blocked
from chaos_ext.safety.ledger import Ledger
def unless(book, now):
    print("in the middle", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    while not os.path.exists(sys.argv[3]):
        time.sleep(0.01)
try:
    Ledger(Path(sys.argv[1]), "dedicated", "dedicated", sys.argv[2]).append("late", "needs-person", {
        "runbook": "x.md", "step": "s", "heading": "S", "why": "late"}, unless=unless)
    print("written", flush=True)
except Blocked as error:
    print(error, flush=True)
"""


def test_who_stands_still_in_the_middle_keeps_nobody_out_and_writes_nothing_late(
    there, url, server, tmp_path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _STANDS_STILL, str(tmp_path / "still"), url, str(tmp_path / "go")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "in the middle\n"
        wait_for("the place to be had", lambda: _can_be_had(there), 30)
        (tmp_path / "go").touch()
        os.kill(process.pid, signal.SIGCONT)
        said = process.stdout.readline()
        assert "expected the ledger to answer" in said, said
        rows = server.execute("SELECT body FROM chaos_ledger.records", "ledger")
        assert [row for (body,) in rows if (row := json.loads(body))["entry"] == "late"] == []
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_what_was_given_up_is_not_written_late(here, there, server, monkeypatch) -> None:
    """Its caller was told that it is not there, and has gone on."""
    monkeypatch.setattr(ledger_postgresql, "ANSWER_WITHIN_S", 0.3)
    goes_on = threading.Event()
    said = {"runbook": "x.md", "step": "s", "heading": "S", "why": "late"}
    with pytest.raises(Blocked, match="not done after"):
        here.append("late", "needs-person", said, unless=lambda _book, _now: goes_on.wait(60) and None)
    goes_on.set()
    wait_for(
        "the thread to end", lambda: not [t for t in threading.enumerate() if t.name.startswith("ledger ")]
    )
    assert there.book().marks == {}
    here.append("in-time", "needs-person", said)
    assert list(there.book().marks) == ["in-time"]
