"""Plain `chaos run`, experiments of a team's own and edited faults meet the guidelines as `chaos verify` does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from chaos_ext.actions import fault
from chaos_ext.errors import Blocked
from chaos_ext.record import read_events
from chaos_ext.safety.policy import approving, asked
from chaos_ext.safety.policy.signatures import NAMESPACE, SIGNERS

ROOT = Path(__file__).resolve().parents[2]
FREE = "  - {id: lab-is-thrown-away, decision: free, reason: {en: Break it., ja: 壊してよい。}, match: {platform: lab, provider: python}}\n"  # noqa: E501
FORBIDDEN = "  - {id: nobody-breaks-files, decision: forbidden, reason: {en: Files are dear., ja: 大切。}, match: {activity: '*.break_*'}}\n"  # noqa: E501
REVIEW = FORBIDDEN.replace("forbidden", "review")


class Project:
    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("catalog", "environments", "experiments"):
            shutil.copytree(ROOT / name, root / name)

    def rules(self, *rules: str) -> None:
        (self.root / "catalog" / "guidelines.yaml").write_text("schema: 1\nrules:\n" + "".join(rules))

    def own(self, text: str) -> Path:
        path = self.root / "experiments" / "own.yaml"
        path.write_text(text)
        return path

    def approve(self, path: Path) -> None:
        key = self.root / "mika"
        if not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        kind, words, *_ = key.with_suffix(".pub").read_text().split()
        line = f'mika@example.com namespaces="{NAMESPACE}" {kind} {words}\n'
        (self.root / SIGNERS).write_text(line)
        request = asked.find(self.root, str(path), "lab")
        approving.approve(self.root, request, key, datetime.now(UTC), 3600.0)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    made = Project(tmp_path / "project")
    monkeypatch.setenv("CHAOS_PROJECT", str(made.root))
    return made


@pytest.fixture
def own_rules(project) -> None:
    """Each test here says which rules it has."""


@pytest.fixture
def chaos_run(lab, project, tmp_path):
    """`chaos run` of a file; what it printed."""

    def run(path: Path) -> str:
        environ = {**os.environ, "CHAOS_STATE": str(tmp_path / "state"), "CHAOS_LANG": "en"}
        command = [
            Path(sys.executable).with_name("chaos"),
            "--no-version-check",
            "--no-log-file",
            "run",
            str(path),
        ]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    return run


def touching(lab, target: Path, comment: str = "") -> str:
    """An experiment of a team's own: a program that touches a file."""
    provider = {"type": "process", "path": "touch", "arguments": str(target)}
    action = {"type": "action", "name": "touch-it", "provider": provider}
    configuration = {"chaos_environment": "lab", "chaos_lab": lab["dir"]}
    head = {"version": "1.0.0", "title": "t", "description": "d", "configuration": configuration}
    return comment + yaml.safe_dump({**head, "method": [action], "rollbacks": []})


def test_a_team_s_own_experiment_needs_its_review(lab, project, chaos_run, tmp_path):
    project.rules(FREE)
    target = tmp_path / "touched"
    path = project.own(touching(lab, target))
    said = chaos_run(path)
    assert not target.exists()
    assert "touch-it: needs an SRE's review in lab: no rule is about it" in said
    assert "Have an SRE run: chaos policy approve own --env lab --key" in said

    project.approve(path)
    assert chaos_run(path)
    assert target.exists()
    lines = (tmp_path / "state" / "gate.jsonl").read_text().splitlines()
    kept = [json.loads(line) for line in lines if json.loads(line)["admitted"]][-1]["approved"]
    assert (kept["issuer"], kept["file"], kept["rules"]) == (
        "mika@example.com",
        "approvals/lab/own.yaml",
        [""],
    )

    target.unlink()
    path.write_text(path.read_text().replace("description: d", "description: e"))
    said = chaos_run(path)
    assert not target.exists()
    assert "approvals/lab/own.yaml:" in said
    assert "expected the experiment as it was approved" in said


def test_what_is_forbidden_is_not_run_although_approved(lab, project, chaos_run, tmp_path):
    project.rules(FREE)
    target = tmp_path / "touched"
    path = project.own(touching(lab, target))
    project.approve(path)
    project.rules(
        "  - {id: no-programs, decision: forbidden, reason: {en: No., ja: 不可。}, match: {provider: process}}\n"
    )
    said = chaos_run(path)
    assert not target.exists()
    assert "got what 'no-programs' forbids in lab" in said


