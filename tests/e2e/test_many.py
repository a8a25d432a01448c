"""Several failure modes at once, as a user runs them; one that goes wrong does not disturb the others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest

from chaos_lab import places

PG, RELEASE = "postgresql-primary-down", "service-bad-release"
BOTH = f"{PG},{RELEASE}"
CLOSED = {"undone", "superseded"}
slow = pytest.mark.slow
LONG_S = 400  # a machine that does other things besides


@pytest.fixture
def ended() -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    """Campaigns handed to it are ended after the test, and so are their runs, which stop by themselves."""
    held: list[tuple[subprocess.Popen[str], psutil.Process]] = []
    yield lambda process: held.append((process, psutil.Process(process.pid)))
    for process, known in held:
        if process.poll() is None:
            runs = known.children()
            process.kill()
            process.communicate(timeout=10)
            psutil.wait_procs(runs, 60)


def _verdict(project: Any, mode: str) -> dict[str, Any]:
    """Of the only whole bundle of that mode."""
    (found,) = [path for path in project.bundles() if f"-{mode}-" in path.name]
    verdict: dict[str, Any] = json.loads((found / "verdict.json").read_text())
    return verdict


def _events(project: Any, mode: str) -> list[dict[str, Any]]:
    paths = (project.root / ".chaos" / "runs").glob(f"*-{mode}-*/trials/*/events.jsonl")
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def _wait_for(project: Any, process: subprocess.Popen[str], kind: str, *modes: str) -> None:
    deadline = time.monotonic() + 180
    while not all(any(e["kind"] == kind for e in _events(project, mode)) for mode in modes):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, f"no {kind} of {modes}"
        time.sleep(0.05)


def _runs(process: subprocess.Popen[str]) -> dict[str, psutil.Process]:
    """The processes of a campaign's runs, by mode."""
    children = psutil.Process(process.pid).children()
    return {words[-1]: child for child in children if "--events" in (words := child.cmdline())}


def _settled(project: Any) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        if {entry["state"] for entry in project.ledger()} <= CLOSED and project.labs() == []:
            return
        time.sleep(0.2)
    raise AssertionError(f"not settled: {project.ledger()}, labs {project.labs()}")


@slow
def test_two_at_once_and_then_what_is_decided_is_not_repeated(project: Any) -> None:
    report = project.root / "verdicts.xml"
    done = project.chaos("verify", BOTH, "--jobs", "2", "--seed", "7", "--junit", str(report), timeout=LONG_S)
    assert done.code == 0, done.out + done.err
    assert "verdicts: 2 verified" in done.out
    assert "exit code: 0" in done.out
    assert [c for c in done.out if ord(c) < 32 and c != "\n"] == []
    assert {case.get("name") for case in ElementTree.parse(report).getroot()} == {PG, RELEASE}
    assert project.labs() == []
    assert {entry["state"] for entry in project.ledger()} <= CLOSED
    seeds = {json.loads((path / "run.json").read_text())["seed"] for path in project.bundles()}
    assert seeds == {7}

    with (project.root / "catalog" / "runbooks" / f"{PG}.md").open("a") as runbook:
        runbook.write("\n")
    assert project.chaos("catalog", "compile").code == 0
    before = project.bundles()
    again = project.chaos("verify", BOTH, "--resume", timeout=LONG_S)
    assert again.code == 0, again.out
    assert "1 of them decided before" in again.out
    (new,) = set(project.bundles()) - set(before)
    assert PG in new.name
    assert project.chaos("verify", BOTH, "--resume").code == 0
    assert len(project.bundles()) == 3


@slow
def test_one_that_is_refuted_makes_the_code_and_stands_first(project: Any) -> None:
    project.edit(
        f"catalog/runbooks/{RELEASE}.md",
        ('release activate "$SERVICE" "$BEFORE"\n', 'echo "$BEFORE ran before"\n'),
    )
    assert project.chaos("catalog", "compile").code == 0
    done = project.chaos("verify", "all", "--jobs", "2", timeout=LONG_S)
    assert done.code == 1, done.out
    end = done.out.split("\n\n")[-2:]
    assert end[0].startswith("refuted")
    assert "not-recovered" in end[0] or "step-failed" in end[0]
    assert end[1].splitlines()[1:] == ["exit code: 1", f"next: make chaos EXP={RELEASE}"]
    assert _verdict(project, PG)["word"] == "verified"

    resumed = project.chaos("verify", "all", "--resume")
    assert resumed.code == 1, "a refuted mode is decided too, and counts"
    assert "2 of them decided before" in resumed.out
    stopped = project.chaos("verify", RELEASE, PG, "--resume", "--fail-fast", "--seed", "1")
    assert stopped.code == 1


@pytest.mark.alone
def test_a_killed_run_is_undone_and_the_other_goes_on(project: Any, ended: Any) -> None:
    process = project.start("verify", BOTH, "--jobs", "2")
    ended(process)
    _wait_for(project, process, "fault-injected", PG)
    _runs(process)[PG].kill()
    out, _ = process.communicate(timeout=LONG_S)
    assert process.returncode == 130, out
    verdict = _verdict(project, PG)
    assert verdict["word"] != "verified"
    assert verdict["flags"] == []
    why = [reason["sentence"] for reason in verdict["reasons"] if reason["word"] == "interrupted"]
    assert why == ["The run was stopped: Its process was killed by SIGKILL."]
    assert "Its process was killed by SIGKILL" in out
    other = _verdict(project, RELEASE)  # which word a busy machine lets it come to is not the matter here
    assert "interrupted" not in {reason["word"] for reason in other["reasons"]}
    assert other["flags"] == []
    assert {entry["state"] for entry in project.ledger()} <= CLOSED
    assert project.labs() == []
    assert project.chaos("history", "check").code == 0


