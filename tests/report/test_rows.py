"""Rows of many runs: what each shows after every event, with wide characters in line, in windows of any size."""

from __future__ import annotations

import pytest

from chaos_ext.model import Event, Verdict, VerdictWord
from chaos_ext.report.rows import Row, table
from chaos_ext.report.several import Result
from chaos_ext.report.text import width

VERIFIED = Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0)
REFUTED = Verdict(VerdictWord.REFUTED, (), (), "0 of 1", 1)
TRIAL: Event = {"kind": "trial-started", "at": 5.0, "trial": "01-treatment", "arm": "treatment"}
EVENTS: list[tuple[Event, str, str]] = [  # the event, what the row says then, what a log is told
    ({"kind": "run-started", "at": 0.0, "arms": {"treatment": 1, "no-action": 1}}, "janitor", ""),
    ({"kind": "lab-starting", "at": 0.1}, "the lab starts", ""),
    ({"kind": "lab-says", "at": 0.2, "line": "starting pg-a"}, "lab: starting pg-a", ""),
    ({"kind": "lab-started", "at": 2.0, "seconds": 1.9, "name": "run-1"}, "is proven", "run-1 up in 1.9 s"),
    (TRIAL, "is proven", "trial 1 of 2: treatment"),
    ({"kind": "baseline", "at": 8.0, "holds": True, "flows": {}}, "the fault goes in", ""),
    (
        {"kind": "fault-injected", "at": 8.2, "name": "kill", "started": 8.1, "ended": 8.2},
        "evidence",
        "kill is in after 0.1 s",
    ),
    ({"kind": "impact", "at": 9.0, "seen": True, "flows": {}}, "waiting for the alert", "users feel"),
    ({"kind": "step-output", "at": 9.5, "line": "t"}, "waiting for the alert", ""),
    ({"kind": "step-finished", "at": 9.6, "step": "s", "ok": True}, "the runbook goes on", ""),
    ({"kind": "step-finished", "at": 9.7, "step": "s", "ok": False, "exit": 1}, "goes on", "s failed"),
    ({"kind": "abort", "at": 10.0, "why": "asked to stop"}, "stopping", "asked to stop"),
]


def row(mode: str = "store-down", **fields: object) -> Row:
    made = Row(mode)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def test_a_row_tells_what_goes_on_and_a_log_what_matters() -> None:
    one = row(started=0.0)
    assert one.now() == "begins"
    for event, now, told in EVENTS:
        lines = one.hear(event)
        assert now in one.now(), event
        assert len(lines) == bool(told), event
        assert told in "".join(line.text for line in lines)
    assert one.trial == "1/2"


def test_a_row_is_asked_to_stop_until_it_says_that_it_does() -> None:
    one = row(started=0.0, stopping=True)
    assert one.now() == "is asked to stop"
    one.hear({"kind": "abort", "at": 1.0})
    assert "undone" in one.now()


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, "store-down                waits for its turn"),
        ({"started": 10.0}, "store-down     5 s       begins"),
        (
            {"started": 1.0, "result": Result("store-down", 0, VERIFIED, seconds=31.2)},
            "store-down    31 s       verified",
        ),
        (
            {"result": Result("store-down", 1, REFUTED, before=True)},
            "store-down               refuted, decided before",
        ),
        ({"result": Result("store-down", None)}, "store-down               not run"),
        (
            {"started": 1.0, "result": Result("store-down", 2, seconds=3.0)},
            "store-down     3 s       no verdict",
        ),
    ],
    ids=["waiting", "running", "ended", "decided before", "not run", "no verdict"],
)
def test_every_state_has_its_words(fields: dict[str, object], shown: str) -> None:
    (line,) = table([row(**fields)], 15.0, 0, 10)
    assert line.text.split() == shown.split()


def test_columns_line_up_whatever_the_width_of_the_characters() -> None:
    wide = row(started=0.0)
    wide.hear({"kind": "lab-starting", "at": 0.0})
    wide.hear({"kind": "lab-says", "at": 0.0, "line": "主系の起動を待っています"})
    lines = [line.text for line in table([row("店舗停止", started=0.0), wide, row("x")], 3.0, 0, 10)]
    at = {
        width(lines[0].split("begins")[0]),
        width(lines[1].split("lab:")[0]),
        width(lines[2].split("waits")[0]),
    }
    assert len(at) == 1


@pytest.mark.parametrize("columns", [12, 20, 33, 34, 35, 80])
def test_no_line_is_wider_than_the_window(columns: int) -> None:
    wide = row(started=0.0)
    wide.hear({"kind": "lab-starting", "at": 0.0})
    wide.hear({"kind": "lab-says", "at": 0.0, "line": "主系の起動を待っています" * 3})
    assert all(width(line.text) <= columns for line in table([wide, row("x")], 3.0, columns, 10))


def test_of_too_many_rows_those_that_run_are_shown_then_those_that_are_bad() -> None:
    rows = [row(f"m{number}") for number in range(10)]
    for number in (0, 1, 2):
        rows[number].result = Result(f"m{number}", number % 2, VERIFIED, seconds=1.0)
    rows[3].started = rows[4].started = 0.0
    lines = [line.text for line in table(rows, 3.0, 0, 4)]
    assert [line.split()[0] for line in lines] == ["m1", "m3", "m4", "…"]
    assert lines[-1] == "… and 7 more, 5 of them wait"


def test_what_a_service_said_moves_no_cursor() -> None:
    one = row(started=0.0)
    one.hear({"kind": "lab-starting", "at": 0.0})
    one.hear({"kind": "lab-says", "at": 0.0, "line": "\x1b[2Jgone"})
    (line,) = table([one], 3.0, 0, 10)
    assert "\x1b" not in line.text
