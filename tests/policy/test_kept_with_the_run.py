"""The approval that a run rested on stays with the run, and can be checked by whoever has the signers' keys."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from chaos_ext.history import manifest
from chaos_ext.report.junit import junit_xml
from chaos_ext.report.several import Result
from chaos_ext.safety.policy import approving
from chaos_ext.safety.policy.signatures import NAMESPACE, SIGNERS

MODE = "object-storage-denied"
APPROVAL = f"approvals/lab/{MODE}.yaml"
RULE = """\
schema: 1
rules:
  - id: storage-is-shared
    decision: review
    reason: {en: Others use it., ja: 共用である。}
    match: {activity: "chaos_ext.actions.lab.storage.*"}
"""


def verify(project, no_lab: Path) -> subprocess.CompletedProcess[str]:
    """A run as far as it comes where no lab can start: everything that is known before it begins is kept."""
    no_lab.write_text("no folder")
    environ = {
        **os.environ, "CHAOS_STATE": str(project.root / ".chaos"), "CHAOS_LAB_HOME": str(no_lab), "CHAOS_LANG": "en",
    }  # fmt: skip
    command = [sys.executable, "-m", "chaos_ext", "--no-version-check", "--no-log-file", "verify", MODE]
    return subprocess.run(
        command, cwd=project.root, env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def bundle_of(project) -> Path:
    (bundle,) = (project.root / ".chaos" / "runs").iterdir()
    return bundle


@pytest.fixture
def approved(project, mika):
    project.write("catalog/guidelines.yaml", RULE)
    approving.approve(
        project.root, project.request(MODE, "lab"), mika, datetime.now(UTC), 3600.0, reason="seen with Ken"
    )
    return project


def test_the_approval_is_kept_and_told(approved, tmp_path):
    done = verify(approved, tmp_path / "no-lab")
    bundle, kept = bundle_of(approved), yaml.safe_load((approved.root / APPROVAL).read_text())
    assert json.loads((bundle / "run.json").read_text())["approved"] == {
        "file": APPROVAL, "issuer": "mika@example.com", "issued": kept["issued"], "expires": kept["expires"],
        "reason": "seen with Ken", "rules": ["storage-is-shared"],
    }  # fmt: skip
    told = f"approved by mika@example.com until {kept['expires']} (asked for by: storage-is-shared)"
    assert told in done.stdout
    shown = subprocess.run(
        [sys.executable, "-m", "chaos_ext", "history", "show", str(bundle), "--lang", "ja"],
        cwd=approved.root, env={**os.environ, "CHAOS_STATE": str(approved.root / ".chaos")},
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert (
        f"mika@example.comが承認、{kept['expires']}まで有効（承認を求める規則: storage-is-shared）" in shown
    )
    junit = ElementTree.fromstring(junit_xml([Result(MODE, 4, bundle=bundle, note="no lab")]))
    assert told in str(junit.findtext("testcase/system-out"))


def test_the_signature_can_be_checked_later_against_what_was_run(approved, tmp_path):
    verify(approved, tmp_path / "no-lab")
    bundle = bundle_of(approved)
    for kept, original in (("approval.yaml", APPROVAL), ("approval.yaml.sig", f"{APPROVAL}.sig")):
        assert (bundle / kept).read_bytes() == (approved.root / original).read_bytes()
    done = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-n", NAMESPACE, "-f", str(approved.root / SIGNERS),
         "-I", "mika@example.com", "-s", str(bundle / "approval.yaml.sig")],
        input=(bundle / "approval.yaml").read_bytes(), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = yaml.safe_load((bundle / "approval.yaml").read_text())
    assert (
        said["experiment"]["sha256"] == hashlib.sha256((bundle / "experiment.yaml").read_bytes()).hexdigest()
    )


@pytest.mark.parametrize("file", ["approval.yaml", "approval.yaml.sig"])
def test_a_changed_byte_of_what_was_kept_is_noticed(approved, tmp_path, file):
    verify(approved, tmp_path / "no-lab")
    bundle = bundle_of(approved)
    assert manifest.check(bundle) == []
    with (bundle / file).open("ab") as kept:
        kept.write(b"\n")
    assert [each.file for each in manifest.check(bundle)] == [file]


def test_a_run_that_needed_none_keeps_none(project, tmp_path):
    verify(project, tmp_path / "no-lab")
    bundle = bundle_of(project)
    assert json.loads((bundle / "run.json").read_text())["approved"] is None
    assert not list(bundle.glob("approval*"))
