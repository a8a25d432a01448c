"""The guarded door, over a real lab, with a file that really breaks."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from chaos_ext.actions import fault
from chaos_ext.errors import Blocked, FaultNotInjected, Interrupted, UndoFailed
from chaos_ext.probes.fault import seen_in_force
from chaos_ext.record import read_events
from chaos_ext.safety import heal
from chaos_ext.safety.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]


def kinds(trial) -> list[str]:
    return [event["kind"] for event in events(trial)]


def events(trial):
    return list(read_events(trial.ledger.directory.parent / "events.jsonl"))


def calls(thing: Path) -> list[str]:
    log = Path(f"{thing}.log")
    return [json.loads(line)["what"] for line in log.read_text().splitlines()] if log.exists() else []


def test_there_and_back(trial, break_it, thing):
    result = fault.through(trial, break_it())
    assert not thing.exists()
    (entry,) = trial.ledger.open_entries()
    assert (entry.id, entry.state, entry.name) == (result["entry"], "injected", "break-file")
    assert entry.prior["holds"] is False
    assert entry.output == result["output"] == {"moved": str(thing)}
    assert seen_in_force(trial, "after-injection", {})["holds"] is True
    assert fault.back_through(trial, "break-file", {})["outcome"] == "undone"
    assert thing.exists()
    assert trial.ledger.open_entries() == []
    assert seen_in_force(trial, "afterwards", {})["holds"] is False
    assert kinds(trial) == [
        "fault-intended",
        "fault-injected",
        "fault-in-force",
        "fault-undone",
        "fault-in-force",
    ]
    injected = events(trial)[1]
    assert injected["started"] <= injected["returned"] <= injected["ended"] <= injected["at"]
    assert injected["output"] == {"moved": str(thing)}


def test_no_op_is_no_fault(trial, break_it, thing, monkeypatch):
    monkeypatch.setattr(fault, "SHOWS_WITHIN_S", 0.2)
    with pytest.raises(FaultNotInjected, match="its effect does not show"):
        fault.through(trial, break_it(by="break_nothing"))
    assert trial.ledger.open_entries() == []
    assert kinds(trial) == ["fault-intended", "fault-not-injected", "fault-undone"]
    assert seen_in_force(trial, "after-injection", {})["holds"] is False


def test_half_a_fault_is_undone(trial, break_it, thing):
    with pytest.raises(FaultNotInjected, match="half-way"):
        fault.through(trial, break_it(by="break_half"))
    assert thing.exists()
    assert trial.ledger.open_entries() == []
    assert kinds(trial) == ["fault-intended", "fault-not-injected", "fault-undone"]


def lasting(trial, seconds: float) -> None:
    """Let faults last so long at most in the trial's environment."""
    limits = trial.place.environment.limits.model_copy(update={"longest_fault": seconds})
    environment = trial.place.environment.model_copy(update={"limits": limits})
    trial.place = dataclasses.replace(trial.place, environment=environment)


@pytest.mark.parametrize("undone_first", [True, False], ids=["after the rollbacks", "before the rollbacks"])
def test_an_activity_that_hangs_ends_as_no_fault_and_is_undone_when_it_comes_back(
    trial, break_it, thing, undone_first
):
    lasting(trial, 1.0)
    started = time.monotonic()
    with pytest.raises(FaultNotInjected, match="has not returned"):
        fault.through(trial, break_it(by="break_when_told"))
    assert 0.5 <= time.monotonic() - started < 5
    assert kinds(trial) == ["fault-intended", "fault-not-injected"]
    assert len(trial.ledger.open_entries()) == 1  # it may still break something
    if undone_first:
        assert fault.back_through(trial, "break-file", {})["outcome"] == "already"
    Path(f"{thing}.go").touch()
    # The hanging thread breaks the file now, and puts it back by itself.
    until = time.monotonic() + 10
    while calls(thing).count("break") < 2 or calls(thing)[-1] != "mend" or not thing.exists():
        assert time.monotonic() < until, calls(thing)
        time.sleep(0.01)
    assert fault.back_through(trial, "break-file", {})["outcome"] == "already"
    assert trial.ledger.open_entries() == []
    assert thing.exists()


