"""The summary of many runs: worst first, everything that is needed to go on, the code at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos_ext.model import Reason, Verdict, VerdictWord
from chaos_ext.report.several import Result, summary, worst_first
from chaos_ext.report.text import width

VERIFIED = Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0)
REFUTED = Verdict(VerdictWord.REFUTED, (Reason("too-slow", "Back after 20 s."),), (), "0 of 1", 1)
UNKNOWN = Verdict(VerdictWord.UNKNOWN, (Reason("no-data", "No trial."),), (), "", 4)
FLAGGED = Verdict(VerdictWord.VERIFIED, (), (Reason("undo-failed", "Still down."),), "1 of 1", 5)
STOPPED = Verdict(VerdictWord.UNKNOWN, (Reason("interrupted", "Stopped."),), (), "", 130)
RESULTS = [
    Result("fine", 0, VERIFIED, Path("/runs/fine"), 31.0),
    Result("earlier", 0, VERIFIED, Path("/runs/earlier"), before=True, note="Nothing has changed."),
    Result("later", None, note="--fail-fast"),
    Result("blind", 4, UNKNOWN, Path("/runs/blind"), 30.0),
    Result("slow", 1, REFUTED, Path("/runs/slow"), 45.2),
    Result("nolab", 2, note="The lab does not start.", seconds=1.0),
    Result("stopped", 130, STOPPED, Path("/runs/stopped"), 3.0),
    Result("broken", 5, FLAGGED, Path("/runs/broken"), 40.0),
]


def told(results: list[Result] = RESULTS, columns: int = 0) -> list[str]:
    lines = summary(results, exit_code=5, took_s=372.4, next_command="make chaos EXP=a", width=columns)
    return [line.text for line in lines]


def test_the_worst_comes_first() -> None:
    names = [result.mode for result in worst_first(RESULTS)]
    assert names == ["broken", "stopped", "nolab", "slow", "blind", "later", "earlier", "fine"]
    heads = [line for line in told() if line and not line.startswith(" ")][: len(names)]
    assert [name for head in heads for name in names if f" {name} " in f"{head} "] == names


@pytest.mark.parametrize(
    "words",
    [
        "undo-failed: Still down.",
        "too-slow: Back after 20 s.",
        "The lab does not start.",
        "bundle: /runs/slow",
        "bundle: /runs/fine",
        "--fail-fast",
        "Nothing has changed.",
        "decided before",
    ],
)
def test_each_says_why_and_where(words: str) -> None:
    assert any(words in line for line in told())


def test_the_end_is_for_eyes_and_scripts() -> None:
    assert told()[-3] == (
        "verdicts: 3 verified, 2 unknown, 1 no verdict, 1 refuted, 1 not run, 1 with something left behind, "
        "1 of them decided before · 6 min 12 s"
    )
    assert told()[-2:] == ["exit code: 5", "next: make chaos EXP=a"]


def test_the_report_of_all_is_named_before_what_is_next() -> None:
    lines = summary([RESULTS[0]], exit_code=0, took_s=1.0, next_command="x", report=Path("/r/campaign.html"))
    assert [line.text for line in lines][-3:] == ["exit code: 0", "report: /r/campaign.html", "next: x"]


def test_what_is_well_says_no_more_than_its_bundle() -> None:
    lines = told([RESULTS[0]])
    assert lines[1].split() == ["verified", "fine", "31.0", "s"]
    assert lines[2].strip() == "bundle: /runs/fine"


@pytest.mark.parametrize("columns", [40, 80])
def test_sentences_keep_to_the_window(columns: int) -> None:
    long = Verdict(VerdictWord.REFUTED, (Reason("too-slow", "遅い " * 60),), (), "", 1)
    lines = told([Result("slow", 1, long, Path("/runs/slow"), 2.0)], columns)
    assert all(width(line) <= columns for line in lines[:-4])
