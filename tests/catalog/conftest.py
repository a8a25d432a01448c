"""A small project of its own: one failure mode, one environment, actions that exist."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from chaos_ext.catalog import check

MODE = "catalog/failure-modes/redis/redis-memory-full.yaml"
SERVICES = "catalog/services.yaml"
PLACE = "environments/lab.yaml"
GUIDELINES = "catalog/guidelines.yaml"

_FILES = {
    MODE: """\
schema: 1
id: redis-memory-full
title: {en: Redis is full, ja: Redis の容量がいっぱい}
product: Redis
category: excessive-load
event: Keys without expiry pile up.
impact:
  flows: {submit: degraded}
  summary: Some submissions fail.
severity: 2
likelihood: 2
detectability: 1
detection: {alert: RedisFull}
recovery: runbook
runbook: none
objectives:
  default: {detect_within: 5s, recover_within: 1m}
reproduce:
  lab:
    - name: fill-memory
      provider:
        type: python
        module: standin_faults
        func: fill
        arguments: {node: "${target.cache}", size_mb: 16}
      in_force:
        type: probe
        name: is-full
        provider: {type: python, module: standin_faults, func: is_full, arguments: {node: "${target.cache}"}}
      undo:
        type: action
        name: empty
        provider: {type: python, module: standin_faults, func: empty, arguments: {node: "${target.cache}"}}
reverify_every: 90d
owner: sre
""",
    SERVICES: """\
schema: 1
services:
  intake: {title: Intake, owner: intake-team}
flows:
  submit:
    title: Submit
    service: intake
    slo: {success: 99%, latency: 500ms}
    deadline: 2s
    per_second: 10
    request: {method: POST, path: /responses, json: {id: "${write.id}"}}
    write: {read_back: /responses, id: id}
""",
    GUIDELINES: """\
schema: 1
rules:
  - id: lab-is-thrown-away
    decision: free
    reason: {en: Break what you like., ja: 何を壊してもよい。}
    match: {platform: lab}
""",
    PLACE: """\
schema: 1
name: lab
title: A lab
platform: lab
disposable: true
identity:
  lab: {marker: "${lab.marker}", directory: "${lab.dir}"}
base_url: ${lab.edge.url}
alerts:
  source: alertmanager
  url: ${lab.alertmanager.url}
  poll: 250ms
  runbook_base_url: https://example.org/
  rules:
    - {name: RedisFull, runbook: none, summary: Redis is full}
targets: {cache: redis-1}
windows: {baseline: 3s, stable: 3s}
limits: {targets: 1, longest_fault: 2m}
variables: {EDGE_URL: "${lab.edge.url}", REGION: "${env.REGION}"}
snapshot: [lab.files]
""",
}
_DESCRIBED = """
    dependencies:
      redis:  # the cache
        down: {en: Goes without it., ja: なしで動く。}
        slow: Waits.
        wrong: >-
          Shows
          what it says.
"""
_STANDINS = '''\
"""Activities that exist and do nothing."""


def fill(node: str, size_mb: int = 1, configuration=None, secrets=None):
    return {"node": node}


def is_full(node: str, configuration=None):
    return {"holds": True}


def empty(node: str):
    return {"outcome": "undone"}
'''


@dataclass(frozen=True)
class Project:
    """A folder with a catalogue in it."""

    root: Path

    def write(self, name: str, text: str) -> Path:
        """A file with this text."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that must stand there exactly once."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, (name, old)
        self.write(name, text.replace(old, new))


@pytest.fixture
def good_project(tmp_path, monkeypatch) -> Project:
    """A project in which nothing is wrong but that nothing has been compiled yet."""
    project = Project(tmp_path / "project")
    for name, text in _FILES.items():
        project.write(name, text)
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "standin_faults.py").write_text(_STANDINS, encoding="utf-8")
    (tmp_path / "modules" / "standin_broken.py").write_text("1 / 0\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "modules")
    monkeypatch.setenv("CHAOS_PROJECT", str(project.root))
    return project


@pytest.fixture
def described_project(good_project) -> Project:
    """The good project, compiled, with a service that says what it does without its dependency, and a comment."""
    good_project.edit(
        SERVICES,
        "  intake: {title: Intake, owner: intake-team}",
        f"  intake:\n    title: Intake\n    owner: intake-team{_DESCRIBED.rstrip()}",
    )
    good_project.edit(MODE, "severity: 2", "severity: 2  # by the last post-mortem")
    checking = check.check(good_project.root, compiled=False)
    assert checking.problems == []
    check.write(good_project.root, checking)
    return good_project
