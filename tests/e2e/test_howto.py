"""The how-to page, pasted literally, ends in a proven runbook."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone  # a verdict from what was measured
PAGE = Path(__file__).resolve().parents[2] / "docs" / "bring-your-own-failure-mode.md"


def _blocks(language: str) -> list[str]:
    """Fences of the page itself; one with tildes may hold fences of backquotes."""
    found = re.findall(r"^(~~~|```)(\w+)\n(.*?)^\1$", PAGE.read_text(), re.M | re.S)
    return [text for _, name, text in found if name == language]


def test_bring_your_own_failure_mode(project):
    (rule,) = _blocks("yaml")
    project.edit("environments/lab.yaml", ("  rules:\n", f"  rules:\n{rule}"))
    *writing, prove = _blocks("sh")
    for block in writing:
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block], cwd=project.root, env=project.env, check=True
        )
    assert prove.split("\n")[:2] == ["make compile", "make chaos EXP=postgresql-replica-down"]

    compiled = project.chaos("catalog", "compile")
    assert compiled.code == 0, compiled.err
    assert project.chaos("catalog", "check").code == 0
    done = project.chaos("verify", "postgresql-replica-down")

    assert done.code == 0, done.out + done.err
    assert project.verdict()["word"] == "verified"
