"""Of which project an experiment is decides how it is guarded: a doubt refuses, and the ledger is that project's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import ways_for_tests as ways
from ways_for_tests import ENVIRONMENT, ROOT, Field

from chaos_ext.safety.ledger import Ledger


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder that is no project."""
    path = tmp_path / "elsewhere"
    path.mkdir()
    return path


@pytest.fixture
def other(field: Field, tmp_path: Path) -> Path:
    """Another project, whose environment of the same name can be proven too."""
    root = tmp_path / "other"
    for name in ("catalog", "environments"):
        shutil.copytree(field.root / name, root / name)
    return root


def _run(field: Field, folder: Path, path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`chaos run` of an experiment's file, in `folder`, without what our own process is told."""
    known = {k: v for k, v in os.environ.items() if k not in ("CHAOS_PROJECT", "CHAOS_STATE")}
    known["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(Path(__file__).parent / "support")])
    words = [
        sys.executable,
        "-m",
        "chaostoolkit",
        "--no-version-check",
        "--no-log-file",
        "run",
        "--no-validation",
    ]
    return subprocess.run(
        [*words, str(path)],
        cwd=folder,
        env={**known, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def _saved(field: Field, folder: Path) -> Path:
    path = folder / "own.json"
    path.write_text(json.dumps(field.experiment))
    return path


def test_a_project_that_is_none_does_not_open_the_gate(field, elsewhere, monkeypatch, caplog):
    """In the project, with an experiment that names no environment: CHAOS_PROJECT alone is wrong."""
    ways.unnamed(field)
    monkeypatch.setenv("CHAOS_PROJECT", str(elsewhere))
    journal = field.run()
    assert field.changes == []
    assert journal["status"] == "interrupted"
    assert "CHAOS_PROJECT: got" in caplog.text


def test_an_experiment_of_another_project_is_not_run_in_this_one(field, other):
    done = _run(field, other, _saved(field, field.root))
    assert field.changes == []
    assert f"got an experiment of the project {field.root}" in done.stderr
    assert "set CHAOS_PROJECT to it" in done.stderr


def test_nor_where_it_only_leads_to_another_project(field, other):
    link = other / "linked.json"
    link.symlink_to(_saved(field, field.root))
    done = _run(field, other, link)
    assert field.changes == []
    assert f"got an experiment of the project {field.root}" in done.stderr


def test_chaos_project_says_which_of_two(field, other):
    done = _run(field, other, _saved(field, field.root), CHAOS_PROJECT=str(field.root))
    assert done.returncode == 0, done.stderr
    assert field.left.exists()


def test_from_outside_it_is_recorded_where_it_belongs(field, elsewhere):
    done = _run(field, elsewhere, _saved(field, field.root))
    assert done.returncode == 0, done.stderr
    assert [event["admitted"] for event in field.noted] == [True] * 4
    assert not (elsewhere / ".chaos").exists()


def test_from_outside_what_is_unhealed_there_is_known(field, elsewhere, thing):
    book = Ledger(field.root / ".chaos" / "ledger", "dedicated", "dedicated")
    entry = book.intend(
        "break", **thing.fault(), target="x", prior={}, lease_s=60, configuration={}, identity={"lab": {}}
    )
    book.close(entry, "failed", "by hand")
    done = _run(field, elsewhere, _saved(field, field.root))
    assert field.changes == []
    assert "expected none before anything new is broken" in done.stderr


def test_an_experiment_outside_of_any_project_is_nobodys(field, elsewhere, monkeypatch):
    ways.unnamed(field)
    done = _run(field, elsewhere, _saved(field, elsewhere))
    assert done.returncode == 0, done.stderr
    assert field.left.exists()


def test_a_trial_does_not_begin_in_doubt_either(field, other):
    """Its doors prove the place themselves, but by the guidelines of where we are."""
    compiled = (ROOT / "experiments/lab/postgresql-primary-down.yaml").read_text()
    (field.root / "experiments").mkdir()
    path = field.root / "experiments" / "postgresql-primary-down.yaml"
    path.write_text(compiled)
    done = _run(field, other, path)
    assert f"got an experiment of the project {field.root}" in done.stderr
    assert not (other / ".chaos").exists()
    assert (field.root / ENVIRONMENT).exists()
