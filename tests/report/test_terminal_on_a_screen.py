"""What a person sees on a screen (a real pseudo-terminal) while a run goes on."""

from __future__ import annotations

import io
import os
import re
import time

import pytest
from report.screen import last_line, screen
from report.told import RUN

from chaos_ext.report.terminal import Terminal
from chaos_ext.report.text import width


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
