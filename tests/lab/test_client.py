"""The toolkit's side: chaos_ext.labs and `chaos lab`, against the lab's real command."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from chaos_ext import labs
from chaos_ext.cli.lab import lab as group
from chaos_ext.errors import LabError, UsageError


def test_facts_by_name_by_directory_and_by_variable(
    running_lab: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert labs.facts("shared") == labs.facts(running_lab["dir"]) == running_lab
    monkeypatch.setenv("CHAOS_LAB", "shared")
    assert labs.facts() == running_lab
    monkeypatch.setenv("CHAOS_LAB", "other")
    with pytest.raises(UsageError, match=r"^CHAOS_LAB: got 'other', expected a lab that is up"):
        labs.facts()


def test_state_and_logs(running_lab: dict[str, Any]) -> None:
    assert labs.status("shared")["healthy"] is True
    (listed,) = (lab for lab in labs.listed() if lab["name"] == "shared")
    assert (listed["state"], listed["owner_pid"], listed["left_over"]) == ("up", os.getpid(), None)
    assert "listening" in labs.log("edge", "shared", lines=0)
    with pytest.raises(UsageError, match=r"^PART: got 'egde', expected one of alerting"):
        labs.log("egde", "shared")


def test_what_cannot_be_started_says_why(tmp_path: Path, running_lab: dict[str, Any]) -> None:
    said: list[str] = []
    with pytest.raises(UsageError, match=r"a lab of this name is up"):
        labs.up(name="shared", progress=said.append)
    with pytest.raises(UsageError, match=r"^--alerts: "):
        labs.up(alerts=tmp_path / "none.json", progress=said.append)
    assert not [line for line in said if "chaos_lab: " in line], "the reason is raised, not shown as progress"
    assert labs.facts("shared") == running_lab


def test_no_lab_is_the_lab_s_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAOS_LAB_HOME", str(tmp_path / "labs"))
    with pytest.raises(LabError, match=r"no lab is up. 'chaos lab up' starts one"):
        labs.down()
    assert labs.listed() == []


def test_the_commands(running_lab: dict[str, Any]) -> None:
    run = CliRunner().invoke
    assert json.loads(run(group, ["status", "shared", "--format", "json"]).stdout)["primaries"] == ["pg-a"]
    assert "pg-a        RUNNING   usable (primary)" in run(group, ["status", "shared"]).stdout
    assert [lab["name"] for lab in json.loads(run(group, ["list", "--format", "json"]).stdout)] == ["shared"]
    assert running_lab["edge"]["url"] in run(group, ["list"]).stdout
    opened = run(group, ["open", "--format", "table", "shared"])
    assert f"{running_lab['edge']['url']}/dashboard/summary?survey=welcome" in opened.stdout
    assert run(group, ["logs", "edge", "--lab", "shared", "--lines", "1"]).stdout.count("\n") == 1
    refused = run(group, ["down", "nowhere"])
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith("LAB: got 'nowhere'")


@pytest.mark.parametrize("name", sorted(group.commands))
def test_every_command_shows_an_example(name: str) -> None:
    command = group.commands[name]
    assert isinstance(command, click.Command)
    assert "Example:" in CliRunner().invoke(group, [name, "--help"]).stdout
