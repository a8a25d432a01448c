"""The write log and the account of it: nothing acknowledged is forgotten, nothing unknown is called lost."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.meter.writelog import (
    WriteAccount,
    WriteLog,
    account,
    outcome_of_status,
    read_lines,
    together,
    unread,
)
from chaos_ext.model import Flow


def before(write_id: str, text: str = "hello", at: float = 1.0) -> dict[str, Any]:
    return {"id": write_id, "flow": "submit", "text": text, "at": at}


def after(write_id: str, outcome: str = "ok", at: float = 2.0) -> dict[str, Any]:
    return {"id": write_id, "outcome": outcome, "at": at}


def item(write_id: str, text: str = "hello") -> dict[str, Any]:
    return {"id": write_id, "text": text, "score": 4}


@pytest.mark.parametrize(
    ("lines", "items", "expected"),
    [
        pytest.param(
            [before("a"), after("a")],
            [item("a")],
            WriteAccount(attempted=1, acknowledged=1, read=1),
            id="acknowledged-and-read",
        ),
        pytest.param(
            [before("a"), after("a", at=7.0), before("b"), after("b", at=5.0)],
            [],
            WriteAccount(attempted=2, acknowledged=2, lost=("a", "b"), oldest_lost_acknowledged_at=5.0),
            id="lost",
        ),
        pytest.param(
            [before("a"), after("a", "indeterminate"), before("b"), after("b", "indeterminate")],
            [item("a")],
            WriteAccount(attempted=2, indeterminate=2, read=1),
            id="indeterminate-may-be-there-or-not",
        ),
        pytest.param(
            [before("a")],
            [],
            WriteAccount(attempted=1, indeterminate=1),
            id="sent-and-then-the-meter-was-killed",
        ),
        pytest.param(
            [before("a"), after("a", "failed")],
            [],
            WriteAccount(attempted=1, failed=1),
            id="failed-and-not-there",
        ),
        pytest.param(
            [before("a"), after("a", "failed")],
            [item("a")],
            WriteAccount(attempted=1, failed=1, read=1, unexpected=("a",)),
            id="failed-and-there-all-the-same",
        ),
        pytest.param(
            [before("a"), after("a")],
            [item("a"), item("a"), item("x")],
            WriteAccount(attempted=1, acknowledged=1, read=1, duplicated=("a",), unexpected=("x",)),
            id="twice-and-a-stranger",
        ),
        pytest.param(
            [before("a", "会議"), after("a")],
            [item("a", "??")],
            WriteAccount(attempted=1, acknowledged=1, read=1, changed=("a",)),
            id="changed",
        ),
        pytest.param([], [], WriteAccount(), id="nothing"),
    ],
)
def test_account(
    writing_flow: Callable[..., Flow], lines: list[Any], items: list[Any], expected: WriteAccount
) -> None:
    assert account(lines, items, writing_flow()) == expected


def test_no_data_without_an_acknowledged_write(writing_flow: Callable[..., Flow]) -> None:
    lines = [before("a"), after("a", "indeterminate")]
    assert account(lines, [item("a")], writing_flow()).no_data
    assert not account([before("a"), after("a")], [item("a")], writing_flow()).no_data
    assert unread([before("a"), after("a")], "no answer").no_data


def test_unread_says_nothing_about_loss() -> None:
    got = unread([before("a"), after("a"), before("b")], "status 503")
    assert got == WriteAccount(attempted=2, acknowledged=1, indeterminate=1, readable=False, why="status 503")


def test_together_is_readable_only_when_each_is() -> None:
    one = WriteAccount(attempted=2, acknowledged=2, read=1, lost=("a",), oldest_lost_acknowledged_at=5.0)
    two = WriteAccount(attempted=1, acknowledged=1, lost=("b",), oldest_lost_acknowledged_at=3.0)
    both = together([one, two])
    assert (both.attempted, both.lost, both.oldest_lost_acknowledged_at) == (3, ("a", "b"), 3.0)
    assert both.readable
    assert not together([one, WriteAccount(readable=False, why="no answer")]).readable
    assert together([]) == WriteAccount()


@given(
    st.dictionaries(
        st.text("abcdef", min_size=1, max_size=4),
        st.tuples(st.sampled_from(["ok", "failed", "indeterminate", None]), st.integers(0, 3)),
    ),
    st.sets(st.text("xyz", min_size=1, max_size=4)),
)
def test_every_write_is_accounted_for(
    writing_flow: Callable[..., Flow], writes: dict[str, tuple[str | None, int]], strangers: set[str]
) -> None:
    lines = [before(i) for i in writes]
    lines += [after(i, outcome) for i, (outcome, _) in writes.items() if outcome is not None]
    items = [item(i) for i, (_, times) in writes.items() for _ in range(times)] + [item(i) for i in strangers]
    got = account(lines, items, writing_flow())
    assert got.attempted == len(writes) == got.acknowledged + got.failed + got.indeterminate
    assert set(got.lost) == {i for i, (outcome, times) in writes.items() if outcome == "ok" and not times}
    assert set(got.duplicated) == {i for i, (_, times) in writes.items() if times > 1}
    failed_but_there = {i for i, (outcome, times) in writes.items() if outcome == "failed" and times}
    assert set(got.unexpected) == strangers | failed_but_there


@pytest.mark.parametrize(
    ("lines", "items"),
    [
        pytest.param([before("a"), before("a")], [], id="sent-twice"),
        pytest.param([after("a")], [], id="an-outcome-of-nothing"),
        pytest.param([before("a"), after("a"), after("a")], [], id="two-outcomes"),
        pytest.param([before("a"), after("a", "perhaps")], [], id="an-unknown-outcome"),
        pytest.param([], [{"text": "no id"}], id="an-item-without-an-id"),
        pytest.param([], ["a"], id="an-item-that-is-no-object"),
    ],
)
def test_what_does_not_add_up_is_refused(
    writing_flow: Callable[..., Flow], lines: list[Any], items: list[Any]
) -> None:
    with pytest.raises(ValueError, match=r"twice|does not belong|an item without"):
        account(lines, items, writing_flow())


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (201, "ok"),
        (200, "indeterminate"),  # not what was agreed: it may have been stored
        (302, "indeterminate"),
        (400, "failed"),
        (404, "failed"),
        (408, "indeterminate"),
        (409, "indeterminate"),  # the first try of a proxy may have stored it
        (429, "failed"),
        (500, "indeterminate"),
        (503, "indeterminate"),  # may come after the commit
    ],
)
def test_outcome_of_status(status: int, outcome: str) -> None:
    assert outcome_of_status(status, expected=201) == outcome


def test_what_is_logged_is_read(tmp_path: Path) -> None:
    log = WriteLog(tmp_path / "writes.jsonl")
    log.before("a-1", "submit", 'with "quotes" and \\ and 会議\n', 1.25)
    log.before("b-1", "export", "other", 1.5)
    log.after("a-1", "ok", 2.5)
    log.close()
    assert read_lines(tmp_path / "writes.jsonl", "submit") == [
        {"id": "a-1", "flow": "submit", "text": 'with "quotes" and \\ and 会議\n', "at": 1.25},
        {"id": "a-1", "outcome": "ok", "at": 2.5},
    ]
    assert len(read_lines(tmp_path / "writes.jsonl")) == 3


def test_a_write_is_on_disk_before_it_is_sent(tmp_path: Path, writing_flow: Callable[..., Flow]) -> None:
    path = tmp_path / "writes.jsonl"
    program = (
        "import sys, time; from pathlib import Path; from chaos_ext.meter.writelog import WriteLog\n"
        "log = WriteLog(Path(sys.argv[1])); log.before('a', 'submit', 'hello', 1.0); log.after('a', 'ok', 2.0)\n"
        "log.before('b', 'submit', 'hello', 3.0); print('sent', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"sent\n"
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    got = account(read_lines(path), [item("a")], writing_flow())
    assert (got.acknowledged, got.indeterminate, got.lost) == (1, 1, ())
