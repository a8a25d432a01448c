"""Behaviour of Chaos Toolkit that compiled experiments rest on. When an upgrade changes one, it shows here.

Each test runs the real `chaos` on an experiment of its own, or asks chaoslib itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import chaoslib.activity
import pytest
import yaml
from chaoslib import substitute
from chaoslib.activity import ensure_activity_is_valid
from chaoslib.configuration import load_configuration
from chaoslib.exceptions import InvalidActivity, InvalidExperiment

_ACTIVITIES = """\
from pathlib import Path

def note(text, configuration=None):
    with Path("notes").open("a") as notes:
        notes.write(text + "\\n")
    return text

def arm(configuration=None):
    return configuration["arm"]

def fails():
    raise ValueError("no")

def ok(value=None):
    return True

def not_ok(value=None):
    return False
"""
_CONTROL = """\
from facts_activities import note

def configure_control(control=None, experiment=None, configuration=None, secrets=None, settings=None):
    note("configured")

def before_experiment_control(context=None, **kwargs):
    note("before experiment")

def before_activity_control(context=None, **kwargs):
    note("before " + context["name"])

def after_experiment_control(context=None, **kwargs):
    note("after experiment")
"""


def _outside_any_project(folder: Path) -> dict[str, str]:
    """Variables of a process that finds no project: there the gate lets everything pass."""
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return {**{k: v for k, v in os.environ.items() if k != "CHAOS_PROJECT"}, "PYTHONPATH": path}


def _python(func: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "python", "module": "facts_activities", "func": func, "arguments": arguments}


def _hypothesis(tolerance: Any) -> dict[str, Any]:
    probe = {"type": "probe", "name": "steady", "provider": _python("arm"), "tolerance": tolerance}
    return {"title": "steady", "probes": [probe]}


def _tolerance(func: str) -> dict[str, Any]:
    return {"type": "probe", "name": func, "provider": _python(func)}


def _note(name: str, text: str) -> dict[str, Any]:
    return {"type": "action", "name": name, "provider": _python("note", text=text)}


@pytest.fixture
def chaos_run(tmp_path):
    """Run an experiment with the real command; returns (exit code, journal or None, notes that it left)."""
    (tmp_path / "facts_activities.py").write_text(_ACTIVITIES, encoding="utf-8")
    (tmp_path / "facts_control.py").write_text(_CONTROL, encoding="utf-8")

    def run(**parts: Any) -> tuple[int, dict[str, Any] | None, list[str]]:
        experiment = {
            "title": "facts",
            "description": "facts",
            "configuration": {"arm": {"type": "env", "key": "FACTS_ARM", "default": "treatment"}},
            "runtime": {"rollbacks": {"strategy": "always"}},
            "method": [],
            **parts,
        }
        (tmp_path / "x.yaml").write_text(yaml.safe_dump(experiment), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file", "run", "x.yaml"],
            cwd=tmp_path,
            env=_outside_any_project(tmp_path),
            capture_output=True,
            check=False,
            timeout=60,
        )
        journal, notes = tmp_path / "journal.json", tmp_path / "notes"
        return (
            done.returncode,
            json.loads(journal.read_text()) if journal.exists() else None,
            notes.read_text().splitlines() if notes.exists() else [],
        )

    return run


def test_a_variable_of_the_process_or_else_its_default_is_the_configuration(monkeypatch):
    written = {"arm": {"type": "env", "key": "FACTS_ARM", "default": "treatment"}}
    empty = {"arm": {"type": "env", "key": "FACTS_ARM", "default": ""}}
    monkeypatch.delenv("FACTS_ARM", raising=False)
    assert load_configuration(written) == {"arm": "treatment"}
    assert load_configuration(empty) == {"arm": ""}
    monkeypatch.setenv("FACTS_ARM", "no-action")
    assert load_configuration(written) == load_configuration(empty) == {"arm": "no-action"}
    monkeypatch.delenv("FACTS_ARM")
    with pytest.raises(InvalidExperiment):
        load_configuration({"arm": {"type": "env", "key": "FACTS_ARM"}})


def test_a_tolerance_probe_with_arguments_judges(chaos_run):
    code, journal, _ = chaos_run(**{"steady-state-hypothesis": _hypothesis(_tolerance("ok"))})
    assert (code, journal["steady_states"]["before"]["steady_state_met"]) == (0, True)


def test_an_unmet_baseline_skips_the_method_and_always_means_rollbacks(chaos_run):
    _, journal, notes = chaos_run(
        **{"steady-state-hypothesis": _hypothesis(_tolerance("not_ok"))},
        method=[_note("act", "acted")],
        rollbacks=[_note("back", "rolled back")],
    )
    assert journal["steady_states"]["before"]["steady_state_met"] is False
    assert notes == ["rolled back"]


def test_a_tolerance_without_arguments_costs_the_journal_and_the_rollbacks(chaos_run):
    tolerance = _tolerance("ok")
    del tolerance["provider"]["arguments"]
    code, journal, notes = chaos_run(
        **{"steady-state-hypothesis": _hypothesis(tolerance)}, rollbacks=[_note("back", "rolled back")]
    )
    assert (code, journal, notes) == (1, None, [])


def test_a_control_at_the_top_sees_the_experiment_and_every_activity(chaos_run):
    control = {"name": "facts", "provider": {"type": "python", "module": "facts_control"}}
    _, journal, notes = chaos_run(
        controls=[control], method=[_note("act", "acted")], rollbacks=[_note("back", "rolled back")]
    )
    assert journal["status"] == "completed"
    assert notes == [
        "configured",
        "before experiment",
        "before act",
        "acted",
        "before back",
        "rolled back",
        "after experiment",
    ]


def test_a_failing_action_does_not_stop_the_method(chaos_run):
    fails = {"type": "action", "name": "fails", "provider": _python("fails")}
    code, journal, notes = chaos_run(method=[fails, _note("next", "went on")])
    assert (code, journal["status"], journal["deviated"]) == (0, "completed", False)
    assert [run["status"] for run in journal["run"]] == ["failed", "succeeded"]
    assert notes == ["went on"]


@pytest.mark.parametrize(
    ("text", "arrives"),
    [
        ("a $5 b", "a $5 b"),
        ("$HOME", "$HOME"),
        ("a$$b", "a$b"),
        ("$$", "$"),
        ("x $arm", "x treatment"),
        ("${no}", "${no}"),
    ],
)
def test_what_substitution_does_to_arguments_at_any_depth(text, arrives):
    configuration = {"arm": "treatment"}
    assert substitute({"a": [{"b": text}]}, configuration, {}) == {"a": [{"b": arrives}]}


def test_arguments_are_bound_to_the_function_but_unknown_keys_pass(tmp_path, monkeypatch):
    (tmp_path / "facts_bound.py").write_text(_ACTIVITIES, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    activity = _note("x", "y")
    activity["provider"]["module"] = "facts_bound"
    ensure_activity_is_valid({**activity, "unknown": 1})
    activity["provider"]["arguments"] = {"txt": "y"}
    with pytest.raises(InvalidActivity):
        ensure_activity_is_valid(activity)


@pytest.mark.parametrize("kind", ["python", "process", "http"])
def test_every_activity_passes_by_a_name_in_one_module(kind, monkeypatch):
    """The gate replaces these three names. Methods, rollbacks, hypotheses, tolerances and dynamic configuration all
    run an activity by `run_activity`, wherever that was imported, and that looks them up when it runs."""
    from chaoslib.configuration import load_dynamic_configuration
    from chaoslib.hypothesis import run_activity, within_tolerance

    asked = []

    def provider(activity, configuration, secrets):
        asked.append(activity["name"])
        return {"status": 0, "stdout": "", "body": ""}

    monkeypatch.setattr(chaoslib.activity, f"run_{kind}_activity", provider)
    activity = {"type": "probe", "name": kind, "provider": {"type": kind, "arguments": {}}}
    run_activity(activity, {}, {})
    within_tolerance(activity, 1, configuration={}, secrets={})
    load_dynamic_configuration({"x": activity}, {})
    assert asked == [kind] * 3


def test_what_interrupts_right_before_a_provider_stops_the_run_and_not_its_rollbacks(monkeypatch):
    """What the gate raises. From inside a provider the same is only an activity that failed."""
    from chaoslib.exceptions import InterruptExecution
    from chaoslib.experiment import run_experiment

    asked = []

    def provider(activity, configuration, secrets):
        asked.append(activity["name"])
        if activity["name"] != "back":
            raise InterruptExecution("no")

    monkeypatch.setattr(chaoslib.activity, "run_process_activity", provider)

    def activity(name):
        return {"type": "action", "name": name, "provider": {"type": "process", "path": "true"}}

    written = {
        "title": "t",
        "description": "d",
        "method": [activity("a"), activity("b")],
        "rollbacks": [activity("back")],
    }
    journal = run_experiment(written, settings={"runtime": {"rollbacks": {"strategy": "always"}}})
    assert (asked, journal["status"]) == (["a", "back"], "interrupted")


def test_a_runner_tells_a_handler_when_rollbacks_begin_and_what_it_was_given():
    """From these the gate knows the experiment, and that it undoes."""
    from chaoslib.run import RunEventHandler, Runner
    from chaoslib.types import Strategy

    told = []

    class Handler(RunEventHandler):
        def start_rollbacks(self, experiment):
            told.append(experiment["title"])

    runner = Runner(Strategy.DEFAULT)
    runner.register_event_handler(Handler())
    settings = {"runtime": {"rollbacks": {"strategy": "always"}}}
    runner.run({"title": "t", "description": "d", "method": [], "rollbacks": []}, settings)
    assert told == ["t"]