def test_somebody_who_asks_to_stop_does_not_wait_for_an_activity_that_hangs(trial, break_it, thing):
    trial.aborting.clear()
    threading.Timer(0.3, trial.aborting.set).start()
    started = time.monotonic()
    with pytest.raises(FaultNotInjected, match="has not returned"):
        fault.through(trial, break_it(by="break_when_told"))
    assert time.monotonic() - started < 20  # and not the minute that an activity may take here
    Path(f"{thing}.go").touch()


def nothing_was_done(trial, thing) -> None:
    assert calls(thing) == []
    assert trial.ledger.open_entries() == []
    assert "fault-not-injected" in kinds(trial)
    assert "fault-injected" not in kinds(trial)


def test_in_force_already(trial, break_it, thing):
    thing.unlink()
    with pytest.raises(Blocked, match="in force before anything was done"):
        fault.through(trial, break_it())
    nothing_was_done(trial, thing)


def test_evidence_that_cannot_be_had(trial, break_it, thing):
    with pytest.raises(Blocked, match="cannot see"):
        fault.through(trial, break_it(in_force="cannot_look"))
    nothing_was_done(trial, thing)


def test_evidence_that_is_none(trial, break_it, thing):
    with pytest.raises(Blocked, match="boolean 'holds'"):
        fault.through(trial, break_it(in_force="looks_away"))
    nothing_was_done(trial, thing)


def test_another_place(trial, break_it, thing):
    identity = {"lab": {**trial.place.environment.identity["lab"], "marker": "another"}}
    environment = trial.place.environment.model_copy(update={"identity": identity})
    trial.place = dataclasses.replace(trial.place, environment=environment)
    with pytest.raises(Blocked, match="lab marker"):
        fault.through(trial, break_it())
    nothing_was_done(trial, thing)


def test_asked_to_stop(trial, break_it, thing):
    trial.aborting.set()
    with pytest.raises(Interrupted):
        fault.through(trial, break_it())
    nothing_was_done(trial, thing)


def test_asked_to_stop_in_the_last_moment(trial, break_it, thing):
    record = trial.recorder.emit

    class Record:
        @staticmethod
        def emit(kind, **fields):
            if kind == "fault-intended":
                trial.aborting.set()
            return record(kind, **fields)

    trial.recorder, real = Record(), trial.recorder
    with pytest.raises(Interrupted):
        fault.through(trial, break_it())
    trial.recorder = real
    nothing_was_done(trial, thing)


def test_stop_does_not_stop_the_undo(trial, break_it, thing):
    fault.through(trial, break_it())
    trial.aborting.set()
    assert fault.back_through(trial, "break-file", {})["outcome"] == "undone"
    assert thing.exists()


def test_dead_janitor(trial, break_it, thing):
    os.kill(trial.janitor.pid, signal.SIGKILL)
    with pytest.raises(Blocked, match="janitor"):
        fault.through(trial, break_it())
    nothing_was_done(trial, thing)


def test_ledger_that_cannot_be_written(trial, break_it, thing, tmp_path):
    (tmp_path / "file").write_text("")
    trial.ledger = Ledger(tmp_path / "file", "lab", trial.place.instance)
    with pytest.raises(Blocked):
        fault.through(trial, break_it())
    assert calls(thing) == []
    trial.ledger = Ledger(tmp_path / "ledger", "lab", trial.place.instance)
    nothing_was_done(trial, thing)


def test_record_that_cannot_be_written(trial, break_it, thing):
    class Record:
        @staticmethod
        def emit(kind, **fields):
            if kind == "fault-intended":
                raise OSError(28, "No space left on device")

    trial.recorder, real = Record(), trial.recorder
    with pytest.raises(Blocked, match="No space left"):
        fault.through(trial, break_it())
    trial.recorder = real
    assert calls(thing) == []
    assert trial.ledger.open_entries() == []


