"""A trial's record: what was whole stays whole, and whatever comes late finds it closed, not somebody else's file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chaos_ext.record import Closed, Recorder, read_events


def kinds(path: Path) -> list[str]:
    return [event["kind"] for event in read_events(path)]


@pytest.mark.parametrize(
    ("tail", "kept"),
    [
        ('{"kind": "half', ["first", "later"]),
        ('{"kind": "no newline"}', ["first", "no newline", "later"]),
        ('{"kind": "long", "text": "' + "x" * 200_000, ["first", "later"]),
        ("", ["first", "later"]),
    ],
    ids=["half a line", "a line without its end", "half a long line", "nothing torn"],
)
def test_whoever_goes_on_with_a_torn_record_loses_nothing_of_it(
    tmp_path: Path, tail: str, kept: list[str]
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps({"kind": "first"}) + "\n" + tail)
    recorder = Recorder(path)
    recorder.emit("later")
    recorder.close()
    assert kinds(path) == kept


FILLS_UP = """
import resource, sys
from pathlib import Path
from chaos_ext.record import Recorder
recorder = Recorder(Path(sys.argv[1]))
recorder.emit("first")
full, most = Path(sys.argv[1]).stat().st_size + 20, resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (full, most))
try:
    recorder.emit("does-not-fit", text="x" * 100)
except OSError as error:
    print(type(error).__name__, Path(sys.argv[1]).stat().st_size < full)
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
recorder.emit("there-is-room-again")
recorder.close()
"""


def test_a_disk_that_fills_in_the_middle_of_a_line_does_not_spoil_the_record(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", FILLS_UP, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "OSError True\n", done.stderr
    assert kinds(path) == ["first", "there-is-room-again"]


def test_a_word_that_comes_late_is_written_nowhere(tmp_path: Path) -> None:
    record = Recorder(tmp_path / "events.jsonl")
    record.emit("first")
    record.close()
    opened = [os.open(tmp_path / str(number), os.O_RDWR | os.O_CREAT) for number in range(64)]
    try:
        with pytest.raises(Closed):
            record.emit("late")
        record.close()  # nor is anybody else's file closed
        assert [os.fstat(fd).st_size for fd in opened] == [0] * 64
    finally:
        for fd in opened:
            os.close(fd)
    assert [event["kind"] for event in read_events(tmp_path / "events.jsonl")] == ["first"]
