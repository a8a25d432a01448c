"""Whether an activity may change something, as far as can be told without running it: if in doubt, yes.

The gate asks this of everything that Chaos Toolkit runs, the guidelines of everything that an experiment holds.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from chaos_ext.safety.policy.needs import DRIVERS

INJECT = ("chaos_ext.actions.fault", "inject")
# Our own activities that change something: they prove the place themselves, and keep a way back.
_DOORS = (INJECT, ("chaos_ext.actions.fault", "undo"), ("chaos_ext.actions.respond", "respond"))
_READS = ("GET", "HEAD")


def may_change(activity: Mapping[str, Any]) -> bool:
    """Whether it is neither a look nor one of our doors."""
    return function_of(activity) not in _DOORS and not only_looks(activity)


def function_of(activity: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Module and name of the function that it calls; None: it calls none, whatever keys it has besides."""
    provider = activity.get("provider")
    if not isinstance(provider, Mapping) or provider.get("type") != "python":
        return None
    return provider.get("module"), provider.get("func")


def only_looks(activity: Mapping[str, Any]) -> bool:
    """Whether it is one of our own probes, a probe among a driver's, or a request that reads."""
    provider = activity.get("provider")
    if not isinstance(provider, Mapping):
        return False
    kind, is_probe = provider.get("type"), activity.get("type") == "probe"
    if kind == "python":
        module, func = str(provider.get("module")), str(provider.get("func"))
        driver, *rest = module.split(".")
        if driver == "chaos_ext":
            return rest[:1] == ["probes"] and is_offered(module, func)
        return is_probe and driver in DRIVERS and "probes" in rest
    if kind == "http":
        return is_probe and str(provider.get("method", "GET")).upper() in _READS
    return False


def is_offered(module: str, func: str) -> bool:
    """Whether a module offers a function as an activity, and does not only use it for itself."""
    try:
        return func in importlib.import_module(module).__all__
    except (ImportError, AttributeError):
        return False
