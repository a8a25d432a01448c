"""What a person sees while a run goes on, on a screen (a real pseudo-terminal) and in a log."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import pytest

from chaos_ext.model import Event, Reason, Verdict, VerdictWord
from chaos_ext.report.terminal import Terminal, render_verdict
from chaos_ext.report.text import width

RUN: list[Event] = [
    {
        "kind": "run-started",
        "at": 90.0,
        "mode": "store-down",
        "title": {"en": "The store is down", "ja": "ストア停止"},
        "environment": "lab",
        "arms": {"treatment": 1, "no-action": 1},
        "seed": 7,
    },
    {"kind": "lab-starting", "at": 90.0, "trial": "01-treatment"},
    {"kind": "lab-says", "at": 91.0, "line": "pg-a is up"},
    {"kind": "lab-started", "at": 93.2, "seconds": 3.2, "waited_s": 3.2, "dir": "/l", "name": "run-1"},
    {
        "kind": "trial-started",
        "at": 100.0,
        "trial": "01-treatment",
        "arm": "treatment",
        "environment": "lab",
        "recovery": "runbook",
        "objectives": {"detect_within_s": 5.0, "recover_within_s": 15.0, "lost_acknowledged_writes": 0},
    },
    {
        "kind": "environment-proven",
        "at": 100.0,
        "proofs": [{"kind": "lab", "expected": "m", "got": "marker m"}],
    },
    {
        "kind": "baseline",
        "at": 103.1,
        "holds": True,
        "window_s": 3.0,
        "flows": {"submit": {"operations": 30, "failed": 0, "p_latency_s": 0.012}},
    },
    {"kind": "fault-injected", "at": 103.4, "name": "kill-store", "started": 103.2, "ended": 103.4},
    {
        "kind": "fault-in-force",
        "at": 103.5,
        "when": "after-injection",
        "holds": True,
        "evidence": [{"name": "kill-store", "holds": True, "process": "gone"}],
    },
    {
        "kind": "impact",
        "at": 104.0,
        "seen": True,
        "flows": {
            "submit": {
                "claimed": "outage",
                "measured": "outage",
                "operations": 6,
                "failed": 6,
                "p_latency_s": 1.9,
            },
            "read": {"claimed": "none", "measured": None, "operations": 0, "failed": 0, "p_latency_s": None},
        },
    },
    {
        "kind": "alert",
        "at": 105.0,
        "name": "StoreDown",
        "fired": True,
        "earliest": 104.7,
        "latest": 105.0,
        "links": True,
        "runbook_url": "https://example.com/store-down.md",
        "expected_url": "https://example.com/store-down.md",
    },
    {
        "kind": "runbook-started",
        "at": 105.2,
        "runbook": "store-down.md",
        "platform": "lab",
        "steps": [{"key": "start", "heading": "Step 1: start it"}],
    },
    {"kind": "verification-before", "at": 105.3, "passed": False},
    {
        "kind": "step-started",
        "at": 105.4,
        "step": "start",
        "heading": "Step 1: start it",
        "role": "mitigate",
        "command": "start",
    },
    {
        "kind": "step-output",
        "at": 105.5,
        "step": "start",
        "line": "\x1b[2J\x1b[31m起動しました\x07" + "。" * 80,
    },
    {
        "kind": "step-finished",
        "at": 105.9,
        "step": "start",
        "ok": True,
        "seconds": 0.5,
        "branch": "to-the-end",
    },
    {"kind": "runbook-finished", "at": 106.0, "ok": True, "seconds": 0.8, "exercised": ["start"]},
    {
        "kind": "recovery",
        "at": 110.0,
        "recovered": True,
        "flow": "submit",
        "earliest": 106.5,
        "latest": 106.7,
    },
    {
        "kind": "write-log",
        "at": 110.5,
        "acknowledged": 70,
        "lost": [],
        "indeterminate": 3,
        "failed": 2,
        "duplicated": [],
        "unexpected": [],
        "changed": [],
        "readable": True,
    },
    {"kind": "fault-undone", "at": 110.6, "name": "kill-store", "outcome": "superseded", "why": "promoted"},
    {
        "kind": "trial-started",
        "at": 120.0,
        "trial": "02-no-action",
        "arm": "no-action",
        "recovery": "runbook",
    },
    {"kind": "fault-injected", "at": 123.4, "name": "kill-store", "started": 123.2, "ended": 123.4},
    {"kind": "recovery", "at": 130.4, "recovered": False},
    {"kind": "lab-stopped", "at": 131.0, "seconds": 0.9},
]
VERDICT = Verdict(
    VerdictWord.REFUTED,
    (Reason("too-slow", "01-treatment shows that submit was back 20.1–20.3 s after the fault."),),
    (),
    "treatment 1×, no-action 1× on lab.",
    1,
)


def logged(events: list[Event], encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    terminal = Terminal.for_stream(stream, {})
    for event in events:
        terminal(event)
    return raw.getvalue().decode(encoding)


# --- in a log ---


@pytest.mark.parametrize(
    "told",
    [
        "store-down: The store is down",
        "lab          run-1 up in 3.2 s",
        "trial 1 of 2: treatment",
        "lab proven: lab marker m",
        "every user flow meets its SLO for 3.0 s",
        "kill-store is in after 0.2 s",
        "yes, after injection, by kill-store: process gone",
        "submit  outage   outage    6 of 6  1.9 s",
        "read    none     no data   0 of 0  -",
        "StoreDown fired 1.3–1.8 s after the fault; objective 5 s",
        "links https://example.com/store-down.md",
        "Verification fails before anything is done, as it should",
        "mitigate     Step 1: start it",
        "| 起動しました",
        "start ok in 0.5 s",
        "→ to-the-end",
        "recovery     submit was the last flow to be back, 3.1–3.5 s after the fault; objective 15 s",
        "70 acknowledged, 0 lost, 3 indeterminate, 2 failed, 0 duplicated",
        "undo         kill-store superseded: promoted",
        "trial 2 of 2: no-action",
        "nobody acted not back after 7.0 s",
    ],
)
def test_a_log_tells_the_whole_story(told: str) -> None:
    assert told in logged(RUN)


def test_a_log_has_no_control_characters_at_all() -> None:
    assert [c for c in logged(RUN) if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160] == []


def test_the_story_is_told_in_the_order_of_events() -> None:
    text = logged(RUN)
    marks = (
        "proven",
        "SLO",
        "is in after",
        "users feel",
        "alert ",
        "runbook ",
        "recovery ",
        "write log",
        "undo ",
    )
    found = [text.index(mark) for mark in marks]
    assert found == sorted(found)


def test_a_log_that_takes_ascii_only_is_written_all_the_same() -> None:
    text = logged(RUN, "ascii")
    assert "StoreDown fired 1.3-1.8 s" in text
    assert "????" in text  # the Japanese output of a step


@pytest.mark.parametrize("kind", sorted({event["kind"] for event in RUN}))
def test_an_event_that_lacks_everything_is_told_as_far_as_it_goes(kind: str) -> None:
    assert "cannot be shown" not in logged([{"kind": kind, "at": 1.0, "wall": ""}])


def test_an_event_that_cannot_be_told_does_not_stop_the_trial() -> None:
    text = logged([*RUN[:8], {**RUN[10], "earliest": "noon"}, RUN[11]])
    assert "(alert cannot be shown" in text
    assert "runbook      store-down.md" in text


def test_what_takes_long_is_said_every_few_seconds_in_a_log() -> None:
    raw = io.BytesIO()
    terminal = Terminal(io.TextIOWrapper(raw, encoding="utf-8", newline=""), tty=False)
    start = time.monotonic()
    terminal({"kind": "impact", "at": start, "seen": True, "flows": {}})
    before = raw.getvalue()
    terminal.tick(start + 4)
    assert raw.getvalue() == before
    terminal.tick(start + 6)
    terminal.tick(start + 7)
    terminal.tick(start + 12)
    assert raw.getvalue()[len(before) :].decode() == (
        "  … waiting for the alert, 6 s so far\n  … waiting for the alert, 12 s so far\n"
    )


def test_a_reader_that_went_away_does_not_stop_a_trial() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    told: list[str] = []
    with suppress(BrokenPipeError), os.fdopen(writing, "w", buffering=1) as stream:  # closing it flushes
        terminal = Terminal.for_stream(stream, {})
        for event in RUN:
            terminal(event)
        terminal.tick()
        told.append("all of it")
    assert told == ["all of it"]


# --- on a screen ---


class Screen:
    """A pseudo-terminal that is read all the time, as a real one is."""

    def __init__(self, master: int, stream: TextIO) -> None:
        self.stream = stream
        self._master = master
        self._seen = b""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while not self._done.is_set():
            if select.select([self._master], [], [], 0.02)[0]:
                self._seen += os.read(self._master, 65536)

    def wait_for(self, what: str) -> str:
        deadline = time.monotonic() + 20
        while what not in self.seen and time.monotonic() < deadline:
            time.sleep(0.01)
        assert what in self.seen
        return self.seen

    @property
    def seen(self) -> str:
        return self._seen.decode(errors="ignore")

    def close(self) -> None:
        self._done.set()
        self._thread.join()


@contextmanager
def screen() -> Iterator[Screen]:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        shown = Screen(master, stream)
        try:
            yield shown
        finally:
            shown.close()
    os.close(master)


def last_line(seen: str) -> str:
    """What stands in the line of the cursor, as a terminal would show it."""
    return seen.rsplit("\n", 1)[-1].rsplit("\x1b[K", 1)[-1]


def test_a_screen_has_one_status_line_that_is_gone_at_the_end() -> None:
    with screen() as shown:
        terminal = Terminal.for_stream(shown.stream, {"TERM": "xterm"})
        assert terminal.tty
        with terminal:
            terminal({"kind": "impact", "at": time.monotonic(), "seen": True, "flows": {}})
            shown.wait_for("waiting for the alert")
            terminal({**RUN[10], "at": time.monotonic()})
            shown.wait_for("StoreDown fired")
            shown.wait_for("evidence is looked for again")
        terminal.stream.write("END")
        terminal.stream.flush()
        seen = shown.wait_for("END")
    assert last_line(seen) == "END"
    written = [line for line in seen.split("\r\n") if "StoreDown fired" in line]
    assert "waiting for the alert" not in written[0].rsplit("\x1b[K", 1)[-1]


@pytest.mark.parametrize(
    ("environ", "colour"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours_are_a_screens_and_no_color_is_respected(environ: dict[str, str], colour: bool) -> None:
    with screen() as shown:
        terminal = Terminal.for_stream(shown.stream, environ)
        for event in RUN:
            terminal(event)
        seen = shown.wait_for("everything taken down")
    assert ("\x1b[32m" in seen) is colour
    assert "\x1b[2J" not in seen


@pytest.mark.parametrize("columns", [40, 80, 132])
def test_lines_keep_to_the_screen(columns: int) -> None:
    raw = io.StringIO()
    terminal = Terminal(raw, tty=True, width=columns)
    for event in RUN:
        terminal(event)
        terminal.tick(event["at"] + 100)
    for line in raw.getvalue().replace("\r", "\n").split("\n"):
        assert width(line.replace("\x1b[K", "")) <= columns, line
    assert "…" in raw.getvalue()  # the long line of Japanese output


def test_a_window_made_narrow_in_the_middle_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = 100
    monkeypatch.setattr(
        "chaos_ext.report.terminal.shutil.get_terminal_size", lambda: os.terminal_size((columns, 24))
    )
    with screen() as shown:
        terminal = Terminal.for_stream(shown.stream, {})
        for event in RUN:
            columns = 40
            terminal(event)
            terminal.tick(event["at"] + 100)
        seen = shown.wait_for("the evidence is judged … 100.0 s")
    for line in re.sub(r"\x1b\[[0-9]*[mK]", "", seen).replace("\r", "\n").split("\n"):
        assert width(line) <= 40, line
    assert len(re.findall(r"…\s+… 100\.\d s", seen)) > 0, "the clock stays when what is waited for is cut"


# --- the end ---


def test_the_last_four_lines_are_for_eyes_and_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = render_verdict(
        VERDICT, bundle=tmp_path / ".chaos/runs/r1", next_command="chaos runbook show x.md"
    )
    assert lines[-4:] == [
        "verdict: refuted",
        "exit code: 1",
        "bundle: .chaos/runs/r1",
        "next: chaos runbook show x.md",
    ]
    assert lines[1].startswith("because  too-slow: 01-treatment shows")
    assert "worth    treatment 1×" in "\n".join(lines)


def test_a_flag_stands_beside_the_verdict() -> None:
    flagged = Verdict(VerdictWord.VERIFIED, (), (Reason("undo-failed", "still down"),), "", 5)
    lines = render_verdict(flagged, bundle=Path("/elsewhere/r1"), next_command="chaos heal")
    assert "verdict: verified, undo-failed" in lines
    assert "exit code: 5" in lines
    assert "bundle: /elsewhere/r1" in lines


def test_a_lab_that_stays_is_not_called_taken_down():
    stream = io.StringIO()
    shown = Terminal(stream, tty=False)
    shown({"kind": "environment-not-restored", "at": 1.0, "why": "Try: chaos lab down x"})
    shown({"kind": "lab-stopped", "at": 1.1, "seconds": 0.1})
    assert "Try: chaos lab down x" in stream.getvalue()
    assert "everything taken down" not in stream.getvalue()
    assert "not all of it taken down" in stream.getvalue()
