"""The undo ledger: durable, append-only, closed when in doubt."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

from chaos_ext.errors import Blocked
from chaos_ext.safety import free, ledger
from chaos_ext.safety.ledger import Ledger


def intend(book: Ledger, name: str = "break-file", **more):
    fields = {
        "activity": {"provider": {"type": "python", "module": "m", "func": "f"}},
        "undo": {"provider": {"type": "python", "module": "m", "func": "g"}},
        "in_force": {"provider": {"type": "python", "module": "m", "func": "h"}},
        "target": {"node": "pg-a"},
        "prior": {"holds": False},
        "lease_s": 60,
        "configuration": {"chaos_facts": {"dir": "/somewhere"}},
        "identity": {"lab": {"marker": "x", "directory": "/somewhere"}},
    }
    return book.intend(name, **{**fields, **more})


@pytest.fixture
def own_book(tmp_path):
    return Ledger(tmp_path / "ledger", "lab", "an-instance")


def test_what_is_read_is_what_was_written(own_book):
    entry = intend(own_book)
    assert own_book.entries() == [entry]
    entry = own_book.injected(entry, {"pid": 7})
    assert own_book.entries() == [entry]
    assert (entry.state, entry.output, entry.prior) == ("injected", {"pid": 7}, {"holds": False})
    assert own_book.open_entries() == [entry]
    entry = own_book.close(entry, "undone", "moved back")
    assert own_book.entries() == [entry]
    assert own_book.open_entries() == []


@pytest.mark.parametrize(("state", "is_open"), [("undone", False), ("superseded", False), ("failed", True)])
def test_failed_stays_open(own_book, state, is_open):
    own_book.close(intend(own_book), state, "why")
    assert bool(own_book.open_entries()) is is_open


def test_every_state_stays_in_the_file(own_book):
    entry = own_book.injected(intend(own_book), None)
    own_book.close(entry, "failed", "first")
    own_book.close(entry, "undone", "then")
    lines = [json.loads(line) for line in own_book.path.read_text().splitlines()]
    assert [line["state"] for line in lines] == ["intended", "injected", "failed", "undone"]
    assert {line["schema"] for line in lines} == {1}


def test_torn_last_line_is_as_if_never_written(own_book):
    entry = intend(own_book)
    with own_book.path.open("ab") as file:
        file.write(b'{"schema": 1, "entry": "' + entry.id.encode())
    assert own_book.entries() == [entry]
    closed = own_book.close(entry, "undone", "after the power cut")
    assert own_book.entries() == [closed]


def test_whole_line_without_its_end_counts(own_book):
    entry = intend(own_book)
    own_book.path.write_bytes(own_book.path.read_bytes().rstrip(b"\n"))
    assert own_book.entries() == [entry]
    closed = own_book.close(entry, "undone", "why")
    assert own_book.entries() == [closed]


@pytest.mark.parametrize(
    "line",
    [b"garbage", b'{"schema": 2, "entry": "x", "state": "undone", "wall": ""}', b"[]", b'{"schema": 1}'],
)
def test_damage_blocks(own_book, line):
    intend(own_book)
    own_book.path.write_bytes(line + b"\n" + own_book.path.read_bytes())
    with pytest.raises(Blocked, match=r"an-instance\.jsonl:1: "):
        own_book.entries()
    with pytest.raises(Blocked):
        free.refuse_if_unhealed(own_book.book())


def test_several_processes_append_at_once(own_book):
    script = textwrap.dedent("""
        import sys; sys.path.insert(0, sys.argv[2])
        from pathlib import Path
        from chaos_ext.safety.ledger import Ledger
        book = Ledger(Path(sys.argv[1]), "lab", "an-instance")
        for number in range(20):
            entry = book.intend(f"{sys.argv[3]}-{number}", activity={}, undo=None, in_force={}, target=None,
                                prior="x" * 5000, lease_s=1, configuration={}, identity={})
            book.close(entry, "undone", "")
    """)
    command = [sys.executable, "-c", script, str(own_book.directory), ""]
    writers = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    entries = own_book.entries()
    assert len(entries) == 60
    assert {entry.state for entry in entries} == {"undone"}


def test_full_disk_blocks_and_keeps_what_was_recorded(own_book):
    first = intend(own_book)
    before = own_book.path.read_bytes()
    script = textwrap.dedent("""
        import resource, sys
        from pathlib import Path
        from chaos_ext.errors import Blocked
        from chaos_ext.safety.ledger import Ledger
        book = Ledger(Path(sys.argv[1]), "lab", "an-instance")
        size = book.path.stat().st_size + 100  # room for a part of the line
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        try:
            book.intend("second", activity={}, undo=None, in_force={}, target=None, prior=None, lease_s=1,
                        configuration={}, identity={})
        except Blocked as error:
            print(error)
            sys.exit(4)
    """)
    done = subprocess.run(
        [sys.executable, "-c", script, str(own_book.directory)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 4, done.stderr
    assert "expected to write down 'intended' durably" in done.stdout
    assert own_book.path.read_bytes() == before
    assert own_book.entries() == [first]
    second = intend(own_book, "second")
    assert own_book.entries() == [first, second]


def test_directory_that_cannot_be_made_blocks(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Blocked, match="expected to write down"):
        intend(Ledger(tmp_path / "file" / "ledger", "lab", "x"))


@pytest.mark.parametrize("instance", ["../../etc/passwd", "a/b", "", ".", "x" * 300, "ラボ"])
def test_any_instance_gets_a_file_inside_the_directory(tmp_path, instance):
    book = Ledger(tmp_path / "ledger", "lab", instance)
    entry = intend(book)
    assert book.path.parent == tmp_path / "ledger"
    assert book.entries() == [entry]
    assert ledger.read_all(tmp_path / "ledger") == [entry]


def test_names_are_not_mixed_up():
    stems = {ledger.file_stem(name) for name in ("a", "A", "a/b", "a-b", "a_b", "a b")}
    assert len(stems) == 6


def test_unhealed_of_others_refuses(own_book):
    free.refuse_if_unhealed(own_book.book())  # no file at all
    entry = intend(own_book)
    free.refuse_if_unhealed(own_book.book())  # our own, in force just now
    own_book.close(entry, "failed", "not yet")
    with pytest.raises(Blocked, match=r"break-file .*Run 'chaos heal'"):
        free.refuse_if_unhealed(own_book.book())
    own_book.close(entry, "undone", "now")
    free.refuse_if_unhealed(own_book.book())
    free.refuse_if_unhealed(Ledger(own_book.directory, "lab", "another").book())


def test_unhealed_of_a_dead_runner_refuses(run, shared_place, own_book):
    runner = run(shared_place)
    directory = runner.ledger_path.parent
    with pytest.raises(Blocked, match="break-file"):
        free.refuse_if_unhealed(Ledger(directory, "lab", shared_place.marker).book())
    assert runner.entry.runner_may_live()
    runner.kill()
    assert not runner.entry.runner_may_live()
    runner.wait_for_janitor()
    free.refuse_if_unhealed(Ledger(directory, "lab", shared_place.marker).book())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lease_until", "soon"), ("lease_until", True), ("lease_until", float("nan")), ("runner_pid", "7"),
        ("runner_pid", -1), ("runner_pid", 10**40), ("intended_wall", 7), ("identity", []), ("undo", "x"),
        ("activity", None), ("name", {}),
        ("cannot_be_undone_because", None),
    ],
)  # fmt: skip
def test_a_value_that_nobody_can_rely_on_is_damage(own_book, field, value):
    intend(own_book)
    record = json.loads(own_book.path.read_text())
    record["fault"][field] = value
    own_book.path.write_text(json.dumps(record) + "\n")
    with pytest.raises(
        Blocked, match=rf"an-instance\.jsonl:1: got a line that cannot be read \({field}: got "
    ):
        own_book.entries()


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000, '{"schema": 1, "entry": "x", "state": "intended", "wall": "x", "fault": [1]}',
        '{"schema": 1, "entry": "x", "state": "gone", "wall": "x"}',
        '{"schema": 1, "entry": 1, "state": "undone", "wall": "x"}',
        '{"schema": 1, "entry": "x", "state": "intended", "wall": "x", "fault": {"' + "x" * 9000 + '": 1}}',
    ],
    ids=lambda line: line[:3] + line[40:70],
)  # fmt: skip
def test_a_line_that_is_no_record_is_damage(own_book, line):
    intend(own_book)
    with own_book.path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(Blocked, match=r"an-instance\.jsonl:2: got a line that cannot be read") as refused:
        own_book.entries()
    assert len(str(refused.value)) < 1000