def test_unhealed_before(trial, break_it, thing):
    fault.through(trial, break_it(undo_by="mend_nothing"))
    entry = trial.ledger.close(trial.ledger.open_entries()[0], "failed", "as if")
    os.rename(f"{thing}.lost", thing)
    with pytest.raises(Blocked, match="chaos heal"):
        fault.through(trial, break_it(name="another"))
    trial.ledger.close(entry, "undone", "by hand")
    fault.through(trial, break_it(name="another"))
    fault.back_through(trial, "another", {})


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"undo": None}, "no undo"),
        ({"undo": {"provider": {"type": "python", "secrets": ["aws"]}}}, "needs secrets"),
    ],
)
def test_way_back_that_cannot_be_gone(trial, break_it, thing, more, says):
    with pytest.raises(Blocked, match=says):
        fault.through(trial, break_it(**more))
    nothing_was_done(trial, thing)


def test_what_cannot_be_undone_needs_a_reason(trial, break_it, thing):
    fault.through(trial, break_it(undo=None, cannot_be_undone_because="it is lost"))
    with pytest.raises(UndoFailed, match="it is lost"):
        fault.back_through(trial, "break-file", {})
    os.rename(f"{thing}.lost", thing)
    assert fault.back_through(trial, "break-file", {})["outcome"] == "undone"


def test_undoing_twice_and_undoing_nothing(trial, break_it, thing):
    assert fault.back_through(trial, "never", {}) == {"outcome": "already", "why": "nothing was injected"}
    fault.through(trial, break_it())
    assert fault.back_through(trial, "break-file", {})["outcome"] == "undone"
    assert fault.back_through(trial, "break-file", {})["outcome"] == "already"
    assert calls(thing) == ["break", "mend"]
    assert [event.get("outcome") for event in events(trial) if event["kind"] == "fault-undone"] == [
        "already",
        "undone",
        "already",
    ]


def test_superseded(trial, break_it, thing):
    fault.through(trial, break_it(undo_by="mend_superseded"))
    assert fault.back_through(trial, "break-file", {})["outcome"] == "superseded"
    assert trial.ledger.open_entries() == []


def test_undo_that_fails_is_an_event_and_an_error(trial, break_it, thing, monkeypatch):
    monkeypatch.setattr(heal, "READ_BACK_S", 0.1)
    monkeypatch.setattr(heal, "PAUSES_S", ())
    fault.through(trial, break_it(undo_by="mend_nothing"))
    with pytest.raises(UndoFailed, match="still in force"):
        fault.back_through(trial, "break-file", {})
    assert events(trial)[-1]["outcome"] == "failed"
    assert [entry.state for entry in trial.ledger.open_entries()] == ["failed"]
    os.rename(f"{thing}.lost", thing)


def test_fault_that_goes_away_by_itself_is_seen(trial, break_it, thing):
    fault.through(trial, break_it())
    os.rename(f"{thing}.lost", thing)
    seen = seen_in_force(trial, "before-mitigation", {})
    assert seen == {
        "holds": False,
        "evidence": [{"name": "break-file", "holds": False, "looked_at": str(thing)}],
    }
    assert fault.back_through(trial, "break-file", {})["outcome"] == "already"


def test_an_undo_that_somebody_else_did_before_is_told(trial, break_it, thing):
    fault.through(trial, break_it())
    (outcome,) = heal.heal(trial.ledger.directory, None, lambda _: None)
    assert outcome.state == "undone"
    assert fault.back_through(trial, "break-file", {})["outcome"] == "already"
    assert events(trial)[-1]["closed_before"] is True


def test_an_undo_of_nothing_was_nobody_elses(trial):
    fault.back_through(trial, "never", {})
    assert events(trial)[-1]["closed_before"] is False
