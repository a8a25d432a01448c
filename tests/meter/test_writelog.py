"""The write log: what is logged is on disk before it is sent, and an outcome says no more than is known."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaos_ext.meter.account import account
from chaos_ext.meter.writelog import WriteLog, outcome_of_status, pairs, read_lines
from chaos_ext.model import Flow


def before(write_id: str) -> dict[str, Any]:
    return {"id": write_id, "flow": "submit", "text": "hello", "at": 1.0}


def after(write_id: str, outcome: str = "ok") -> dict[str, Any]:
    return {"id": write_id, "outcome": outcome, "at": 2.0}


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


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([before("a"), before("a")], id="sent-twice"),
        pytest.param([after("a")], id="an-outcome-of-nothing"),
        pytest.param([before("a"), after("a"), after("a")], id="two-outcomes"),
        pytest.param([before("a"), after("a", "perhaps")], id="an-unknown-outcome"),
    ],
)
def test_a_log_that_contradicts_itself_is_refused(lines: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"twice|does not belong"):
        pairs(lines)


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
    [store] = writing_flow().stores.values()
    got = account(read_lines(path), [{"id": "a", "text": "hello"}], store)
    assert (got.acknowledged, got.indeterminate, got.lost) == (1, 1, ())
