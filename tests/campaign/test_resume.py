"""What is decided is not repeated; anything that a verdict rests on, changed, and it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos_ext import environments
from chaos_ext.campaign.resume import decided
from chaos_ext.catalog import load
from chaos_ext.catalog.made_of import activities, deployed
from chaos_ext.history import bundle, manifest
from chaos_ext.history.freshness import changed
from chaos_ext.model import Arm, Reason, Verdict, VerdictWord
from chaos_ext.report.several import Result

MODE = "service-bad-release"
Run = Callable[..., Path]

SMOKE = {Arm.TREATMENT: 1, Arm.NO_ACTION: 1}
STANDARD = {Arm.TREATMENT: 5, Arm.NO_ACTION: 3}
VERIFIED = Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0)
REFUTED = Verdict(VerdictWord.REFUTED, (Reason("too-slow", "back late"),), (), "0 of 1", 1)
UNKNOWN = Verdict(VerdictWord.UNKNOWN, (Reason("no-data", "nothing"),), (), "", 4)
FLAGGED = Verdict(VerdictWord.VERIFIED, (), (Reason("undo-failed", "still down"),), "1 of 1", 5)
CUT_SHORT = Verdict(VerdictWord.REFUTED, (Reason("interrupted", "stopped"),), (), "", 130)


def found(project: Path, arms: dict[Arm, int] = SMOKE) -> Result | None:
    catalog, lab = load.catalog(project), environments.load("lab")
    runs = project / ".chaos" / "runs"
    return decided(runs, catalog, [catalog.modes[MODE]], lab, arms).get(MODE)


@pytest.mark.parametrize(
    ("verdict", "code"),
    [(VERIFIED, 0), (REFUTED, 1), (UNKNOWN, None), (FLAGGED, None), (CUT_SHORT, None), (None, None)],
    ids=["verified", "refuted", "unknown", "flagged", "cut short", "never sealed"],
)
def test_which_verdicts_decide(
    project: Path, new_run: Run, verdict: Verdict | None, code: int | None
) -> None:
    folder = new_run(verdict=verdict)
    result = found(project)
    assert (result and result.exit_code) == code
    if result is not None:
        assert (result.verdict, result.bundle, result.before) == (verdict, folder, True)


def test_nothing_is_decided_where_nothing_ran(project: Path) -> None:
    assert found(project) is None


def test_the_newest_whole_bundle_decides(project: Path, new_run: Run) -> None:
    new_run(verdict=VERIFIED)
    newer = new_run(verdict=REFUTED)
    new_run(verdict=None)  # killed, or still going on
    new_run("postgresql-primary-down", verdict=UNKNOWN)
    result = found(project)
    assert result is not None
    assert result.bundle == newer
    new_run(verdict=UNKNOWN)
    assert found(project) is None


@pytest.mark.parametrize(
    ("had", "wanted", "is_decided"),
    [(SMOKE, SMOKE, True), (STANDARD, SMOKE, True), (SMOKE, STANDARD, False), (STANDARD, STANDARD, True)],
    ids=["the same", "more", "less", "the same, more of them"],
)
def test_as_many_trials_or_more(
    project: Path, new_run: Run, had: dict[Arm, int], wanted: dict[Arm, int], is_decided: bool
) -> None:
    new_run(arms=had)
    assert (found(project, wanted) is not None) is is_decided


@pytest.mark.parametrize(
    "file",
    [
        "catalog/failure-modes/service/service-bad-release.yaml",
        "catalog/runbooks/service-bad-release.md",
        "catalog/services.yaml",
        "environments/lab.yaml",
    ],
)
def test_a_changed_line_is_another_verdict(project: Path, new_run: Run, file: str) -> None:
    new_run()
    assert found(project) is not None
    with (project / file).open("a", encoding="utf-8") as written:
        written.write("\n")
    assert found(project) is None


def test_another_modes_runbook_is_none_of_its_business(project: Path, new_run: Run) -> None:
    new_run()
    with (project / "catalog/runbooks/postgresql-primary-down.md").open("a", encoding="utf-8") as written:
        written.write("\n")
    assert found(project) is not None


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("activities", "chaos_ext.actions.lab.release"),
        ("deployed", "lab"),
        ("verdict_rules", ""),
        ("digests", "runbook"),
    ],
)
def test_what_a_bundle_did_not_record_is_not_the_same(
    project: Path, new_run: Run, group: str, name: str
) -> None:
    folder = new_run(verdict=None)
    facts = json.loads((folder / "run.json").read_text())
    if name:
        del facts[group][name]
    else:
        del facts[group]
    (folder / "run.json").write_text(json.dumps(facts))
    bundle.seal(folder, VERIFIED)
    assert found(project) is None


def test_a_bundle_that_was_tampered_with_decides_nothing(project: Path, new_run: Run) -> None:
    folder = new_run()
    (folder / "runbook.md").write_text("another page")
    assert manifest.check(folder)
    assert found(project) is None


def test_what_cannot_be_found_is_equal_to_nothing() -> None:
    gone = {"activities": {"a.module": {"file": "a.module", "sha256": ""}}, "verdict_rules": 1}
    assert changed(gone, gone) == ["a.module"]


def test_code_that_breaks_things_has_its_digest(project: Path) -> None:
    mode = load.mode(project, MODE)
    known = activities(mode, "lab", project)
    assert list(known) == ["chaos_ext.actions.lab.release"]
    assert len(known["chaos_ext.actions.lab.release"].sha256) == 64
    assert activities(mode, "aws", project) == {}


def test_only_a_lab_is_deployed_from_here() -> None:
    assert len(deployed("lab")["lab"]) == 64
    assert deployed("lab") == deployed("lab")
    assert deployed("aws") == {}
