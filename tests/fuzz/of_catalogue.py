"""Failure modes, services and environments: what stands around each, and all that reads it."""

from __future__ import annotations

import contextlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from fuzz.around import ROOT, environment_about, lay_out

from chaos_ext import compile as compiling
from chaos_ext import environments
from chaos_ext.catalog import check, load, surroundings
from chaos_ext.errors import Problem, UsageError
from chaos_ext.model import Environment, FailureMode, Services

# --- failure modes -------------------------------------------------------------------------------


def beside_mode(root: Path, path: str) -> None:
    stem = Path(path).stem
    lay_out(root, "catalog/services.yaml", f"catalog/runbooks/{stem}.md")
    environment_about(root, f"runbooks/{stem}.md")
    (root / path).parent.mkdir(parents=True)


def read_mode(root: Path, path: str) -> list[Problem]:
    return check.check(root, compiled=False).problems


# --- services ------------------------------------------------------------------------------------


def beside_services(root: Path, path: str) -> None:
    lay_out(root, "catalog/failure-modes/*/redis-memory-full.yaml", "catalog/runbooks/redis-memory-full.md")
    environment_about(root, "runbooks/redis-memory-full.md")


def read_services(root: Path, path: str) -> list[Problem]:
    problems = check.check(root, compiled=False).problems
    if not problems:
        from chaos_ext.meter.template import CompiledRequest

        for name, flow in load.services(root).flows.items():
            CompiledRequest(name, flow, "https://127.0.0.1:1", "run", "w").prepare(0)
    return problems


# --- environments --------------------------------------------------------------------------------


def beside_environment(root: Path, path: str) -> None:
    lay_out(root, "catalog/services.yaml", "catalog/failure-modes/**/*.yaml", "catalog/runbooks/*.md")
    (root / "environments").mkdir()


def _facts(raw: bytes) -> dict[str, Any]:
    """What a lab would say of itself, so that every placeholder of the shipped file has a value."""
    facts: dict[str, Any] = {}
    for name in re.findall(rb"\$\{lab\.([\w.]+)\}", raw):
        *groups, last = name.decode().split(".")
        inner = facts
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[last] = "/a/value"
    return facts


@cache
def _to_compile(root: Path) -> tuple[Services, list[FailureMode]]:
    modes = ("redis-memory-full", "postgresql-primary-down")
    return load.services(root), [load.mode(root, mode) for mode in modes]


def read_environment(root: Path, path: str) -> list[Problem]:
    problems: list[Problem] = []
    environment = environments.scan(Path(path).stem, root, problems)
    if environment is None or problems:
        return problems
    problems += surroundings.check_environment(environment, root)
    if problems:
        return problems
    environments.fill(environment, _facts((ROOT / path).read_bytes()), {"HOME": "/root"})
    for rule in environment.alerts.rules:
        rule.as_written()
    _json_goes_round(environment)
    services, modes = _to_compile(root)
    for mode in modes:
        with contextlib.suppress(UsageError):  # what a mode needs of a place is a problem of the mode's file
            experiment = compiling.compile(mode, environment, services, {})
            compiling.dump(experiment | {"extensions": [{"made_from": {}}]})
    return problems


def _json_goes_round(environment: Environment) -> None:
    """As a bundle keeps it."""
    Environment.model_validate(json.loads(environment.model_dump_json(by_alias=True)))
