"""Runs compared, exported, judged again, and removed by the team's own rule: always said, and a tombstone stays."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chaos_ext.catalog import keeping
from chaos_ext.cli.catalog import catalog
from chaos_ext.cli.history import history
from chaos_ext.history import bundle
from chaos_ext.history.entries import TOMBSTONE, entry, read
from chaos_ext.model import Reason, Verdict, VerdictWord

REFUTED = Verdict(VerdictWord.REFUTED, (Reason("too-slow", "01-treatment shows it."),), (), "0 of 1", 1)
VERIFIED = Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0)
Run = Callable[..., Path]


def told(*words: str) -> Result:
    return CliRunner().invoke(history, list(words))


def lines(*events: dict[str, object]) -> str:
    return "".join(json.dumps(event) + "\n" for event in events)


TREATMENT = lines(
    {"kind": "fault-injected", "at": 3.1, "started": 3.0, "ended": 3.1},
    {"kind": "alert", "at": 5.0, "fired": True, "earliest": 4.0, "latest": 4.7},
    {"kind": "recovery", "at": 9.0, "recovered": True, "earliest": 7.0, "latest": 7.25},
    {"kind": "write-log", "at": 9.1, "lost": ["w1", "w2"]},
)
NEVER_BACK = lines(
    {"kind": "fault-injected", "at": 3.1, "started": 3.0, "ended": 3.1},
    {"kind": "alert", "at": 5.0, "fired": False, "earliest": None, "latest": None},
    {"kind": "recovery", "at": 9.0, "recovered": False, "earliest": None, "latest": None},
)


@pytest.fixture
def measured(new_run: Run, trial: Callable[..., Path]) -> Callable[..., Path]:
    def make(events: str = TREATMENT, verdict: Verdict = VERIFIED, **more: object) -> Path:
        run = new_run(**more)
        (run / "events.jsonl").write_text(
            lines({"kind": "run-started", "at": 1.0}, {"kind": "x", "at": 31.5})
        )
        trial(run, "01-treatment", events_jsonl=events)
        trial(run, "02-no-action", events_jsonl=NEVER_BACK)
        bundle.seal(run, verdict)
        return run

    return make


# --- a run in figures ---


def test_a_run_has_the_times_of_its_treatments(measured: Callable[..., Path]) -> None:
    found = entry(measured())
    assert (found.detect_s, found.recover_s, found.lost) == (1.7, 4.25, 2)
    assert (found.seconds, found.trials, found.arms) == (30.5, 2, ("treatment=1", "no-action=1"))


def test_a_treatment_that_never_came_back_has_no_time(measured: Callable[..., Path]) -> None:
    found = entry(measured(NEVER_BACK))
    assert (found.detect_s, found.recover_s, found.lost) == (None, None, None)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_runs_are_exported_row_by_row(measured: Callable[..., Path], form: str, tmp_path: Path) -> None:
    old, new = measured(), measured(NEVER_BACK, REFUTED)
    file = tmp_path / "runs"
    assert told("export", "--as", form, "--output", str(file)).exit_code == 0
    text = file.read_text()
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["recover_s"] for row in rows] == ["", "4.25"]
        assert [row["arms"] for row in rows] == ["treatment=1 no-action=1"] * 2
    else:
        rows = [json.loads(line) for line in text.splitlines()]
        assert [row["recover_s"] for row in rows] == [None, 4.25]
        assert [row["reasons"] for row in rows] == [["too-slow"], []]
    assert [row["run_id"] for row in rows] == [new.name, old.name]
    assert told("export", "--output", str(file)).exit_code == 2, "written over"


def test_a_cell_is_no_formula(new_run: Run) -> None:
    run = new_run()
    facts = json.loads((run / "run.json").read_bytes())
    bundle.write_json(run / "run.json", {**facts, "environment": "=1+1"})
    bundle.seal(run, VERIFIED)
    assert ",'=1+1," in told("export").output


def test_markdown_is_for_a_page(measured: Callable[..., Path]) -> None:
    run = measured()
    output = told("export", "--as", "markdown").output
    assert output.startswith("| run")
    assert run.name.rsplit("-", 1)[0] in output


# --- two runs ---


def test_two_runs_are_held_against_each_other(measured: Callable[..., Path], project: Path) -> None:
    old = measured()
    runbook = project / "catalog" / "runbooks" / "postgresql-primary-down.md"
    runbook.write_text(runbook.read_text() + "\nOne more line.\n")
    new = measured(NEVER_BACK, REFUTED)
    output = told("diff", old.name, "last").output
    rows = {line.split("  ")[1].strip(): line for line in output.splitlines() if line.startswith("DIFFERS")}
    assert [word in rows["verdict"] for word in ("verified", "refuted")] == [True, True]
    assert "4.2 s" in rows["recovered after"]
    assert "arms" not in rows
    assert "What the verdicts rest on differs in: runbook\n" in output
    assert f"--- {old.name}/runbook.md\n+++ {new.name}/runbook.md\n" in output
    assert "\n+One more line.\n" in output
    found = json.loads(told("diff", "--json", old.name, new.name).output)
    assert found["changed"] == ["runbook"]
    assert list(found["texts"]) == ["runbook.md"]


def test_a_run_differs_from_itself_in_nothing(measured: Callable[..., Path]) -> None:
    measured()
    output = told("diff", "last", "last").output
    assert "verified" in output
    assert "DIFFERS" not in output
    assert "+++" not in output


# --- judged again ---


@pytest.mark.parametrize(
    ("name", "spoil", "reason"),
    [
        ("trials/01-treatment/samples.jsonl", Path.unlink, "trials/01-treatment/samples.jsonl: missing"),
        ("trials/01-treatment/writes.jsonl", lambda p: p.write_text(""), "writes.jsonl: changed"),
        ("mode.json", lambda p: p.write_text("{}"), "mode.json: changed"),
    ],
)
def test_evidence_that_is_not_as_it_was_sealed_is_not_judged(
    measured: Callable[..., Path], name: str, spoil: Callable[[Path], object], reason: str
) -> None:
    whole, spoiled = measured(), measured()
    spoil(spoiled / name)
    done = told("rejudge")
    assert done.exit_code == 2
    rows = {
        run: line for line in done.output.splitlines() for run in (whole.name, spoiled.name) if run in line
    }
    assert rows[spoiled.name].startswith("REFUSED")
    assert reason in rows[spoiled.name]
    assert rows[whole.name].startswith(("same", "DIFFERS"))


def test_a_verdict_that_was_altered_is_derived_again(measured: Callable[..., Path]) -> None:
    run = measured()
    path = run / "verdict.json"
    path.write_text(path.read_text().replace("verified", "refuted"))
    done = told("rejudge")
    assert done.exit_code == 0
    assert "DIFFERS  damaged  unknown" in done.output


def test_a_damaged_run_is_told_without_its_verdict(measured: Callable[..., Path]) -> None:
    run = measured()
    (run / "trials/01-treatment/samples.jsonl").unlink()
    done = told("show")
    assert done.exit_code == 2
    assert "not as it was sealed (trials/01-treatment/samples.jsonl), so it proves nothing" in done.output
    assert "verdict: verified" not in done.output


def test_an_older_run_that_cannot_be_read_any_more_is_refused_with_the_reason(new_run: Run) -> None:
    run = new_run()
    mode = json.loads((run / "mode.json").read_bytes())
    bundle.write_json(run / "mode.json", {**mode, "blast_radius": "everything"})
    bundle.seal(run, VERIFIED)
    done = told("rejudge", "last")
    assert done.exit_code == 2
    assert "mode.json: blast_radius: got 'everything'" in done.output


def test_a_run_of_an_older_version_is_judged_and_stale(new_run: Run, trial: Callable[..., Path]) -> None:
    """It recorded less: nobody knows what its verdict was earned with."""
    run = new_run()
    trial(run, "01-treatment")
    facts = json.loads((run / "run.json").read_bytes())
    kept = {key: facts[key] for key in ("run_id", "mode", "environment", "arms", "started")}
    bundle.write_json(run / "run.json", kept)
    bundle.seal(run, VERIFIED)
    done = told("rejudge")
    assert done.exit_code == 0
    assert "DIFFERS  verified  unknown" in done.output
    asked = CliRunner().invoke(catalog, ["status", "--json", "postgresql-primary-down"])
    (standing,) = json.loads(asked.stdout)["standings"]
    assert (asked.exit_code, standing["word"]) == (4, "stale")
    assert {"mode", "runbook", "environment", "services", "lab"} <= set(standing["changed"])


def test_a_file_that_is_gone_is_not_taken_for_an_empty_one(measured: Callable[..., Path]) -> None:
    run = measured()
    (run / "trials/01-treatment/samples.jsonl").unlink()
    assert bundle.load(run).unreadable == ("trials/01-treatment/samples.jsonl: missing",)


# --- what need not be kept ---

KEEP = "schema: 1\nkeep:\n  - {environment: lab, for: 30d, last: 3}\n"


@pytest.fixture
def aged(new_run: Run, trial: Callable[..., Path], project: Path) -> list[Path]:
    """Seven runs, the oldest first; days ago: 70 refuted, 60 verified, 50, 40, 35 unfinished, 20 and 10 verified."""
    (project / "catalog" / "history.yaml").write_text(KEEP)
    made = []
    for days, verdict in (
        (70, REFUTED), (60, VERIFIED), (50, VERIFIED), (40, VERIFIED), (35, None), (20, VERIFIED), (10, VERIFIED)
    ):  # fmt: skip
        run = new_run(started=datetime.now(UTC) - timedelta(days=days))
        trial(run, "01-treatment")
        if verdict is not None:
            bundle.seal(run, verdict)
        made.append(run)
    return made


def test_without_a_rule_nothing_is_removed(aged: list[Path], project: Path) -> None:
    (project / "catalog" / "history.yaml").unlink()
    assert told("prune").output.startswith("Nothing says how long runs are kept, so all are.")
    assert [run for run in aged if (run / TOMBSTONE).exists()] == []


def test_what_is_removed_is_said_and_a_tombstone_stays(aged: list[Path]) -> None:
    told("list")
    dry = told("prune", "--dry-run").output
    assert [run for run in aged if (run / TOMBSTONE).exists()] == []
    output = told("prune").output
    removed = aged[1:3]  # the newest refuted one, the three newest, and the unfinished one are kept
    assert [run for run in aged if (run / TOMBSTONE).exists()] == removed
    assert all([path.name for path in run.iterdir()] == [TOMBSTONE] for run in removed)
    for run, days in zip(removed, (60, 50), strict=True):
        assert f"would remove {run.name}: {days} days old; catalog/history.yaml:3 keeps them for 30\n" in dry
        assert f"removed {run.name}: {days} days old; catalog/history.yaml:3 keeps them for 30\n" in output
    assert "2 of 7 runs removed" in output
    done = told("list")
    assert done.stderr == ""
    rows = {run: line for line in done.output.splitlines() for run in aged if run.name in line}
    assert [run for run, line in rows.items() if "evidence removed" in line] == removed[::-1]
    assert "verified" in rows[removed[0]]
    shown = told("show", removed[0].name).output
    assert "postgresql-primary-down in lab was verified (-)" in shown
    assert "60 days old" in shown
    assert told("rejudge", removed[0].name).exit_code == 2
    assert "0 of 7 runs removed" in told("prune").output


def test_the_index_made_again_knows_what_was_removed(aged: list[Path], project: Path) -> None:
    told("prune")
    before = told("list", "--json").output
    (project / ".chaos" / "index.sqlite").unlink()
    assert told("list", "--json").output == before


def test_a_removal_that_was_killed_is_ended_the_next_time(aged: list[Path]) -> None:
    run = aged[1]
    kept = read(run)
    assert kept is not None
    bundle.write_json(run / TOMBSTONE, {"removed": "2026-11-28T00:00:00Z", "why": "x", "run": kept.as_dict()})
    (run / "manifest.json").unlink()
    assert f"removed the rest of {run.name}" in told("prune").output
    assert [path.name for path in run.iterdir()] == [TOMBSTONE]


def test_what_is_damaged_is_kept_for_somebody_to_look_at(aged: list[Path]) -> None:
    (aged[1] / "trials/01-treatment/samples.jsonl").write_text("")
    told("prune")
    assert not (aged[1] / TOMBSTONE).exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("schema: 1\nkeep:\n  - {environment: lab, for: 30}\n", "catalog/history.yaml:3: keep[0].for"),
        (
            "schema: 1\nkeep:\n  - {environment: lab, for: 30d, last: 0}\n",
            "catalog/history.yaml:3: keep[0].last",
        ),
        ("schema: 1\nkept: []\n", "catalog/history.yaml:2: kept"),
    ],
)
def test_a_rule_that_is_wrong_removes_nothing_and_is_told_with_its_line(
    aged: list[Path], project: Path, text: str, expected: str
) -> None:
    (project / "catalog" / "history.yaml").write_text(text)
    done = told("prune")
    assert done.exit_code == 2
    assert expected in done.output
    assert [run for run in aged if (run / TOMBSTONE).exists()] == []
    assert expected in CliRunner().invoke(catalog, ["check"]).output


def test_the_rule_of_the_documentation_is_one(project: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "history.md").read_text()
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.S)
    (project / "catalog" / "history.yaml").write_text(text)
    (rule,) = keeping.rules(project)
    assert (rule.kept.environment, rule.kept.for_, rule.kept.last) == ("lab", 30 * 86_400, 3)


def test_the_first_rule_that_fits_decides(aged: list[Path], project: Path) -> None:
    (project / "catalog" / "history.yaml").write_text(
        "schema: 1\nkeep:\n  - {environment: 'lab', for: 3650d}\n  - {environment: '*', for: 1d}\n"
    )
    assert "0 of 7 runs removed" in told("prune").output
