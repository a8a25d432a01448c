"""Every public action and probe shows an example, and Chaos Toolkit accepts each."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import textwrap

import pytest
import yaml
from chaoslib.activity import ensure_activity_is_valid
from chaoslib.discovery.discover import discover_activities

import chaos_ext.actions
import chaos_ext.probes

_PACKAGES = {"action": chaos_ext.actions, "probe": chaos_ext.probes}


def _public():
    for package in _PACKAGES.values():
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            if (
                module.__name__ == "chaos_ext.probes.tolerance"
            ):  # judges what a probe said; no activity itself
                continue
            for name in getattr(module, "__all__", ()):
                yield pytest.param(module, name, id=f"{found.name.removeprefix('chaos_ext.')}.{name}")


_PUBLIC = list(_public())


def _example(func) -> dict:
    doc = inspect.getdoc(func) or ""
    _, found, rest = doc.partition("YAML::\n")
    assert found, f"{func.__module__}.{func.__name__}: no 'YAML::' in its docstring"
    lines = rest.splitlines()
    block = [line for line in lines if line.startswith("    ") or not line]
    return yaml.safe_load(textwrap.dedent("\n".join(block)))


def _nested(value):
    """Activities that are arguments of an activity."""
    if isinstance(value, dict):
        if {"type", "name", "provider"} <= set(value):
            yield value
        for inner in value.values():
            yield from _nested(inner)


@pytest.mark.parametrize(("module", "name"), _PUBLIC)
def test_example_is_accepted(module, name):
    example = _example(getattr(module, name))
    assert (example["provider"]["module"], example["provider"]["func"]) == (module.__name__, name)
    activities = list(_nested(example)) or [example]
    for activity in activities:
        ensure_activity_is_valid(activity)


@pytest.mark.parametrize(("module", "name"), _PUBLIC)
def test_is_discovered_with_its_types(module, name):
    kind = "probe" if module.__name__.startswith("chaos_ext.probes") else "action"
    (found,) = [each for each in discover_activities(module.__name__, kind) if each["name"] == name]
    assert [each["name"] for each in found["arguments"] if each.get("type", "object") == "object"] == []


@pytest.mark.parametrize(("module", "name"), _PUBLIC)
def test_every_argument_is_explained(module, name):
    func = getattr(module, name)
    doc = inspect.getdoc(func) or ""
    arguments = set(inspect.signature(func).parameters) - {"configuration", "secrets"}
    assert [argument for argument in arguments if f"`{argument}`" not in doc] == []
