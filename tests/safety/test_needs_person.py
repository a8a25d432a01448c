"""What a person must look at, who holds a fault, and whose window of time it is: as the commands say it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from chaos_ext.errors import Blocked, Interrupted, UsageError
from chaos_ext.safety import free, heal, holders, mitigating, processes, reservations
from chaos_ext.safety.ledger import Ledger, read_book

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def chaos(tmp_path):
    def run(*words: str) -> tuple[int, str]:
        environment = {**os.environ, "CHAOS_STATE": str(tmp_path), "CHAOS_PROJECT": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "chaos_ext", "--no-version-check", "--no-log-file", *words],
            capture_output=True, text=True, timeout=60, env=environment, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    return run


class Step:
    key, heading = "step-2", "Step 2. Promote pg-b"


@pytest.fixture
def place(tmp_path):
    return Ledger(tmp_path / "ledger", "lab", "lab")


def stopped_in_the_middle(book, is_disposable=False):
    with suppress(Interrupted), mitigating.following(book, "down.md", is_disposable) as begins:
        begins(Step)
        raise Interrupted("stopped")


def test_killed_in_the_middle_of_a_runbook(place, chaos):
    script = (
        "import sys, os; from pathlib import Path; from chaos_ext.safety import mitigating\n"
        "from chaos_ext.safety.ledger import Ledger\n"
        "class Step: key, heading = 'step-2', 'Step 2. Promote pg-b'\n"
        "with mitigating.following(Ledger(Path(sys.argv[1]), 'lab', 'lab'), 'down.md', False) as begins:\n"
        "    begins(Step); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(place.directory)], timeout=60, check=False)
    for _ in range(2):  # before anybody marked it, and after
        with pytest.raises(
            Blocked, match=r"needs a person: down\.md .*'Step 2\. Promote pg-b'.*chaos env clear lab"
        ):
            free.refuse_unless_free(place)
        assert chaos("heal")[0] == 0
    assert len(place.book().marks) == 1
    assert "needs a person: down.md" in chaos("ledger", "show")[1]
    assert "(step-2)" in chaos("env", "status", "lab")[1]
    code, said = chaos("env", "clear", "lab", "--reason", "looked at pg-b", "--by", "sato")
    assert (code, said) == (0, "lab: cleared by sato: looked at pg-b\n")
    free.refuse_unless_free(place)
    assert chaos("env", "status", "lab") == (0, "lab: free\n")
    last = json.loads(place.path.read_text().splitlines()[-1])
    assert (last["state"], last["who"], last["reason"]) == ("cleared", "sato", "looked at pg-b")


def test_the_janitor_undoes_the_cause_and_marks_the_place(run, shared_place, thing):
    runner = run(shared_place, then="mitigating")
    runner.kill()
    runner.wait_for_janitor()
    assert thing.is_whole
    (mark,) = read_book(runner.ledger_path).marks.values()
    assert (mark.runbook, mark.step, mark.why) == ("down.md", "step-2", "the runner died")
    states = [json.loads(line)["state"] for line in runner.ledger_path.read_text().splitlines()]
    assert states == ["intended", "injected", "mitigating", "undone", "needs-person"]


def test_a_runbook_that_ends_needs_nobody(place):
    with mitigating.following(place, "down.md", False) as begins:
        begins(Step)
        free.refuse_unless_free(place)  # its own process is at it
    assert place.book().is_settled


def test_stopped_in_the_middle_is_marked_and_a_disposable_place_is_not(place):
    for is_disposable, marks in ((True, 0), (False, 1)):
        stopped_in_the_middle(place, is_disposable)
        assert len(place.book().marks) == marks


def test_nothing_is_cleared_while_something_is_broken(place, chaos, broken, shared_place):
    broken(shared_place)
    other = Ledger(place.directory, "lab", shared_place.marker)
    stopped_in_the_middle(other)
    code, said = chaos("env", "clear", "lab", "--reason", "fine")
    assert (code, "chaos heal" in said) == (4, True)
    assert len(read_book(other.path).marks) == 1


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait(5)


def held(book, thing, place, pid, started=None, undo="no_such_undo"):
    entry = book.intend(
        "lock", **thing.fault(undo), target={}, prior={}, lease_s=60,
        configuration={"chaos_facts": place.facts}, identity=place.identity,
    )  # fmt: skip
    with holders.injecting(book, entry):
        holder = holders.stands(pid)
    (entry,) = book.entries()
    assert vars(entry.holder) == holder
    if started is not None:
        entry = book.injected(entry, {"holder": {**holder, "started": started}})
    return book.entries()[0]


def test_a_holder_is_ended_although_its_undo_is_gone(book, thing, shared_place, sleeper):
    outcome = heal.undo_entry(held(book, thing, shared_place, sleeper.pid))
    assert outcome.state == "undone", outcome.why
    assert f"its holder (pid {sleeper.pid}) was ended" in outcome.why
    assert processes.start_of(sleeper.pid) is None


def test_a_pid_that_somebody_else_has_now_is_left_alone(book, thing, shared_place, sleeper):
    outcome = heal.undo_entry(held(book, thing, shared_place, sleeper.pid, started="1"))
    assert "has ended" in outcome.why
    assert processes.start_of(sleeper.pid) is not None


def test_a_window_of_time(chaos, place, monkeypatch):
    words = ("env", "reserve", "lab", "--for", "load test", "--by", "load-team", "--zone", "Asia/Tokyo")
    code, said = chaos(*words, "--from", "2999-12-01 10:00", "--until", "2999-12-01 12:00")
    assert code == 0
    assert "2999-12-01 10:00 - 2999-12-01 12:00 Asia/Tokyo for 'load test' by load-team" in said
    code, said = chaos(*words, "--from", "2999-12-01T02:59+00:00", "--until", "2999-12-02 12:00")
    assert (code, "overlaps another: 2999-12-01 10:00" in said) == (4, True)
    assert "lab: reserved: 2999-12-01" in chaos("env", "status", "lab")[1]
    assert "予約済み" in chaos("env", "status", "lab", "--lang", "ja")[1]
    assert chaos("env", "release", "lab")[0] == 2
    assert chaos("env", "release", "lab", "--by", "load-team")[0] == 0
    assert chaos("env", "status", "lab") == (0, "lab: free\n")


def test_inside_the_window_of_others_nothing_starts(place, monkeypatch):
    now = time.time()
    reservations.reserve(reservations.ledger_of(place), now - 1, now + 60, "UTC", "load test", "load-team")
    other = Ledger(place.directory, "lab", "an-instance")
    monkeypatch.setenv("CHAOS_BY", "load-team")
    free.refuse_unless_free(other)
    monkeypatch.setenv("CHAOS_BY", "sre")
    with pytest.raises(Blocked, match=r"'lab' reserved: .* for 'load test' by load-team"):
        free.refuse_unless_free(other)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", "a moment with its zone"),
        ("2026-12-01 10:00", "give --zone"),
        ("2026-12-01 10:00 Asia/Tokio", "Did you mean 'Asia/Tokyo'"),
        ("2026-03-29 02:30 Europe/Berlin", "a time that is there once"),  # clocks go from 02:00 to 03:00
        ("2026-10-25 02:30 Europe/Berlin", "a time that is there once"),  # twice
    ],
)
def test_times_that_are_none(text, said):
    with pytest.raises(UsageError, match=said):
        reservations.moment("--from", text, None)


def test_times_with_their_zone():
    wanted = 1796086800.0
    for text in ("2026-12-01 10:00 Asia/Tokyo", "2026-12-01T10:00+09:00", "2026-12-01T01:00Z"):
        assert reservations.moment("--from", text, None)[0] == wanted


@pytest.mark.parametrize("tail", [b"\0" * 4096, b'{"schema": 1, "ent', b"\xff\xfe", b"{"])
def test_after_power_loss_a_torn_tail_was_never_written(book, broken, shared_place, tail):
    entry = broken(shared_place)
    with book.path.open("ab") as file:
        file.write(tail)
    assert book.entries() == [entry]
    assert heal.undo_entry(entry).state == "undone"
    assert not book.open_entries()


@pytest.mark.parametrize(
    "damage", [b"\0" * 512 + b"\n", b'{"schema": 1, "ent\n', b'{"schema": 3}\n', b'{"schema": 3}']
)
def test_damage_elsewhere_is_a_line_and_what_to_do(book, broken, shared_place, damage):
    broken(shared_place)
    lines = book.path.read_bytes().splitlines(keepends=True)
    book.path.write_bytes(lines[0] + damage + (lines[1] if damage.endswith(b"\n") else b""))
    with pytest.raises(Blocked, match=r"\.jsonl:2: .*(run 'chaos heal'|Upgrade chaos-ext)"):
        free.refuse_unless_free(book)
