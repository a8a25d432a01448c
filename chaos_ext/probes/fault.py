"""Whether the faults of this trial are really in force."""

from typing import Any

from chaoslib.exceptions import InterruptExecution
from chaoslib.types import Configuration, Secrets

from chaos_ext.actions.door import LOOK_LIMIT_S, Door
from chaos_ext.safety import execute
from chaos_ext.safety.bounded import Bounded
from chaos_ext.safety.ledger import Entry
from chaos_ext.trial import current

__all__ = ["in_force"]


def in_force(when: str, configuration: Configuration = None, secrets: Secrets = None) -> dict[str, Any]:
    """Look, with each injected fault's own evidence, whether it is in force now. Changes nothing.

    - `when`: why one looks: "after-injection", "before-mitigation"

    Returns ``{"holds": bool, "evidence": [{"name", "holds", …}]}``; holds only when at least one fault was
    injected and every one is in force. Evidence that cannot be had is no evidence.

    YAML::

        type: probe
        name: fault-in-force
        provider:
          type: python
          module: chaos_ext.probes.fault
          func: in_force
          arguments: {when: after-injection}
    """
    return seen_in_force(current(configuration), when, dict(secrets or {}))


def seen_in_force(door: Door, when: str, secrets: dict[str, Any]) -> dict[str, Any]:
    """What `in_force` does, for any trial."""
    evidence = look(door, secrets)
    holds = bool(evidence) and all(seen["holds"] for seen in evidence)
    door.recorder.emit("fault-in-force", when=when, holds=holds, evidence=evidence)
    return {"holds": holds, "evidence": evidence}


def look(door: Door, secrets: dict[str, Any]) -> list[dict[str, Any]]:
    """What the evidence of each fault of this process says now; nothing is recorded."""
    latest = {entry.name: entry for entry in door.ledger.entries() if entry.is_of_this_process()}
    return [_look(door, entry, secrets) for entry in latest.values()]


def is_gone(evidence: list[dict[str, Any]]) -> bool:
    """Whether every look worked and found no fault in force any more."""
    return bool(evidence) and not any(seen["holds"] or "error" in seen for seen in evidence)


def _look(door: Door, entry: Entry, secrets: dict[str, Any]) -> dict[str, Any]:
    looking = Bounded(
        f"look at {entry.name}",
        lambda: execute.evidence(entry.in_force, entry.configuration, secrets, entry.identity),
    )
    try:
        seen = looking.wait(LOOK_LIMIT_S, door.aborting.is_set, hurry_s=0.0)
    except InterruptExecution:
        raise
    except Exception as error:  # noqa: BLE001 - recorded: it says that there is no evidence
        seen = {"holds": False, "error": str(error)}
    return {"name": entry.name, **seen}
