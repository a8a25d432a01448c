"""Between the last look and the call: whatever happens there, nothing is injected that must not be."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import slow_pins
from aborting import experiment, inject, python, running, small_project
from waiting import wait_for

from chaos_ext.actions.fault import through
from chaos_ext.errors import Blocked, ChaosExtError, Interrupted
from chaos_ext.record import read_events
from chaos_ext.safety import hold, ledger
from chaos_ext.safety.identity.kinds import KINDS, Kind
from chaos_ext.safety.stopper import Stopper


@pytest.fixture
def held_up(monkeypatch, heard) -> Iterator[None]:
    """Once its fault is written down, an injection is held up where its credentials are laid out."""
    monkeypatch.setitem(KINDS, "slow", Kind("slow_pins", shows=()))
    slow_pins.THERE.clear()

    def hold_up(event: dict[str, Any]) -> None:
        if event["kind"] == "fault-intended":
            slow_pins.HOLD.set()

    heard.append(hold_up)
    yield
    slow_pins.HOLD.clear()


def _inject(door: Any, fault: Any) -> tuple[threading.Thread, list[ChaosExtError]]:
    """The fault goes in, in a thread; what the door raises."""
    raised: list[ChaosExtError] = []

    def work() -> None:
        try:
            through(door, fault)
        except ChaosExtError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, raised


def test_an_abort_before_the_call_is_an_abort_without_the_call(door, fault, thing, held_up, tmp_path):
    stopper = Stopper(door.aborting, door.ledger, door.recorder.emit)
    door.undo_on_abort = stopper.expect
    thread, raised = _inject(door, dataclasses.replace(fault, identity={"slow": {}}))
    assert slow_pins.THERE.wait(30)
    door.aborting.ask("enough", "program")
    slow_pins.HOLD.clear()
    thread.join(30)
    stopper.close()
    assert [type(error) for error in raised] == [Interrupted]
    assert thing.log("break") == []
    assert thing.is_whole
    assert door.ledger.open_entries() == []
    kinds = [event["kind"] for event in read_events(tmp_path / "events.jsonl")]
    assert "fault-not-injected" in kinds
    assert "fault-injected" not in kinds


def test_the_fault_begins_when_it_is_called_and_not_before(door, fault, held_up, tmp_path):
    thread, raised = _inject(door, dataclasses.replace(fault, identity={"slow": {}}))
    assert slow_pins.THERE.wait(30)
    door.recorder.emit("now")
    slow_pins.HOLD.clear()
    thread.join(30)
    assert raised == []
    (now,) = [e for e in read_events(tmp_path / "events.jsonl") if e["kind"] == "now"]
    (injected,) = [e for e in read_events(tmp_path / "events.jsonl") if e["kind"] == "fault-injected"]
    assert injected["started"] >= now["at"]


@pytest.mark.parametrize("how", ["healed", "its ledger is gone"])
def test_what_happened_to_the_entry_meanwhile_stops_the_call(door, fault, thing, held_up, how):
    """As when this process, or its machine, stood still in between."""
    thread, raised = _inject(door, dataclasses.replace(fault, identity={"slow": {}}))
    assert slow_pins.THERE.wait(30)
    (entry,) = door.ledger.entries()
    if how == "healed":  # by another process: in this one credentials are laid out by one at a time
        door.ledger.close(entry, "undone", "chaos heal")
    else:
        entry.path.unlink()
    slow_pins.HOLD.clear()
    thread.join(30)
    assert [str(error) for error in raised if "Nothing was injected" in str(error)], raised
    assert thing.log("break") == []


def test_a_lease_that_is_over_stops_the_call(book, thing, shared_place):
    """The janitor has undone what was not there; nobody would undo it later."""
    entry = _intend(book, thing, shared_place, lease_s=0.0)
    with pytest.raises(Blocked, match="got its entry overdue"):
        book.refuse_if_late(entry)


def test_a_clock_that_jumped_after_the_intent_stops_the_call(book, thing, shared_place, monkeypatch):
    entry = _intend(book, thing, shared_place)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    with pytest.raises(Blocked, match="got a jump by -3600 s"):
        book.refuse_if_late(entry)


# --- a shared ledger: the place may be another's by then ---


@pytest.fixture
def hung(monkeypatch) -> None:
    """Runs say that they are there once, and then never again; one second later their place is lost."""
    monkeypatch.setattr(hold, "LEASE_S", 1.0)
    monkeypatch.setattr(hold, "RENEW_EVERY_S", 3600.0)
    monkeypatch.setattr(hold, "_LOOK_EVERY_S", 3600.0)


def _others_may_have_it(there: ledger.Ledger) -> bool:
    try:
        with hold.hold(there, "another run"):
            return True
    except Blocked:
        return False


def _intend(book: ledger.Ledger, thing: Any, place: Any, lease_s: float = 600.0) -> ledger.Entry:
    return book.intend(
        "break-file", **thing.fault(), target={}, prior={}, lease_s=lease_s,
        configuration={"chaos_facts": place.facts}, identity=place.identity,
    )  # fmt: skip


def test_who_lost_the_place_intends_nothing_there(here, there, hung, thing, shared_place):
    with hold.hold(here, "a run that stood still"):
        wait_for("the place to be free", lambda: _others_may_have_it(there))
        with pytest.raises(Blocked, match="no word of this run for 1 s"):
            _intend(here, thing, shared_place)
    assert there.book(everything=True).entries == {}


def test_who_lost_the_place_to_another_is_told_whose_it_is(here, there, hung, thing, shared_place):
    with hold.hold(here, "a run that stood still"):
        wait_for("the place to be free", lambda: _others_may_have_it(there))
        with hold.hold(there, "chaos verify y"), pytest.raises(Blocked, match="taken by chaos verify y"):
            _intend(here, thing, shared_place)
    assert there.book(everything=True).entries == {}


def test_who_lost_the_place_after_the_intent_does_not_inject(here, hung, thing, shared_place):
    with hold.hold(here, "a run that stood still"):
        entry = _intend(here, thing, shared_place)
        here.refuse_if_late(entry)

        def refused() -> bool:
            try:
                here.refuse_if_late(entry)
            except Blocked as error:
                return "no word of this run" in str(error)
            return False

        wait_for("the end of the hold", refused)


# --- what others have written ---


def test_an_activity_of_others_that_breaks_it_again_after_the_abort_is_undone_too(
    service, shared_place, thing, tmp_path
):
    small_project(tmp_path, service, thing.path)
    stubborn = python("break_again_when_told", "safety_breakable", path=str(thing.path))
    with running(tmp_path, thing.path, shared_place.facts, experiment(inject(thing.path), stubborn)) as run:
        run.wait_for("the activity of others", lambda: run.log("others"))
        run.stop("SIGTERM")
        run.wait_for("the first undo", lambda: thing.is_whole)
        with suppress(AssertionError):  # whoever takes this for the end of it would close the entry now
            wait_for("its entry to be closed", lambda: not run.goes_on(), 1.0)
        (tmp_path / "thing.go").touch()
        run.process.wait(60)
        (abort,), (begun,) = run.events("abort"), run.events("undo-started")
        assert begun["at"] - abort["seen"] <= 0.2
        assert run.log("mend")[0] < run.log("break")[-1] < run.log("mend")[-1]
        assert {entry.state for entry in run.entries()} == {"undone"}
        assert "undone" in [event["outcome"] for event in run.events("fault-undone")]
    assert thing.is_whole
