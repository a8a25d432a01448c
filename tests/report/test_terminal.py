"""What a person sees in a log while a run goes on, and at its end."""

from __future__ import annotations

import io
import os
import time
from contextlib import suppress
from pathlib import Path

import pytest
from report.told import RUN

from chaos_ext.model import Event, Reason, Verdict, VerdictWord
from chaos_ext.report.terminal import Terminal, render_verdict

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


def noticed(**fields: object) -> str:
    """A run whose alert was seen hop by hop."""
    seen = {"trouble": "", "looks": 3}
    watch = {
        "pending": {"episodes": [{"earliest": 103.6, "latest": 103.9, "began": ""}], **seen},
        "firing": {"episodes": [{"earliest": 104.7, "latest": 105.0, "began": ""}], **seen},
        "received": {
            "episodes": [{"earliest": 104.8, "latest": 105.1, "receiver": "sre-pager", "of": ""}],
            **seen,
        },
    }
    hurt = {"flow": "submit", "earliest": 103.4, "latest": 103.5}
    more = {"watch": watch, "hurt": hurt, "receiver": "sre-pager", "told": ["sre-pager"], **fields}
    return logged([{**event, **more} if event["kind"] == "alert" else event for event in RUN])


# --- in a log ---


def test_each_hop_to_somebody_who_knows_is_told() -> None:
    text = noticed()
    for said in (
        "users hurt after",
        "(submit)",
        "condition true after",
        "alert fires after",
        "receiver told after",
    ):
        assert said in text, said
    assert "expected sre-pager" not in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"told": ["shop-pager"]}, "told shop-pager, expected sre-pager"),
        ({"told": []}, "told nobody, expected sre-pager"),
    ],
)
def test_others_who_were_told_are_told(fields: dict[str, object], said: str) -> None:
    assert said in noticed(**fields)


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
        "70 acknowledged, 0 lost, 1 recovered, 3 indeterminate, 2 failed, 0 duplicated, 12 stale",
        "submit in intake: 0 lost, 1 recovered",
        "submit in insight: 1 lost, 12 stale, slowest seen after 0.5–1.2 s, observed RPO 2.0–2.2 s",
        "read showed submit: oldest answer 0.2–0.4 s behind",
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


def test_the_report_is_named_beside_the_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = tmp_path / ".chaos/reports/r1.html"
    lines = render_verdict(VERDICT, bundle=tmp_path / ".chaos/runs/r1", report=page, next_command="x")
    assert lines[-3:] == ["bundle: .chaos/runs/r1", "report: .chaos/reports/r1.html", "next: x"]


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
