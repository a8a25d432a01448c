"""Healing: proven, idempotent, read back, and honest when it did not work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from chaos_ext.safety import heal, ledger


def test_undone_and_read_back(broken, shared_place, thing, book):
    entry = broken(shared_place)
    said = []
    (outcome,) = heal.heal(book.directory, None, said.append)
    assert thing.is_whole
    assert (outcome.state, outcome.entry.id) == ("undone", entry.id)
    assert ledger.find(entry.path, entry.id).state == "undone"
    assert said == [f"undone break-file in {shared_place.marker}: moved back"]


def test_healing_twice_is_harmless(broken, shared_place, thing, book):
    entry = broken(shared_place)
    assert [outcome.state for outcome in heal.heal(book.directory, None, print)] == ["undone"]
    assert heal.heal(book.directory, None, print) == []
    assert heal.undo_entry(entry).state == "already"  # as one does who read the ledger before
    assert len(thing.log("mend")) == 1


def test_two_healers_at_once_undo_once(broken, shared_place, thing, book):
    entry = broken(shared_place)
    outcomes = []
    healers = [
        threading.Thread(target=lambda: outcomes.append(heal.undo_entry(entry).state)) for _ in range(4)
    ]
    for healer in healers:
        healer.start()
    for healer in healers:
        healer.join(60)
    assert sorted(outcomes) == ["already", "already", "already", "undone"]
    assert len(thing.log("mend")) == 1


def test_intended_but_never_injected(shared_place, thing, book):
    entry = book.intend(
        "break-file",
        **thing.fault(),
        target={},
        prior={},
        lease_s=60,
        configuration={"chaos_facts": shared_place.facts},
        identity=shared_place.identity,
    )
    (outcome,) = heal.heal(book.directory, None, print)
    assert (outcome.state, outcome.why) == ("already", "the file is there")
    assert ledger.find(entry.path, entry.id).state == "undone"


def test_only_the_named_instance(broken, shared_place, thing, book):
    broken(shared_place)
    assert heal.heal(book.directory, "another", print) == []
    assert not thing.is_whole
    assert len(heal.heal(book.directory, shared_place.marker, print)) == 1


def test_another_place_in_the_same_directory_is_not_touched(broken, own_place, thing, restart):
    entry = broken(own_place)
    own_place.stop()
    (own_place.directory / "run" / "supervisor.sock").unlink(missing_ok=True)
    other = restart(own_place.directory)
    assert other.marker != own_place.marker
    outcome = heal.undo_entry(entry)
    assert outcome.state == "failed"
    assert "not touched" in outcome.why
    assert other.marker in outcome.why
    assert thing.log("mend") == []
    assert not thing.is_whole
    assert ledger.find(entry.path, entry.id).is_open


def test_place_that_cannot_be_asked_is_not_touched(broken, own_place, thing):
    entry = broken(own_place)
    own_place.stop()
    outcome = heal.undo_entry(entry, pauses_s=())
    assert outcome.state == "failed"
    assert thing.log("mend") == []


def test_place_that_comes_back_is_healed(broken, own_place, thing):
    entry = broken(own_place)
    os.kill(own_place.process.pid, signal.SIGSTOP)
    assert heal.undo_entry(entry, pauses_s=()).state == "failed"
    os.kill(own_place.process.pid, signal.SIGCONT)
    (outcome,) = heal.heal(entry.path.parent, None, print)
    assert outcome.state == "undone"
    assert thing.is_whole


def test_vanished_place_has_nothing_to_undo(broken, own_place, thing):
    entry = broken(own_place)
    own_place.vanish()
    outcome = heal.undo_entry(entry)
    assert (outcome.state, outcome.why) == ("undone", "the place is gone")
    assert thing.log("mend") == []
    assert not ledger.find(entry.path, entry.id).is_open


def test_undo_that_says_so_but_did_not(broken, shared_place, monkeypatch):
    monkeypatch.setattr(heal, "READ_BACK_S", 0.1)
    entry = broken(shared_place, undo="mend_nothing")
    outcome = heal.undo_entry(entry, pauses_s=(0.01,))
    assert outcome.state == "failed"
    assert "still in force" in outcome.why
    assert ledger.find(entry.path, entry.id).state == "failed"


def test_world_that_moved_on_is_left_alone(broken, shared_place, thing):
    entry = broken(shared_place, undo="mend_superseded")
    outcome = heal.undo_entry(entry)
    assert (outcome.state, outcome.why) == ("superseded", "somebody made another one")
    assert not thing.is_whole
    assert not ledger.find(entry.path, entry.id).is_open


def test_failing_undo_is_tried_again(broken, shared_place, thing):
    entry = broken(shared_place, undo="mend_at_third_call")
    assert heal.undo_entry(entry, pauses_s=(0.01, 0.01)).state == "undone"
    assert thing.is_whole
    assert len(thing.log("mend")) == 2


def test_failing_undo_is_failed_in_the_end(broken, shared_place, thing):
    entry = broken(shared_place, undo="mend_at_third_call")
    outcome = heal.undo_entry(entry, pauses_s=())
    assert outcome.state == "failed"
    assert "not yet" in outcome.why
    assert heal.undo_entry(entry).state == "undone"  # failed is not the end of it


def test_hanging_undo_has_an_end(broken, shared_place, thing):
    entry = broken(shared_place, undo="mend_never_returns")
    outcome = heal.undo_entry(entry, limit_s=0.3, pauses_s=(0.01, 0.01))
    assert (outcome.state, outcome.why) == ("failed", "not done after 0.3 s")
    assert len(thing.log("mend")) == 1  # not started again while the first may still be at it
    Path(f"{thing.path}.go").touch()


def without_undo(book, shared_place, thing):
    return book.intend(
        "break-file",
        activity=thing.fault()["activity"],
        undo=None,
        in_force=thing.fault()["in_force"],
        target={},
        prior={},
        lease_s=60,
        configuration={"chaos_facts": shared_place.facts},
        identity=shared_place.identity,
        cannot_be_undone_because="the disk is lost",
    )


def test_what_cannot_be_undone_says_why(book, shared_place, thing):
    entry = without_undo(book, shared_place, thing)
    os.rename(thing.path, f"{thing.path}.lost")
    outcome = heal.undo_entry(entry)
    assert outcome.state == "failed"
    assert "the disk is lost" in outcome.why
    os.rename(f"{thing.path}.lost", thing.path)
    outcome = heal.undo_entry(entry)
    assert (outcome.state, outcome.why) == ("undone", "no longer in force by itself")


def test_full_disk_does_not_stop_an_undo(broken, shared_place, thing):
    """Undone, though it could not be written down; the next healer finds it done and closes the entry."""
    entry = broken(shared_place)
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[3])\n"
        "from chaos_ext.safety import heal, ledger\n"
        "entry = ledger.find(Path(sys.argv[1]), sys.argv[2])\n"
        "size = entry.path.stat().st_size\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "print(heal.undo_entry(entry, pauses_s=()))\n"
    )
    support = os.path.join(os.path.dirname(__file__), "support")
    done = subprocess.run(
        [sys.executable, "-c", script, str(entry.path), entry.id, support],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "expected to write down 'undone' durably" in done.stdout, done.stderr
    assert thing.is_whole
    assert heal.undo_entry(entry).state == "already"
    assert not ledger.find(entry.path, entry.id).is_open
