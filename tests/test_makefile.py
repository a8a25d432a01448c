"""What `make chaos` passes on, without any set-up: a stand-in prints its arguments."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALWAYS = ["verify", "--env", "lab", "--arms", "smoke"]


def _made(*variables: str) -> list[str]:
    done = subprocess.run(
        ["make", "-s", "-o", "setup", "chaos", "CHAOS=printf '%s\\n'", *variables],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        (["EXP=a"], ["--", "a"]),
        (["EXP=a,b c"], ["--", "a,b c"]),
        (["EXP=M*"], ["--", "M*"]),  # the shell would make Makefile of it
        (["EXP=it's"], ["--", "it's"]),
        (["EXP=--dry-run"], ["--", "--dry-run"]),
        (["EXP=all", "JOBS=2", "RESUME=1"], ["--jobs", "2", "--resume", "--", "all"]),
        (["EXP=all", "FAIL_FAST=1", "JUNIT=a b.xml"], ["--fail-fast", "--junit", "a b.xml", "--", "all"]),
        (["EXP=a", "DRY=1", "SEED=7"], ["--dry-run", "--seed", "7", "--", "a"]),
    ],
    ids=["one", "several", "pattern", "quote", "no option", "jobs", "junit", "seed"],
)
def test_variables_become_options(variables: list[str], arguments: list[str]) -> None:
    assert _made(*variables) == [*ALWAYS, *arguments]


def test_help_names_every_variable() -> None:
    told = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(
        f"{name}=" in told for name in ("EXP", "JOBS", "RESUME", "FAIL_FAST", "JUNIT", "ENV", "ARMS", "SEED")
    )
