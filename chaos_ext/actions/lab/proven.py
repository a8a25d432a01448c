"""Which lab an activity acts on, and that it is really that one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaoslib.exceptions import ActivityFailed

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.safety import guard


def facts(configuration: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the lab's `up` said, from ``configuration["chaos_facts"]``; the lab proves that it is that one.

    Raises ActivityFailed when there are none, or another lab answers.
    """
    found = (configuration or {}).get("chaos_facts")
    if not isinstance(found, dict) or not found.get("marker") or not found.get("dir"):
        raise ActivityFailed(
            t(
                "configuration.chaos_facts: got no lab, expected the facts of a running one. "
                "Activities of the lab run through chaos_ext.actions.fault.inject, which hands "
                "them over."
            )
        )
    try:
        guard.prove_identity({"lab": {"marker": found["marker"], "directory": found["dir"]}}, found)
    except Blocked as error:
        raise ActivityFailed(str(error)) from error
    return found
