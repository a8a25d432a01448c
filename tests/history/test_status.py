"""`chaos catalog status`: what is proven and still true, what is not, and what a script is told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from history.conftest import write_trial

from chaos_ext.catalog import load
from chaos_ext.cli.catalog import catalog
from chaos_ext.cli.history import history
from chaos_ext.history import bundle
from chaos_ext.model import Reason, Verdict, VerdictWord

MODE = "postgresql-primary-down"
OTHER = "service-bad-release"
TWIN = "postgresql-primary-gone"  # shares its runbook with MODE
VERIFIED = Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0)
REFUTED = Verdict(VerdictWord.REFUTED, (Reason("too-slow", "01-treatment shows it."),), (), "0 of 1", 1)
UNKNOWN = Verdict(VerdictWord.UNKNOWN, (Reason("no-impact", "01-treatment."),), (), "nothing", 4)
_STOPPED = (Reason("interrupted", "Stopped."), Reason("no-data", "Planned trials are missing."))
INTERRUPTED = Verdict(VerdictWord.UNKNOWN, _STOPPED, (), "nothing", 130)
REFUTED_THEN_INTERRUPTED = Verdict(VerdictWord.REFUTED, (*_STOPPED, *REFUTED.reasons), (), "", 130)
ABORTED = Verdict(VerdictWord.UNKNOWN, (Reason("aborted", "sign-in was hurt."), *_STOPPED), (), "", 4)
LEFT = Verdict(VerdictWord.VERIFIED, (), (Reason("undo-failed", "Still down."),), "1 of 1", 5)
Run = Callable[..., Path]


@pytest.fixture
def project(project: Path) -> Path:
    """With two failure modes that share a runbook."""
    (path,) = project.rglob(f"{MODE}.yaml")
    if "experiments" not in path.parts:
        text = path.read_text().replace(f"id: {MODE}\n", f"id: {TWIN}\n")
        path.with_name(f"{TWIN}.yaml").write_text(text)
    return project


@pytest.fixture
def sealed(new_run: Run) -> Callable[..., Path]:
    def seal(verdict: Verdict, of: str = MODE, ago: timedelta | None = None) -> Path:
        run = new_run(of, None if ago is None else datetime.now(UTC) - ago)
        bundle.seal(run, verdict)
        return run

    return seal


def in_the_lab(project: Path) -> list[str]:
    """The failure modes that the lab can reproduce: others have no standing there."""
    return [mode for mode in load.ids(project) if "lab" in load.mode(project, mode).reproduce]


def status(*words: str) -> tuple[int, dict[str, dict[str, object]]]:
    done = CliRunner().invoke(catalog, ["status", "--json", *words])
    assert done.exit_code != 3, done.output
    return done.exit_code, {each["mode"]: each for each in json.loads(done.stdout)["standings"]}


def words(*ids: str) -> tuple[int, dict[str, object]]:
    code, found = status(*ids)
    return code, {mode: each["word"] for mode, each in found.items()}


def test_what_was_never_tried_is_never(new_run: Run, project: Path) -> None:
    code, found = words()
    assert code == 4
    assert found == dict.fromkeys(in_the_lab(project), "never")
    new_run()  # goes on, or was killed: says nothing
    assert words() == (code, found)


@pytest.mark.parametrize(
    ("verdict", "word", "code"),
    [
        (VERIFIED, "verified", 0),
        (Verdict(VerdictWord.REPRODUCED, (), (), "", 0), "reproduced", 0),
        (REFUTED, "refuted", 1),
        (UNKNOWN, "unknown", 4),
        (LEFT, "verified", 5),
        (REFUTED_THEN_INTERRUPTED, "refuted", 1),
        (ABORTED, "unknown", 4),
    ],
)
def test_the_newest_run_says_where_a_failure_mode_stands(
    sealed: Callable[..., Path], verdict: Verdict, word: str, code: int
) -> None:
    sealed(VERIFIED)
    run = sealed(verdict)
    found, standings = status(MODE)
    assert (found, standings[MODE]["word"], standings[MODE]["run_id"]) == (code, word, run.name)


def test_a_run_that_was_interrupted_takes_nothing_from_the_verdict_before_it(
    sealed: Callable[..., Path],
) -> None:
    sealed(VERIFIED)
    sealed(INTERRUPTED)
    assert words(MODE) == (0, {MODE: "verified"})


def test_alone_it_is_no_verdict_either(sealed: Callable[..., Path]) -> None:
    sealed(INTERRUPTED)
    assert words(MODE) == (4, {MODE: "never"})


def test_one_line_of_a_runbook_makes_exactly_its_dependents_stale(
    sealed: Callable[..., Path], project: Path
) -> None:
    modes = in_the_lab(project)
    for mode in modes:
        sealed(REFUTED if mode == OTHER else VERIFIED, mode)
    before = {mode: "refuted" if mode == OTHER else "verified" for mode in modes}
    assert words() == (1, before)
    runbook = project / "catalog" / "runbooks" / f"{MODE}.md"
    runbook.write_text(runbook.read_text() + "\nOne more line.\n")
    code, found = status()
    assert code == 1
    assert {mode: each["word"] for mode, each in found.items()} == {**before, MODE: "stale", TWIN: "stale"}
    assert {tuple(found[mode]["changed"]) for mode in (MODE, TWIN)} == {("runbook",)}  # type: ignore[arg-type]
    runbook = project / "catalog" / "runbooks" / f"{OTHER}.md"
    runbook.write_text(runbook.read_text() + "\nMended.\n")
    assert words(OTHER) == (4, {OTHER: "stale"})  # it was refuted; nobody knows how it is now


def test_a_verdict_holds_no_longer_than_the_failure_mode_says(
    sealed: Callable[..., Path], project: Path
) -> None:
    holds = timedelta(seconds=load.mode(project, MODE).reverify_every)
    minute = timedelta(minutes=1)
    sealed(VERIFIED, MODE, holds - minute)
    sealed(VERIFIED, TWIN, holds + minute)
    assert words(MODE, TWIN) == (4, {MODE: "verified", TWIN: "overdue"})
    sealed(VERIFIED, MODE, -timedelta(hours=1))  # a clock was wrong
    assert words(MODE) == (4, {MODE: "overdue"})


def test_what_ran_last_counts_whatever_was_done_to_the_clock(
    sealed: Callable[..., Path], new_run: Callable[..., Path]
) -> None:
    """The clock is an hour ahead, a run proves the runbook; it is set right, and the next run refutes it."""
    sealed(VERIFIED, MODE, -timedelta(hours=1))
    bundle.seal(new_run(MODE), REFUTED)
    assert words(MODE) == (1, {MODE: "refuted"})
    listed = json.loads(CliRunner().invoke(history, ["list", "--json"]).output)
    assert [each["verdict"] for each in listed] == ["refuted", "verified"]


def test_a_clock_that_jumps_during_a_run_changes_no_duration(
    sealed: Callable[..., Path], new_run: Callable[..., Path]
) -> None:
    """An hour ahead, then a day back: times are those of the monotonic clock; the wall clock is only shown."""
    run = new_run(MODE)
    walls = ("2026-01-01T12:00:00.000Z", "2026-01-01T13:00:02.000Z", "2025-12-31T12:00:30.000Z")
    times = (10.0, 12.0, 40.5)
    told = [{"kind": "told", "at": at, "wall": wall} for at, wall in zip(times, walls, strict=True)]
    (run / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in told))
    fault = {
        "kind": "fault-injected",
        "at": 12.0,
        "wall": walls[1],
        "name": "f",
        "started": 11.0,
        "ended": 12.0,
    }
    alert = {"kind": "alert", "at": 14.0, "wall": walls[2], "fired": True, "earliest": 13.0, "latest": 13.5}
    back = {
        "kind": "recovery",
        "at": 20.0,
        "wall": walls[0],
        "recovered": True,
        "earliest": 18.0,
        "latest": 18.5,
    }
    write_trial(
        run, "01-treatment", events_jsonl="".join(json.dumps(each) + "\n" for each in (fault, alert, back))
    )
    bundle.seal(run, VERIFIED)
    (listed,) = json.loads(CliRunner().invoke(history, ["list", "--json"]).output)
    assert (listed["seconds"], listed["detect_s"], listed["recover_s"]) == (30.5, 2.5, 7.5)
    assert words(MODE) == (0, {MODE: "verified"})
    (again,) = json.loads(CliRunner().invoke(history, ["list", "--json"]).output)
    assert again == listed, "the index says the same"


def test_damaged_evidence_proves_nothing(sealed: Callable[..., Path]) -> None:
    sealed(VERIFIED)
    newest = sealed(VERIFIED)
    assert words(MODE) == (0, {MODE: "verified"})
    (newest / "runbook.md").unlink()
    code, found = status(MODE)
    assert (code, found[MODE]["word"], found[MODE]["reasons"]) == (4, "unknown", ["damaged: runbook.md"])


def test_the_worst_comes_first(sealed: Callable[..., Path], project: Path) -> None:
    *rest, stale, unknown, refuted, left = [mode for mode in in_the_lab(project) if mode not in (MODE, TWIN)]
    sealed(VERIFIED, MODE)
    sealed(VERIFIED, TWIN, timedelta(days=3650))
    for mode, verdict in ((stale, VERIFIED), (unknown, UNKNOWN), (refuted, REFUTED), (left, LEFT)):
        sealed(verdict, mode)
    (path,) = project.rglob(f"failure-modes/*/{stale}.yaml")
    path.write_text(path.read_text() + "\n# looked at\n")
    order = list(status()[1])
    assert order[:3] == [left, refuted, unknown]
    assert set(order[3:-3]) == set(rest)
    assert order[-3:] == [stale, TWIN, MODE]
    output = CliRunner().invoke(catalog, ["status"]).output
    assert output.startswith("1 left something broken, 1 refuted, 1 unknown, ")
    (line,) = [line for line in output.splitlines() if line.startswith("overdue")]
    assert TWIN in line
    assert "was verified; due " in line


def test_a_script_may_accept_what_is_no_reason_to_fail(sealed: Callable[..., Path]) -> None:
    sealed(VERIFIED)
    assert words("--accept", "never")[0] == 0
    sealed(REFUTED, OTHER)
    assert words("--accept", "never")[0] == 1
    assert words("--accept", "never", "--accept", "refuted")[0] == 0
    sealed(LEFT, OTHER)
    assert words("--accept", "never", "--accept", "refuted")[0] == 5


def test_junit_has_a_case_for_each(sealed: Callable[..., Path], project: Path, tmp_path: Path) -> None:
    sealed(VERIFIED)
    sealed(REFUTED, OTHER)
    file = tmp_path / "status.xml"
    asked = ["status", "--format", "junit", "--output", str(file), "--accept", "never"]
    assert CliRunner().invoke(catalog, asked).exit_code == 1
    suite = ElementTree.parse(file).getroot()
    cases = {case.get("name"): {each.tag for each in case} - {"system-out"} for case in suite}
    assert cases.pop(MODE) == set()
    assert cases.pop(OTHER) == {"failure"}
    assert list(cases.values()) == [{"skipped"}] * (len(in_the_lab(project)) - 2)
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("1", "0", str(len(cases)))


def test_markdown_is_a_table(sealed: Callable[..., Path]) -> None:
    sealed(REFUTED)
    output = CliRunner().invoke(catalog, ["status", "--format", "markdown", MODE]).output
    assert output.startswith("## 1 refuted\n\n| STATUS")
    assert f"| {MODE} " in output.replace("\\", "")


def test_an_unknown_id_is_refused_with_the_nearest(new_run: Run) -> None:
    done = CliRunner().invoke(catalog, ["status", "postgresql-primary-dwn"])
    assert done.exit_code == 2
    assert MODE in done.output


def test_as_a_command_it_says_json_and_nothing_else_and_an_exit_code(sealed: Callable[..., Path]) -> None:
    sealed(VERIFIED)
    command = [
        sys.executable,
        "-m",
        "chaos_ext",
        "--no-version-check",
        "--no-log-file",
        "catalog",
        "status",
        "--json",
    ]
    for ids, code in (((MODE,), 0), ((MODE, OTHER), 4)):
        done = subprocess.run([*command, *ids], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (code, "")
        assert {each["mode"] for each in json.loads(done.stdout)["standings"]} == set(ids)
