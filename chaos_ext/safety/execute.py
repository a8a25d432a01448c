"""Running one activity the way Chaos Toolkit does, substitution and providers included."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chaos_ext.language import t
from chaos_ext.safety import gate
from chaos_ext.safety.changing import function_of
from chaos_ext.safety.identity import pins
from chaos_ext.safety.identity.proof import Identity

if TYPE_CHECKING:
    from chaos_ext.model import Activity


def run(
    activity: Activity,
    configuration: dict[str, Any],
    secrets: dict[str, Any] | None = None,
    identity: Identity | None = None,
    starts: Callable[[], object] | None = None,
) -> Any:
    """What `activity` returns. Raises chaoslib's ActivityFailed (or whatever interrupts the run).

    Whoever calls this has proven the place: the gate lets it pass. It finds the credentials of `identity` and no other.
    `starts` is called right before the activity, when all else is done, and may raise to stop it.
    """
    from chaoslib.activity import run_activity  # slow to import; lists and --help do without

    module, _ = function_of(activity) or ("", "")
    is_ours = str(module).startswith("chaos_ext.")
    with gate.proven_by_us(), pins.around(identity or {}, is_ours):
        if starts is not None:
            starts()
        return json_safe(run_activity(activity, configuration, secrets or {}))


def evidence(
    probe: Activity,
    configuration: dict[str, Any],
    secrets: dict[str, Any] | None = None,
    identity: Identity | None = None,
) -> dict[str, Any]:
    """What an `in_force` probe saw; its `holds` says whether the fault is in force.

    Raises ValueError when the probe returns neither a boolean nor an object with a boolean `holds`.
    """
    seen = run(probe, configuration, secrets, identity)
    if isinstance(seen, bool):
        return {"holds": seen}
    if isinstance(seen, dict) and isinstance(seen.get("holds"), bool):
        return seen
    raise ValueError(
        t(
            "{probe}: got {seen!r}, expected an object with a boolean 'holds'",
            probe=describe(probe),
            seen=seen,
        )
    )


def preload(activity: Activity) -> None:
    """Import what `activity` needs, so that running it later costs no time and cannot fail for that.

    Raises ImportError or AttributeError.
    """
    import chaoslib.activity  # noqa: F401

    provider = activity["provider"]
    if provider["type"] == "python":
        getattr(importlib.import_module(provider["module"]), provider["func"])


def describe(activity: Activity) -> str:
    """A short name for messages."""
    provider = activity.get("provider", {})
    return str(activity.get("name") or provider.get("func") or provider.get("path") or "activity")


def json_safe(value: Any) -> Any:
    """`value` as JSON can hold it; what JSON does not know becomes its `str`."""
    return json.loads(json.dumps(value, ensure_ascii=False, default=str))
