"""How many runs go side by side, and how they end: real processes that say what a run would say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from waiting import wait_for

from chaos_ext.campaign.running import Campaign, conduct, exit_code
from chaos_ext.model import Event
from chaos_ext.report.several import Result

SUPPORT = Path(__file__).parent / "support"


class Heard:
    """An audience that remembers."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.notices: list[str] = []
        self.order: list[str] = []

    def started(self, mode: str) -> None:
        self.order.append(f"started {mode}")

    def heard(self, mode: str, event: Event) -> None:
        self.order.append(f"{event['kind']} {mode}")

    def says(self, mode: str, line: str) -> None:
        self.said.append((mode, line))

    def ended(self, result: Result) -> None:
        self.order.append(f"ended {result.mode}")

    def stopping(self, modes: Any) -> None:
        self.order += [f"stopping {mode}" for mode in modes]

    def notice(self, words: str) -> None:
        self.notices.append(words)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def conducted(log: Path) -> Callable[..., tuple[list[Result], Heard]]:
    def run(*modes: str, jobs: int = 1, fail_fast: bool = False) -> tuple[list[Result], Heard]:
        heard = Heard()
        command = (sys.executable, str(SUPPORT / "pretend.py"), str(log))
        campaign = Campaign(modes, (), log.parent, jobs, fail_fast, command)
        return conduct(campaign, heard), heard

    return run


def _begun(log: Path) -> list[list[str]]:
    lines = log.read_text().splitlines() if log.exists() else []
    return [line.split() for line in lines if " begins " in line]


def _most_at_once(log: Path) -> int:
    most = now = 0
    for line in sorted(log.read_text().splitlines(), key=lambda line: float(line.split()[0])):
        now += {"begins": 1, "ends": -1}.get(line.split()[1], 0)
        most = max(most, now)
    return most


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_so_many_at_a_time_and_no_more(conducted: Any, log: Path, jobs: int) -> None:
    modes = [f"verified-{0.3 + number / 100}" for number in range(4)]
    results, heard = conducted(*modes, jobs=jobs)
    assert [each.mode for each in results] == modes
    assert {each.word for each in results} == {"verified"}
    assert exit_code(results) == 0
    assert _most_at_once(log) == jobs
    for mode in modes:
        mine = [line for line in heard.order if line.endswith(f" {mode}")]
        kinds = ("started", "run-started", "meter-started", "verdict", "ended")
        assert mine == [f"{kind} {mode}" for kind in kinds]


def test_each_has_a_session_of_its_own(conducted: Any, log: Path) -> None:
    conducted("verified-0.1", "verified-0.2")
    sessions = [(pid, session) for *_, pid, session in _begun(log)]
    assert all(pid == session for pid, session in sessions)


def test_the_exit_code_is_the_gravest_and_the_others_go_on(conducted: Any) -> None:
    results, _ = conducted("refuted", "verified", "unknown")
    assert [each.exit_code for each in results] == [1, 0, 4]
    assert exit_code(results) == 1


def test_fail_fast_starts_nothing_new_and_lets_end_what_goes_on(conducted: Any, log: Path) -> None:
    results, _ = conducted("refuted-0.1", "verified-0.6", "verified-0.2", jobs=2, fail_fast=True)
    assert [each.word for each in results] == ["refuted", "verified", "not run"]
    assert len(_begun(log)) == 2
    assert "fail-fast" in results[2].note
    assert exit_code(results) == 1


def test_a_killed_run_is_told_and_the_others_go_on(conducted: Any) -> None:
    results, heard = conducted("dies", "verified-0.1")
    assert [each.exit_code for each in results] == [4, 0]
    assert "killed by SIGKILL" in results[0].note
    assert results[0].word == "no verdict"
    assert any("killed by SIGKILL" in line for _, line in heard.said)


def test_what_a_run_says_instead_of_a_verdict_is_kept(conducted: Any) -> None:
    results, heard = conducted("says")
    assert results[0].exit_code == 2
    assert results[0].note == "The lab does not start: no wheel."
    assert heard.said == [("says", "The lab does not start: no wheel.")]


@pytest.mark.parametrize("code", [0, 1, 77])
def test_a_process_that_ends_without_a_verdict_proves_nothing(conducted: Any, code: int) -> None:
    results, _ = conducted(f"quits-{code}")
    assert results[0].exit_code == 3
    assert results[0].note == f"Its process ended with exit code {code}."
    assert exit_code(results) == 3


# --- signals, in a process of its own ---


@pytest.fixture
def parent(log: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*modes: str, jobs: int = 2) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(SUPPORT / "parent.py"), str(log), str(jobs), *modes],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        started.append(process)
        deadline = time.monotonic() + 20
        while len(_begun(log)) < min(jobs, len(modes)):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_who_reads_the_first_line_only_stops_all_of_it(parent: Any, log: Path) -> None:
    """As `| head -1` does: nothing more is broken that nobody would hear of, and what is broken is undone."""
    process = parent("verified-30", "refuted-30", "verified-1")
    assert "begins" in process.stdout.readline()
    process.stdout.close()
    assert process.wait(20) == 130
    words = [line.split()[1:3] for line in log.read_text().splitlines()]
    assert sorted(words) == sorted(
        [word, mode] for mode in ("verified-30", "refuted-30") for word in ("begins", "stops", "ends")
    )


@pytest.mark.parametrize("ignored", [False, True])
def test_under_nohup_a_hang_up_stops_nothing(log: Path, ignored: bool) -> None:
    ignore = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); " if ignored else ""
    script = f"{ignore}import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(SUPPORT / "parent.py"), str(log), "1", "verified-2"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    wait_for("the run to begin", lambda: _begun(log))
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == (0 if ignored else 130), out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_passed_on_once_and_waited_for(parent: Any, log: Path, number: int) -> None:
    process = parent("verified-30", "refuted-30", "verified-1")
    os.killpg(process.pid, number)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130, out
    words = [line.split()[1:3] for line in log.read_text().splitlines()]
    assert sorted(words) == sorted(
        [word, mode] for mode in ("verified-30", "refuted-30") for word in ("begins", "stops", "ends")
    )
    assert "Stopping: verified-30, refuted-30 undo what they broke" in out
    assert "not run" in out


def test_a_second_ctrl_c_is_told_what_is_waited_for(parent: Any, log: Path) -> None:
    process = parent("verified-30")
    os.killpg(process.pid, signal.SIGINT)
    deadline = time.monotonic() + 10
    while "stops" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130, out
    assert "Still waiting for verified-30" in out
    assert log.read_text().count("ends") == 1


def test_runs_of_a_killed_campaign_stop_by_themselves(parent: Any, log: Path) -> None:
    process = parent("verified-30", "verified-31")
    pids = [int(pid) for *_, pid, _ in _begun(log)]
    process.kill()
    process.wait(10)
    deadline = time.monotonic() + 10
    while log.read_text().count("ends") < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert log.read_text().count("stops") == 2
    assert log.read_text().count("ends") == 2
    psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], 5)


def test_a_campaign_that_is_held_holds_no_run_up(parent: Any, log: Path) -> None:
    process = parent("verified-0.5")
    process.send_signal(signal.SIGSTOP)
    deadline = time.monotonic() + 10
    while "ends" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "ends" in log.read_text()
    process.send_signal(signal.SIGCONT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0, out
