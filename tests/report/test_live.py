"""Many runs on a screen (a terminal emulated as far as a table needs it) and in a log."""

from __future__ import annotations

import io
import re
import time

import pytest

from chaos_ext.model import Event, Verdict, VerdictWord
from chaos_ext.report.live import Live
from chaos_ext.report.several import Result
from chaos_ext.report.text import width

VERIFIED = Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0)
FAULT: Event = {"kind": "fault-injected", "at": 8.2, "name": "kill", "started": 8.1, "ended": 8.2}


class Emulated:
    """What stands on a screen of `columns`: lines break at its edge, as a terminal's do."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows: list[str] = [""]
        self.at = 0

    def show(self, written: str) -> None:
        for part in re.findall(r"\x1b\[\d*[A-Za-z]|\r|\n|[^\x1b\r\n]+", written):
            if part == "\n":
                self.at += 1
                if self.at == len(self.rows):
                    self.rows.append("")
            elif up := re.fullmatch(r"\x1b\[(\d+)A", part):
                self.at = max(0, self.at - int(up[1]))
            elif part == "\x1b[J":
                self.rows[self.at :] = [""]
            elif part not in ("\r", "\x1b[K"):
                assert width(part) < self.columns, "a line that breaks cannot be drawn over"
                self.rows[self.at] = part


@pytest.fixture
def screen() -> tuple[Live, io.StringIO]:
    stream = io.StringIO()
    return Live(stream, tty=True, width=60), stream


def shown(stream: io.StringIO, columns: int = 60) -> list[str]:
    emulated = Emulated(columns)
    emulated.show(stream.getvalue())
    return [row.rstrip() for row in emulated.rows if row.strip()]


def test_the_table_is_drawn_over_itself(screen: tuple[Live, io.StringIO]) -> None:
    live, stream = screen
    live.begin(["one", "another"])
    live.tick()
    assert [row.split(maxsplit=1)[0] for row in shown(stream)] == ["one", "another"]
    live.started("one")
    live.heard("one", {"kind": "lab-starting", "at": 0.0})
    live.tick()
    live.ended(Result("another", 0, VERIFIED, before=True))
    live.tick()
    rows = shown(stream)
    assert len(rows) == 2
    assert rows[0].endswith("the lab starts")
    assert rows[1].endswith("verified, decided before")


def test_what_is_said_stands_above_the_table_and_stays(screen: tuple[Live, io.StringIO]) -> None:
    live, stream = screen
    live.begin(["one"])
    live.started("one")
    live.tick()
    live.says("one", "janitor: undone kill")
    live.tick()
    live.notice("Stopping: one.")
    live.tick()
    rows = shown(stream)
    assert [row.split()[0] for row in rows] == ["one", "Stopping:", "one"]
    assert rows[0].endswith("janitor: undone kill")


def test_the_table_is_gone_at_the_end(screen: tuple[Live, io.StringIO]) -> None:
    live, stream = screen
    live.begin(["one"])
    with live:
        live.tick()
    live.notice("the summary")
    assert shown(stream) == ["the summary"]


def test_a_window_that_became_narrower_has_broken_its_lines(screen: tuple[Live, io.StringIO]) -> None:
    live, stream = screen
    live.begin(["a-mode-with-a-long-name-that-fills-the-line"])
    live.tick()
    before = len(stream.getvalue())
    live.width = 20
    live.tick()
    drawn = "a-mode-with-a-long-name-that-fills-the-line               waits for its turn"
    assert f"\x1b[{-(-min(59, width(drawn)) // 20)}A" in stream.getvalue()[before:]


# --- a log ---


def log(encoding: str = "utf-8") -> tuple[Live, io.BytesIO]:
    raw = io.BytesIO()
    return Live.for_stream(io.TextIOWrapper(raw, encoding=encoding, newline=""), {}), raw


def test_a_log_has_a_line_for_each_change_with_the_mode_in_front() -> None:
    live, raw = log()
    live.begin(["one", "another"], [Result("another", 0, VERIFIED, before=True)])
    live.started("one")
    live.heard("one", {"kind": "lab-says", "at": 0.0, "line": "starting"})
    live.heard("one", FAULT)
    live.tick()
    live.ended(Result("one", 0, VERIFIED, seconds=31.24))
    assert raw.getvalue().decode().splitlines() == [
        "another  verified, decided before",
        "one      begins",
        "one      +0.1 s fault        kill is in after 0.1 s; times now count from it",
        "one      verified after 31.2 s",
    ]


def test_a_log_has_no_control_characters_at_all() -> None:
    live, raw = log()
    live.begin(["one"])
    with live:
        live.started("one")
        live.heard("one", FAULT)
        live.says("one", "\x1b[31mred\x1b[0m\r")
        live.tick()
    text = raw.getvalue().decode()
    assert [c for c in text if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160] == []


def test_a_log_that_hears_nothing_for_long_is_told_what_goes_on() -> None:
    live, raw = log()
    live.begin(["one", "another"])
    live.started("one")
    live.heard("one", {"kind": "lab-starting", "at": 0.0})
    before = raw.getvalue()
    live.tick(time.monotonic() + 10)
    assert raw.getvalue() == before
    live.tick(time.monotonic() + 20)
    live.tick(time.monotonic() + 21)
    assert raw.getvalue()[len(before) :].decode() == "one      … the lab starts, 20 s so far\n"


def test_an_event_that_cannot_be_told_stops_nothing() -> None:
    live, raw = log()
    live.begin(["one"])
    live.started("one")
    live.heard("one", FAULT)
    live.heard("one", {"kind": "alert", "at": 9.0, "fired": True, "earliest": "noon", "latest": "noon"})
    assert "alert cannot be shown" in raw.getvalue().decode()


def test_a_log_in_ascii_is_written_all_the_same() -> None:
    live, raw = log("ascii")
    live.begin(["one"])
    live.says("one", "起動しました")
    assert raw.getvalue().startswith(b"one  ?")
