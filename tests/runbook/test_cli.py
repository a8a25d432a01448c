"""`chaos runbook` as people run it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted((ROOT / "catalog" / "runbooks").glob("*.md"))
CHAOS = (sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file", "runbook")


def around(**variables: str) -> dict[str, str]:
    """Our environment, but the project is where the command runs."""
    return {name: value for name, value in {**os.environ, **variables}.items() if name != "CHAOS_PROJECT"}


def chaos(*words: object, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CHAOS, *map(str, words)],
        cwd=cwd,
        env=around(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_shipped_runbooks_are_clean() -> None:
    assert SHIPPED
    done = chaos("lint", *SHIPPED)
    assert (done.returncode, done.stderr) == (0, "")
    assert "catalog/runbooks/postgresql-primary-down.md: ok: 9 steps, platforms lab" in done.stdout


def test_every_problem_of_every_file(well: str, write_runbook: Callable[[str], Path], tmp_path: Path) -> None:
    first = write_runbook(well.replace("id: well", "id: ill").replace("plan.md)", "plans.md)"))
    second = tmp_path / "gone.md"
    done = chaos("lint", first, second)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "runbook.id",
        "link",
        "got No such file or directory, expected a runbook in Markdown.",
    ]
    assert lines[0].startswith(f"{first}:4: runbook.id: got 'ill', expected the file's stem, 'well'.")
    assert "Traceback" not in done.stderr


def test_problems_for_programs(well: str, write_runbook: Callable[[str], Path]) -> None:
    path = write_runbook(well.replace("id: well", "id: ill"))
    done = chaos("lint", path, "--format", "json")
    assert done.returncode == 2
    (problem,) = json.loads(done.stdout)
    assert (problem["where"], problem["got"]) == (f"{path}:4", "'ill'")
    assert json.loads(chaos("lint", SHIPPED[0], "--format", "json").stdout) == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of our own catalogue and environments."""
    for folder in ("catalog", "environments"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "# No PostgreSQL node takes writes",
            "# PostgreSQL is down",
            "what the alert says: 'No PostgreSQL node takes",
        ),
        (
            "recovers: [postgresql-primary-down]",
            "recovers: [postgres-primary-down]",
            "Did you mean 'postgresql-pri",
        ),
        ("${LAB_DATA:?", "${LAB_DATE:?", "Did you mean 'LAB_DATA'?"),
        (
            '"on":"lab","timeout":"15s"}\nanswering',
            '"on":"gcp","timeout":"15s"}\nanswering',
            "no block for 'lab'",
        ),
    ],
    ids=["title", "mode", "variable", "platform"],
)
def test_inside_a_project_more_is_known(project: Path, old: str, new: str, says: str) -> None:
    path = project / "catalog" / "runbooks" / "postgresql-primary-down.md"
    path.write_text(path.read_text().replace(old, new, 1))
    done = chaos("lint", path, cwd=project)
    assert done.returncode == 2
    assert says in done.stderr


def test_a_runbook_that_no_alert_links(project: Path) -> None:
    here = project / "catalog" / "runbooks"
    text = (here / "service-bad-release.md").read_text().replace("id: service-bad-release", "id: other")
    (here / "other.md").write_text(text)
    done = chaos("lint", here / "other.md", cwd=project)
    assert "no alert that links this runbook" in done.stderr


def test_the_outline(well: str, write_runbook: Callable[[str], Path]) -> None:
    wide = well.replace("### Step 1: Look", "### Step 1: ノードを見る").replace("# The store", "# ストア", 1)
    path = write_runbook(wide)
    lines = chaos("show", path).stdout.splitlines()
    assert lines[0] == "ストア is down"
    assert lines[1] == "well · owner sre · recovers store-down · rto 600 s"
    assert lines[3].split() == ["STEP", "ROLE", "ON", "AT", "MOST", "WHAT"]
    column = lines[3].index("WHAT")
    assert lines[5][column:] == "Step 1: ノードを見る"
    assert lines[6][column:] == "Decision 2: Which node is best? → step-3, escalation"
    shown = json.loads(chaos("show", path, "--format", "json").stdout)
    assert [step["key"] for step in shown["steps"]] == [
        "parameters",
        "step-1",
        "decision-2",
        "step-3",
        "undo-step-3",
        "verification",
    ]
    assert shown["steps"][0]["blocks"][0]["name"] == "parameters"


