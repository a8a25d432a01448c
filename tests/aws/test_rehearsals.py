"""Modes on AWS run the whole loop on the emulator, and the real aws CLI runs their runbooks: rehearsed, never more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aws.conftest import ROOT

pytestmark = pytest.mark.slow
RUNBOOK = "catalog/runbooks/object-storage-denied.md"


def verify(project: Path, mode: str) -> tuple[int, dict, str]:
    """Exit code, what was sealed, what was printed."""
    command = [sys.executable, "-m", "chaos_ext", "--no-version-check", "--no-log-file"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*command, "catalog", "compile"], cwd=project, env=environ, check=True, capture_output=True
    )
    done = subprocess.run([*command, "verify", mode, "--env", "rehearsal-aws"], cwd=project, env=environ,
                          capture_output=True, text=True, check=False)  # fmt: skip
    (bundle,) = (Path(os.environ["CHAOS_STATE"]) / "runs").iterdir()
    return done.returncode, json.loads((bundle / "verdict.json").read_text()), done.stdout + done.stderr


@pytest.mark.parametrize("mode", ["object-storage-denied", "ecs-tasks-killed"])
def test_a_mode_is_rehearsed(project, mode):
    code, verdict, told = verify(project, mode)
    assert (code, verdict["word"], verdict["reasons"], verdict["flags"]) == (0, "rehearsed", [], []), told
    assert "verdict: rehearsed" in told
    assert "verified" not in told


def spoil(project: Path, *changes: tuple[str, str]) -> None:
    path = project / RUNBOOK
    text = path.read_text(encoding="utf-8").replace('"within":"2m"', '"within":"10s"')
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


_TEXT = (ROOT / RUNBOOK).read_text(encoding="utf-8")
_AT = _TEXT.index('"name":"put-and-get-aws"')
VERIFICATION = _TEXT[_TEXT.index("\n", _AT) + 1 : _TEXT.index("```", _AT)]
BLIND = (
    'aws s3api get-bucket-policy --bucket "$EXPORTS_BUCKET" --query Policy --output text\n'  # there is one
)
PUT = 'aws s3api put-bucket-policy --bucket "$EXPORTS_BUCKET" --policy "file://${POLICY_FILE}"'


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param([(PUT, "aws --version")], "step-failed", id="step-missing"),
        pytest.param([(PUT, PUT.replace("$EXPORTS_BUCKET", "dedicated-uploads"))], "step-failed", id="wrong-target"),
        pytest.param([(VERIFICATION, BLIND)], "verification-blind", id="verification-blind"),
    ],
)  # fmt: skip
def test_a_bad_runbook_is_refuted(project, changes, reason):
    spoil(project, *changes)
    code, verdict, told = verify(project, "object-storage-denied")
    assert (code, verdict["word"]) == (1, "refuted"), told
    assert reason in {each["word"] for each in verdict["reasons"]}, told