@slow
def test_a_killed_campaign_leaves_nothing_broken(project: Any, ended: Any) -> None:
    process = project.start("verify", BOTH, "--jobs", "2")
    ended(process)
    _wait_for(project, process, "fault-injected", PG, RELEASE)
    runs = _runs(process)
    assert set(runs) == {PG, RELEASE}
    process.kill()
    process.wait(10)
    _, alive = psutil.wait_procs(list(runs.values()), 60)
    assert alive == []
    _settled(project)
    assert {_verdict(project, mode)["word"] for mode in (PG, RELEASE)} == {"unknown"}


@slow
def test_ctrl_c_stops_all_and_a_later_run_resumes(project: Any, ended: Any) -> None:
    process = project.start("verify", BOTH, "--jobs", "2")
    ended(process)
    _wait_for(project, process, "meter-started", PG, RELEASE)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=LONG_S)
    assert process.returncode == 130, out
    assert "Traceback" not in out
    assert "Stopping: " in out
    assert project.labs() == []
    assert {entry["state"] for entry in project.ledger()} <= CLOSED
    assert {_verdict(project, mode)["word"] for mode in (PG, RELEASE)} == {"unknown"}
    assert f"next: make chaos EXP={BOTH} JOBS=2" in out


@pytest.mark.alone
def test_ctrl_c_while_labs_start_is_heard_at_once(project: Any, ended: Any) -> None:
    process = project.start("verify", BOTH, "--jobs", "2")
    ended(process)
    deadline = time.monotonic() + 30
    while len(list(places.home().glob("run-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=LONG_S)
    assert process.returncode == 130, out
    assert project.labs() == []
    words = {r["word"] for r in _verdict(project, PG)["reasons"]}
    assert "interrupted" in words
    assert words <= {"interrupted", "no-data"}  # it depends on how far the run had come
    trials = (project.root / ".chaos" / "runs").glob("*/trials/*/events.jsonl")
    assert not [path for path in trials if "fault-intended" in path.read_text()]


@slow
def test_a_part_that_dies_in_one_lab_disturbs_no_other(project: Any, ended: Any) -> None:
    process = project.start("verify", BOTH, "--jobs", "2")
    ended(process)
    _wait_for(project, process, "meter-started", PG, RELEASE)
    (lab,) = [event["name"] for event in _run_events(project, PG) if event["kind"] == "lab-started"]
    supervisor = json.loads((places.home() / lab / "lab.json").read_text())["supervisor"]["pid"]
    for child in psutil.Process(supervisor).children():
        if "edge" in " ".join(child.cmdline()):
            child.kill()
    out, _ = process.communicate(timeout=LONG_S)
    assert _verdict(project, RELEASE)["word"] == "verified", out
    assert _verdict(project, PG)["word"] in ("unknown", "verified"), out
    assert project.labs() == []


def _run_events(project: Any, mode: str) -> list[dict[str, Any]]:
    (path,) = (project.root / ".chaos" / "runs").glob(f"*-{mode}-*/events.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


@slow
def test_two_campaigns_at_once_in_one_checkout(project: Any, ended: Any) -> None:
    first = project.start("verify", PG, RELEASE)
    ended(first)
    second = project.start("verify", RELEASE, PG)
    ended(second)
    for process in (first, second):
        out, _ = process.communicate(timeout=LONG_S)
        assert process.returncode == 0, out
    assert len(project.bundles()) == 4
    assert project.labs() == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["all", "--jobs", "50"], ["JOBS: got 50, expected at most", "Try: JOBS="]),
        (["redis-nope-*"], ["'redis-nope-*', which no id matches"]),
        ([f"{PG},postgresql-primary-dwn,{PG}"], ["Did you mean", f"'{PG}' 2 times"]),
        (["all", "--junit", "/nowhere/x.xml"], ["--junit: got '/nowhere/x.xml'"]),
    ],
    ids=["jobs", "glob", "ids", "junit"],
)
def test_what_cannot_be_is_told_before_anything_starts(
    project: Any, words: list[str], told: list[str]
) -> None:
    done = project.chaos("verify", *words)
    assert done.code == 2
    assert all(each in done.err for each in told), done.err
    assert done.out == ""
    assert project.bundles() == []


def test_a_mode_that_needs_a_role_that_the_environment_lacks(project: Any) -> None:
    (path,) = (project.root / "catalog").glob(f"failure-modes/*/{PG}.yaml")
    text = path.read_text()
    assert "${target." in text
    path.write_text(text.replace("${target.", "${target.no-", 1))
    done = project.chaos("verify", "all")
    assert done.code == 2
    assert "no-" in done.err
    assert str(path.relative_to(project.root)) in done.err
    assert project.bundles() == []


def test_a_mode_of_another_platform_is_left_out_of_all_and_said_so(project: Any) -> None:
    (path,) = (project.root / "catalog").glob(f"failure-modes/*/{PG}.yaml")
    path.write_text(path.read_text().replace("\n  lab:\n", "\n  aws:\n", 1))
    (project.root / "experiments" / "lab" / f"{PG}.yaml").unlink()
    done = project.chaos("verify", "all", "--dry-run")
    assert done.code == 0, done.err
    assert f"{PG}: left out" in done.err
    assert f"{PG}:" not in done.out
    named = project.chaos("verify", PG, "--dry-run")
    assert named.code == 2
    assert "a fault for environment 'lab'" in named.err


def test_events_go_only_to_a_socket(project: Any) -> None:
    done = project.chaos("verify", PG, "--events", "1")
    assert done.code == 2
    assert "expected a connected socket" in done.err