@pytest.fixture
def no_lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine where no lab is up, whatever other tests share."""
    with tempfile.TemporaryDirectory(prefix="ct-none-") as home, monkeypatch.context() as patch:
        patch.setenv("CHAOS_LAB_HOME", home)
        yield


@pytest.mark.usefixtures("no_lab")
def test_a_dry_run_fills_in_what_is_known_and_runs_nothing(well: str, project: Path, tmp_path: Path) -> None:
    environment = project / "environments" / "lab.yaml"
    environment.write_text(environment.read_text() + "secrets: {TOKEN: {env: NOWHERE}}\n")
    touched = tmp_path / "touched"
    code = f'touch {touched}; cat "$STATE" "$TOKEN" "$ALERTMANAGER_URL" "$PGCONNECT_TIMEOUT" $NODES'
    path = tmp_path / "well.md"
    path.write_text(well.replace('cat "$STATE"', code))
    (tmp_path / "plan.md").touch()
    done = chaos("follow", path, "--dry-run", "--var", "STATE=/s", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert f'    touch {touched}; cat "/s" "***" "$ALERTMANAGER_URL" "2" a b' in done.stdout
    assert "Step 3: Start it  [mitigate, at most 5 s]" in done.stdout
    assert "Undo Step 3" not in done.stdout
    assert done.stdout.endswith("dry run on lab: nothing was run\n")
    assert not touched.exists()
    one = chaos("follow", path, "--dry-run", "--step", "undo-step-3", cwd=project).stdout
    assert "Undo Step 3" in one
    assert "Step 1" not in one


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--step", "step-11"), "--step: got 'step-11', expected one of parameters, step-1"),
        (("--var", "X"), "--var: got 'X', expected KEY=VALUE"),
        (
            ("--var", "AWS_PROFILE=production"),
            "--var: got the variable AWS_PROFILE, expected none that says where",
        ),
        (("--env", "lap"), "Did you mean 'lab'?"),
        ((), "no lab is up"),
    ],
    ids=["step", "variable", "place", "environment", "no lab"],
)
@pytest.mark.usefixtures("no_lab")
def test_following_needs(words: tuple[str, ...], says: str) -> None:
    done = chaos("follow", SHIPPED[0], *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_runbook_with_problems_is_not_followed(project: Path) -> None:
    path = project / "catalog" / "runbooks" / "service-bad-release.md"
    path.write_text(path.read_text().replace("id: service", "id: servic"))
    done = chaos("follow", path, cwd=project)
    assert done.returncode == 2
    assert "expected the file's stem" in done.stderr


def test_looking_at_a_lab(running_lab: dict[str, Any], project: Path) -> None:
    path = project / "catalog" / "runbooks" / "postgresql-primary-down.md"
    done = chaos("follow", path, "--step", "step-1", cwd=project, CHAOS_LAB=running_lab["dir"])
    assert (done.returncode, done.stderr) == (0, "")
    assert "pg-a: primary" in done.stdout
    assert "pg-c: standby" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_step_that_fails(running_lab: dict[str, Any], project: Path) -> None:
    path = project / "catalog" / "runbooks" / "service-bad-release.md"
    text = path.read_text()
    start = text.index('"name":"no-more-errors"')
    path.write_text(text[:start] + text[start:].replace('"within":"30s"', '"within":"1s"'))
    words = ("--step", "verification", "--var", "SERVICE=nosuchservice")
    done = chaos("follow", path, *words, cwd=project, CHAOS_LAB=running_lab["dir"])
    assert done.returncode == 1
    assert "Verification: " in done.stderr  # its exit code, or on a busy machine that it took too long


def test_ctrl_c_ends_the_step(
    running_lab: dict[str, Any], project: Path, alive: Callable[[int], bool]
) -> None:
    path = project / "catalog" / "runbooks" / "service-bad-release.md"
    path.write_text(
        path.read_text()
        .replace('release list "$SERVICE"\n', 'echo "pid $$"; sleep 1000\n', 1)
        .replace('"timeout":"15s"', '"timeout":"900s"')
    )
    process = subprocess.Popen(
        [*CHAOS, "follow", str(path), "--step", "step-1"],
        cwd=project,
        env=around(CHAOS_LAB=running_lab["dir"]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        line = next(line for line in process.stdout if "pid " in line)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait(20)
    assert process.returncode == 130
    assert "stopped at Step 1" in told
    deadline = time.monotonic() + 10
    pid = int(line.split()[-1])
    while alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
