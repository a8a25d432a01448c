"""What state labs are in: `status` and `list`."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

from chaos_lab import ending, guests, health, parts, places, postgresql
from chaos_lab.errors import LabProblem
from chaos_lab.orchestrator import Orchestrator
from chaos_lab.places import Lab
from chaos_lab.restarts import Restarts


def status(lab: Lab) -> dict[str, Any]:
    """Every part with its process state and why it is not usable, and who is primary.

    {"name", "dir", "state", "healthy", "why", "primaries": [node …],
    "parts": {part: {"state", "healthy", "why", "pid", "port", "since", "restarts", "release"}}}

    `since` is when its process started (RFC 3339, UTC), `restarts` how often the supervisor had to start
    it anew, `release` the version that is active for its service; None where there is none.
    """
    state = lab.state() or {}
    said: dict[str, Any] = {"name": lab.name, "dir": str(lab.dir), "state": state.get("state", "broken")}
    said["why"] = ending.why_left(lab)
    said["parts"], said["primaries"] = {}, []
    programs: dict[str, dict[str, Any]] = {}
    try:
        programs = Orchestrator(lab.socket, timeout_s=3.0).states()
    except LabProblem as problem:
        said["why"] = said["why"] or str(problem)
    ask = health.psql(lab)
    restarts, services = _restarts(lab), parts.service_of_part()
    pages = {
        guest.name: f"http://127.0.0.1:{state['ports'][guest.name]}{guest.health}" for guest in guests.of(lab)
    }
    for part in (*parts.PARTS, *pages):
        info = programs.get(part, {})
        if not info:
            why = "no supervisor knows it"
        elif part in pages:
            why = health.http_problem(pages[part])
        else:
            why = health.part_problem(ask, state["ports"], part)
        said["parts"][part] = {
            "state": info.get("statename", "UNKNOWN"),
            "healthy": not why,
            "why": why,
            "pid": info.get("pid") or None,
            "port": (state.get("ports") or {}).get(part),
            "since": _since(info),
            "restarts": restarts.get(part, 0),
            "release": _release(lab, services.get(part, part)),
        }
    for node in postgresql.NODES:
        if said["parts"][node]["healthy"] and ask(node, "SELECT pg_is_in_recovery()")[0] == "f":
            said["primaries"].append(node)
    said["healthy"] = not said["why"] and all(part["healthy"] for part in said["parts"].values())
    return said


def _since(info: dict[str, Any]) -> str | None:
    if not info.get("pid"):
        return None
    return datetime.fromtimestamp(info["start"], UTC).isoformat().replace("+00:00", "Z")


def _restarts(lab: Lab) -> dict[str, int]:
    found = Restarts()
    with contextlib.suppress(OSError):
        found.read(lab.orchestrator_log.read_bytes())
    return found.counts


def _release(lab: Lab, service: str) -> str | None:
    try:
        return (lab.releases / service / "current").readlink().name
    except OSError:
        return None


def listing() -> list[dict[str, Any]]:
    """Every lab of this user: name, directory, state, where it answers, why it is a leftover."""
    labs = []
    for lab in places.all_labs(places.home()):
        state, facts = lab.state() or {}, lab.facts() or {}
        labs.append(
            {
                "name": lab.name,
                "dir": str(lab.dir),
                "state": state.get("state", "broken"),
                "url": facts.get("edge", {}).get("url"),
                "owner_pid": (state.get("owner") or {}).get("pid"),
                "left_over": ending.why_left(lab) or None,
            }
        )
    return labs