# --- the door ---


def test_a_fault_that_is_free_goes_in(project, trial, break_it, thing):
    project.rules(FREE)
    fault.through(trial, break_it())
    assert not thing.exists()
    fault.back_through(trial, "break-file", {})


@pytest.mark.parametrize(("rule", "told"), [
    (FORBIDDEN, "got what 'nobody-breaks-files' forbids in lab, expected anything else: Files are dear."),
    (REVIEW, "break-file: needs an SRE's review in lab: Files are dear. Nothing was injected."),
    ("", "break-file: needs an SRE's review in lab: no rule is about it"),
])  # fmt: skip
def test_a_fault_that_is_not_free_does_not(project, trial, break_it, thing, rule, told):
    project.rules(rule, FREE if rule else FREE.replace("platform: lab", "platform: gcp"))
    with pytest.raises(Blocked, match=told):
        fault.through(trial, break_it())
    assert thing.read_text() == "whole"
    assert trial.ledger.entries() == []


HIDDEN = {
    "undo": {"undo_by": "mend_nothing"}, "in_force": {"in_force": "looks_away"},
}  # fmt: skip


@pytest.mark.parametrize(("part", "decision", "told"), [
    ("undo", "forbidden", "break-file, its undo: got what 'not-this-one' forbids in lab, expected anything else: No."),
    ("undo", "review", "break-file, its undo: needs an SRE's review in lab: No. Nothing was injected."),
    ("in_force", "forbidden", "break-file, its evidence: got what 'not-this-one' forbids in lab"),
    ("in_force", "review", "break-file, its evidence: needs an SRE's review in lab: No."),
])  # fmt: skip
def test_a_fault_whose_undo_or_evidence_is_not_free_does_not(
    project, trial, break_it, thing, part, decision, told
):
    (function,) = HIDDEN[part].values()
    rule = (
        f"  - {{id: not-this-one, decision: {decision}, reason: {{en: No., ja: 不可。}}, "
        f"match: {{activity: safety_breakable.{function}}}}}\n"
    )
    project.rules(rule, FREE)
    with pytest.raises(Blocked, match=told):
        fault.through(trial, break_it(**HIDDEN[part]))
    assert thing.read_text() == "whole"
    assert trial.ledger.entries() == []


def test_a_fault_whose_digest_is_approved_goes_in_and_an_edited_one_does_not(
    project, trial, break_it, thing, lab, tmp_path
):
    project.rules(REVIEW, FREE)
    wanted = break_it()
    arguments = {
        "name": wanted.name, "activity": wanted.activity, "in_force": wanted.in_force, "undo": wanted.undo,
    }  # fmt: skip
    provider = {
        "type": "python", "module": "chaos_ext.actions.fault", "func": "inject", "arguments": arguments,
    }  # fmt: skip
    experiment = {
        "version": "1.0.0", "title": "t", "description": "d", "method": [
            {"type": "action", "name": "inject-it", "provider": provider}
        ], "rollbacks": [],
    }  # fmt: skip
    project.approve(project.own(yaml.safe_dump(experiment)))
    edited = break_it(name="break-file")
    edited.activity["name"] = "something-else"
    with pytest.raises(Blocked, match="expected the experiment as it was approved"):
        fault.through(trial, edited)
    assert thing.read_text() == "whole"
    fault.through(trial, break_it())
    assert not thing.exists()
    (kept,) = (each for each in read_events(tmp_path / "events.jsonl") if each["kind"] == "fault-approved")
    assert (kept["name"], kept["issuer"], kept["rules"]) == (
        "break-file", "mika@example.com", ["nobody-breaks-files"],
    )  # fmt: skip
    fault.back_through(trial, "break-file", {})


def test_activities_of_other_providers(trial, break_it, thing, project):
    project.rules(FREE.replace(", provider: python", ""))
    activity = {
        "type": "action",
        "name": "move-it",
        "provider": {"type": "process", "path": "mv", "arguments": [str(thing), f"{thing}.lost"]},
    }
    fault.through(trial, break_it(activity=activity))
    assert not thing.exists()
    assert fault.back_through(trial, "break-file", {})["outcome"] == "undone"
