"""Ends labs: orderly with `down`, and whatever a killed one left with `sweep`."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

from chaos_lab import places, processes, shm
from chaos_lab.errors import LabProblem
from chaos_lab.places import Lab

ORDERLY_WITHIN_S = 0.5
# What directories are called that are on their way to be a lab, or from it.
CLAIMED, REMOVING = ".claimed-", ".removing-"


def down(lab: Lab) -> None:
    """End every process of the lab and remove its directory. Nothing happens when it is gone already.

    The parts get `ORDERLY_WITHIN_S` seconds to end by themselves. Raises LabProblem when something
    survives SIGKILL, or when the directory is not a lab.
    """
    state = lab.state()
    if state is None or not isinstance(state.get("marker"), str):
        if not lab.dir.exists():
            return
        raise LabProblem(
            f"{lab.dir}: got no readable lab.json, expected a lab. 'chaos lab up' removes leftovers."
        )
    me = processes.identity(os.getpid())
    # A full disk must not keep us from ending the lab.
    with contextlib.suppress(OSError):
        lab.write_state({**state, "state": "stopping", "by": me.as_json() if me else None})
    supervisor = processes.from_json(state.get("supervisor"))
    _end_processes(lab, state["marker"], supervisor)
    _remove(lab, state["marker"])


def _end_processes(lab: Lab, marker: str, supervisor: processes.Identity | None) -> None:
    def left() -> list[processes.Identity]:
        return processes.of_lab(lab.dir, marker)

    if supervisor is not None and supervisor.alive:
        # First the supervisor, which then starts nothing any more, then all at once what it runs:
        # by itself it would stop one after the other.
        supervisor.signal(signal.SIGTERM)
        told = [process for process in left() if process != supervisor]
        for process in told:
            process.signal(signal.SIGQUIT if _is_postgresql(process.pid) else signal.SIGTERM)
        deadline = time.monotonic() + ORDERLY_WITHIN_S
        while time.monotonic() < deadline and any(process.alive for process in (supervisor, *told)):
            time.sleep(0.01)
    processes.end_all(left)


def _is_postgresql(pid: int) -> bool:
    import psutil

    # SIGQUIT is PostgreSQL's immediate shutdown: it frees what the kernel holds and writes nothing.
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).name() == "postgres"
    return False


def _remove(lab: Lab, marker: str) -> None:
    shm.remove(lab.orchestrator_log, lab.data)
    gone = lab.dir.with_name(f"{REMOVING}{marker}")
    try:
        lab.dir.rename(gone)  # in one step: half a lab must not look like one
    except FileNotFoundError:
        return  # somebody else ended it at the same time
    shutil.rmtree(gone, ignore_errors=True)
    if gone.exists():
        raise LabProblem(f"{gone}: cannot be removed entirely. Remove it by hand.")


def why_left(lab: Lab) -> str:
    """Why this lab is a leftover that nobody uses any more; nothing when it is in use."""
    state = lab.state() or {}
    owner, by = processes.from_json(state.get("owner")), processes.from_json(state.get("by"))
    supervisor = processes.from_json(state.get("supervisor"))
    if owner is not None and not owner.alive:
        return f"its owner, process {owner.pid}, is gone"
    if state.get("state") == "up":
        return "" if supervisor is not None and supervisor.alive else "its supervisor is gone"
    if by is not None and by.alive:
        return ""
    return "its start was killed" if state.get("state") == "starting" else "its end was cut short"


def sweep(home: Path, say: Callable[[str], None]) -> list[str]:
    """Remove what killed labs left: processes, directories, shared memory. Returns the names of the labs.

    Call with the home's lock held, so that no lab is between being claimed and saying so.
    """
    swept = []
    for lab in places.all_labs(home):
        if why := why_left(lab):
            say(f"removing what is left of lab {lab.name}: {why}")
            down(lab)
            swept.append(lab.name)
    for path in (*home.glob(f"{CLAIMED}*"), *home.glob(f"{REMOVING}*")):
        shutil.rmtree(path, ignore_errors=True)
    if processes.without_lab(home):
        say("ending processes of a lab whose directory is gone")
        processes.end_all(lambda: processes.without_lab(home))
    return swept
