"""A project with a dedicated environment, an experiment of a team's own, and people with real SSH keys."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from chaos_ext import environments
from chaos_ext.model import Environment
from chaos_ext.safety.policy import approving, asked
from chaos_ext.safety.policy.approving import Request
from chaos_ext.safety.policy.signatures import NAMESPACE, SIGNERS

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # a Tuesday, noon in Tokyo
OWN = "experiments/dedicated/two-databases.yaml"

DEDICATED = """\
schema: 1
name: dedicated
title: {en: Dedicated, ja: 専用環境}
platform: aws
disposable: false
identity:
  aws: {account: "123456789012", role: chaos, profile: dedicated}
base_url: https://app.dedicated.example.com
alerts:
  source: alertmanager
  url: https://alerts.dedicated.example.com
  poll: 1s
  runbook_base_url: https://example.com/catalog/
  rules: []
targets: {database: orders, other-database: users}
windows: {baseline: 30s, stable: 30s}
limits: {targets: 2, longest_fault: 30m}
"""
EXPERIMENT = """\
# What the data team tries every quarter.
version: 1.0.0
title: Two databases fail over
description: Both at once.
configuration: {chaos_environment: dedicated}
method:
  - type: action
    name: fail-over
    provider:
      type: python
      module: chaosaws.rds.actions
      func: failover_db_cluster
      arguments: {db_cluster_identifier: [orders, users]}
rollbacks: []
"""


def experiment(module, func, undo=None, **arguments):
    def activity(func):
        provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
        return {"type": "action", "name": func, "provider": provider}

    made = {"version": "1.0.0", "title": "t", "description": "d", "method": [activity(func)]}
    return yaml.safe_dump({**made, "rollbacks": [activity(undo)] if undo else []})


def through_the_door(command: str) -> str:
    """An experiment with a guarded fault that runs a command."""
    run = {"type": "process", "path": "sh", "arguments": ["-c", command]}
    look = {"type": "http", "url": "https://app.dedicated.example.com/health"}
    given = {
        "name": "x",
        "activity": {"type": "action", "name": "x", "provider": run},
        "in_force": {"type": "probe", "name": "x-shows", "provider": look},
        "undo": {"type": "action", "name": "no-x", "provider": run},
    }
    door = {"type": "python", "module": "chaos_ext.actions.fault", "func": "inject", "arguments": given}
    experiment = yaml.safe_load(EXPERIMENT)
    experiment["method"] = [{"type": "action", "name": "inject-x", "provider": door}]
    experiment["configuration"]["host"] = "one-host"
    return yaml.safe_dump(experiment, sort_keys=False)


@dataclass
class Project:
    """A project that a test may spoil."""

    root: Path

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert text.count(old) == 1, (path, old)
        (self.root / path).write_text(text.replace(old, new), encoding="utf-8")

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def request(self, exp: str = OWN, environment: str | None = None) -> Request:
        return asked.find(self.root, str(self.root / exp) if "/" in exp else exp, environment)

    def place(self, name: str = "dedicated") -> Environment:
        return environments.load(name, self.root)

    def approve(self, key: Path, expires_s: float = 86400.0, **more: object) -> Path:
        path, _ = approving.approve(self.root, self.request(), key, NOW, expires_s, **more)  # type: ignore[arg-type]
        return path

    def allow(self, *lines: str) -> None:
        self.write(SIGNERS, "# who may approve\n" + "".join(f"{line}\n" for line in lines))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in ("catalog", "environments", "experiments"):
        shutil.copytree(ROOT / name, tmp_path / name)
    made = Project(tmp_path)
    (tmp_path / "environments" / "dedicated.yaml").unlink(missing_ok=True)
    (tmp_path / SIGNERS).unlink(missing_ok=True)
    made.write("environments/dedicated.yaml", DEDICATED)
    made.write(OWN, EXPERIMENT)
    monkeypatch.setenv("CHAOS_PROJECT", str(tmp_path))
    return made


Key = Callable[[str], Path]


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    """A real key of a person, made by ssh-keygen."""
    folder = tmp_path_factory.mktemp("keys")

    def made(person: str) -> Path:
        path = folder / person
        if not path.exists():
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", str(path)], check=True
            )
        return path

    return made


@pytest.fixture
def line(key: Key) -> Callable[..., str]:
    """A line of the signers' file for a person."""

    def of(person: str, options: str = f'namespaces="{NAMESPACE}"') -> str:
        kind, words, *_ = key(person).with_name(f"{person}.pub").read_text().split()
        return f"{person}@example.com {options} {kind} {words}".replace("  ", " ")

    return of


@pytest.fixture
def mika(project: Project, key: Key, line: Callable[..., str]) -> Path:
    """The key of Mika, who may approve."""
    project.allow(line("mika"))
    return key("mika")


def data(path: Path) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found
