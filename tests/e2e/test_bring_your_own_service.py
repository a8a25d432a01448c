"""A service that somebody else wrote, described by an environment and a services file, from the page to a proof."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from modes import spoil
from projects_for_tests import Project

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "bring-your-own-service.md"
EXAMPLE = ROOT / "examples" / "kinto"
MODE = "kinto-stopped"


def _blocks() -> list[str]:
    return [text for _, text in re.findall(r"^(~~~|```)sh\n(.*?)^\1$", PAGE.read_text("utf-8"), re.M | re.S)]


@pytest.fixture
def written(tmp_path: Path) -> Project:
    """What the page's blocks write, but for the last, which proves it."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "kinto").symlink_to(EXAMPLE)
    for block in _blocks()[:-1]:
        subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=tmp_path, check=True)
    return Project(tmp_path / "mine")


@pytest.fixture
def example(tmp_path: Path) -> Project:
    shutil.copytree(EXAMPLE, tmp_path / "kinto")
    return Project(tmp_path / "kinto")


def test_the_page_writes_the_example(written: Project) -> None:
    """The page and the example in the checkout are one, and the example is whole."""
    for name in ("environments/lab.yaml", "catalog/services.yaml"):
        mine, shipped = (yaml.safe_load((root / name).read_text("utf-8")) for root in (written.root, EXAMPLE))
        assert mine == shipped, name
    assert _blocks()[-1].splitlines()[1:] == ["make compile", f"make chaos EXP={MODE}"]
    compiled = written.chaos("catalog", "compile")
    assert compiled.code == 0, compiled.err
    checked = written.chaos("catalog", "check")
    assert checked.code == 0, checked.out + checked.err


def test_the_example_in_the_checkout_is_whole_and_compiled(example: Project) -> None:
    checked = example.chaos("catalog", "check")
    assert checked.code == 0, checked.out + checked.err
    linted = example.chaos("runbook", "lint", f"catalog/runbooks/{MODE}.md")
    assert linted.code == 0, linted.out + linted.err
    before = (example.root / "experiments" / "lab" / f"{MODE}.yaml").read_text("utf-8")
    compiled = example.chaos("catalog", "compile")
    assert compiled.code == 0, compiled.err
    assert (example.root / "experiments" / "lab" / f"{MODE}.yaml").read_text("utf-8") == before


def test_nothing_of_it_is_code_of_ours() -> None:
    """An environment and services, a failure mode and a runbook: no program, no class, no adapter."""
    kinds = {path.suffix for path in EXAMPLE.rglob("*") if path.is_file()}
    assert kinds == {".yaml", ".md"}
    assert not [path for path in (*ROOT.glob("chaos_*/**/*.py"),) if "kinto.core" in path.read_text("utf-8")]


@pytest.mark.slow
def test_its_failure_mode_is_verified(written: Project) -> None:
    """As the page's last block does, without the Makefile, which would set up this checkout."""
    compiled = written.chaos("catalog", "compile")
    assert compiled.code == 0, compiled.err
    done = written.chaos("verify", MODE, timeout=280)

    assert done.code == 0, done.out + done.err
    assert written.verdict()["word"] == "verified"
    for said in ("store", "look", "KintoDown", f"runbooks/{MODE}.md", "heartbeat: 200", "nobody acted"):
        assert said in done.out, f"{said!r} is not said"
    assert {entry["state"] for entry in written.ledger()} <= {"undone", "superseded"}
    assert written.labs() == []


BAD = [
    pytest.param(
        spoil.block("start", code="true"),
        {"not-recovered|step-failed"},
        id="start-does-nothing",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        spoil.block("start", code="supervisorctl start alerting"),
        {"not-recovered|step-failed"},
        id="another-part-is-started",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        spoil.block("start", before="sleep 21"), {"too-slow"}, id="too-slow", marks=pytest.mark.slow
    ),
    pytest.param(spoil.verifying("echo fine"), {"verification-blind"}, id="verification-always-passes"),
]


@pytest.mark.parametrize(("mistake", "expected"), BAD)
def test_a_bad_runbook_of_it_is_not_verified(example: Project, mistake, expected) -> None:
    spoil.assert_not_verified(example, MODE, mistake, expected)
