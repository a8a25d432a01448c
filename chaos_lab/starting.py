"""Starts a lab: from nothing to every part healthy and both standbys following, or nothing left at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chaos_lab import (
    ending,
    health,
    layout,
    parts,
    places,
    ports,
    postgresql,
    processes,
    template,
    volumes,
    warm,
)
from chaos_lab import facts as facts_of
from chaos_lab.errors import LabProblem, NoAnswer, PortTaken
from chaos_lab.guests import Guest
from chaos_lab.nodes import Nodes
from chaos_lab.orchestrator import ROOM, Orchestrator
from chaos_lab.places import Lab

HEALTHY_WITHIN_S = 60.0  # a machine under load; usually it is two seconds
ATTEMPTS = 3  # when somebody takes a port between our look and a part's bind
_DEAD = ("EXITED", "FATAL", "BACKOFF", "STOPPED", "UNKNOWN")

Say = Callable[[str], None]


def up(
    name: str | None,
    owner_pid: int | None,
    alerts: Mapping[str, Any],
    say: Say,
    invited: Sequence[Guest] = (),
) -> dict[str, Any]:
    """Start a lab; its facts. Also removes what killed labs left.

    `name` None picks one. When the process `owner_pid` is gone, the next start removes the lab. `alerts`
    holds rules and routes for the alerting part, `invited` the guests that run besides. Raises LabProblem; then
    nothing is left running or on disk.
    """
    began = time.monotonic()
    if name is not None:
        places.check_name(name)
    owner = None if owner_pid is None else processes.identity(owner_pid)
    if owner_pid is not None and owner is None:
        raise LabProblem(f"--owner-pid: got {owner_pid}, expected a process that runs.")
    home = places.home()
    made_from = template.ensure(home, say)
    for attempt in range(1, ATTEMPTS + 1):
        lab, marker, chosen = _claim(home, name, owner, say, invited)
        try:
            return _start(lab, made_from, marker, chosen, owner, alerts, began, say, invited)
        except PortTaken as problem:
            _give_up(lab)
            if attempt == ATTEMPTS:
                raise
            say(f"{problem} Trying other ports.")
        except BaseException:
            _give_up(lab)
            raise
    raise AssertionError("unreachable")


def _claim(
    home: Path, name: str | None, owner: processes.Identity | None, say: Say, invited: Sequence[Guest]
) -> tuple[Lab, str, dict[str, int]]:
    """A directory that is ours and ports that are free, with nobody else claiming at the same time."""
    marker = str(uuid.uuid4())
    with places.locked(home / "lock"):
        ending.sweep(home, say)
        others = places.all_labs(home)
        lab = Lab(home / (name or f"lab-{marker[:4]}"))
        longest = len(os.fsencode(lab.socket))
        if longest > places.LONGEST_SOCKET_PATH:
            raise LabProblem(
                f"{lab.socket}: got a socket path of {longest} bytes, expected at most "
                f"{places.LONGEST_SOCKET_PATH}. Set CHAOS_LAB_HOME to a shorter path."
            )
        if lab.dir.exists():
            state = (lab.state() or {}).get("state")
            if state is None:
                raise LabProblem(
                    f"--name: got {lab.name!r}, but {lab.dir} is there and no lab. Choose another."
                )
            raise LabProblem(
                f"--name: got {lab.name!r}, but a lab of this name is {state}. Choose another, or end it "
                f"with 'chaos lab down {lab.name}'."
            )
        taken = {port for other in others for port in ((other.state() or {}).get("ports") or {}).values()}
        chosen = ports.choose([*parts.port_names(), *(guest.name for guest in invited)], taken)
        me = processes.identity(os.getpid())
        assert me is not None
        claimed = Lab(home / f"{ending.CLAIMED}{marker}")
        claimed.dir.mkdir(mode=0o711)
        claimed.write_state(
            {
                "schema": 1,
                "state": "starting",
                "marker": marker,
                "by": me.as_json(),
                "owner": None if owner is None else owner.as_json(),
                "supervisor": None,
                "ports": chosen,
                "guests": [guest.as_json() for guest in invited],
            }
        )
        claimed.dir.rename(
            lab.dir
        )  # in one step: no directory is taken for a lab that does not say it is one
    return lab, marker, chosen


def _give_up(lab: Lab) -> None:
    """Leave nothing. Whoever killed us once may do so again: the next start sweeps what then stays."""
    if lab.state() is not None:
        ending.down(lab)
    elif lab.dir.exists():
        shutil.rmtree(lab.dir, ignore_errors=True)


def _start(
    lab: Lab,
    made_from: template.Template,
    marker: str,
    chosen: dict[str, int],
    owner: processes.Identity | None,
    alerts: Mapping[str, Any],
    began: float,
    say: Say,
    invited: Sequence[Guest],
) -> dict[str, Any]:
    say(f"lab {lab.name}: laying out {lab.dir}")
    layout.lay_out(lab, made_from, chosen, marker, alerts, invited)
    supervisor = _launch(lab, marker)
    state = lab.state() or {}
    state["supervisor"] = supervisor.as_json()
    lab.write_state(state)
    say(f"starting {', '.join((*parts.PARTS, *(guest.name for guest in invited)))}")
    with Nodes(chosen, made_from.passwords[postgresql.SUPERUSER]) as nodes:
        _wait_healthy(lab, supervisor, marker, chosen, owner, nodes, invited)
    seconds = round(time.monotonic() - began, 3)
    facts = facts_of.of(lab, made_from.user, marker, chosen, owner, seconds, invited)
    places.write(lab.dir / "facts.json", json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    lab.write_state({**state, "state": "up"})
    say(f"lab {lab.name} is up after {facts['started_in_s']:.1f} s: {facts['edge']['url']}")
    return facts


def _launch(lab: Lab, marker: str) -> processes.Identity:
    """Start the supervisor in a session of its own: it outlives us and our terminal."""
    with (lab.logs / "supervisord.out").open("ab") as out:
        process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", volumes.__file__, str(parts.VOLUME_BYTES)),
                *(str(lab.run / "volumes.json"), *(str(lab.volumes / part) for part in parts.WRITERS), "--"),
                *(sys.executable, "-m", "chaos_lab.supervise", "-c", str(lab.supervisor_config), ROOM),
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=lab.run,
            env=layout.environment(lab, marker),
            start_new_session=True,
        )
    found = processes.identity(process.pid)
    if found is None:
        raise LabProblem(f"{lab.logs / 'supervisord.out'}: the supervisor ended at once: {_out(lab)}")
    return found


def _out(lab: Lab) -> str:
    lines = (lab.logs / "supervisord.out").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"


def _wait_healthy(
    lab: Lab,
    supervisor: processes.Identity,
    marker: str,
    chosen: Mapping[str, int],
    owner: processes.Identity | None,
    ask: health.Ask,
    invited: Sequence[Guest],
) -> None:
    looks = _looks(lab, chosen, ask, invited)
    waiting = dict.fromkeys(looks, "not asked yet")
    orchestrator = Orchestrator(lab.socket)
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    silent, look_at = "not asked yet", 0.0
    while waiting or silent:
        if not supervisor.alive:
            raise LabProblem(f"{lab.name}: the supervisor ended: {_out(lab)}")
        if owner is not None and not owner.alive:
            raise LabProblem(f"{lab.name}: its owner, process {owner.pid}, is gone; nobody needs it.")
        if time.monotonic() > look_at and lab.socket.exists():
            if not silent or not (silent := _prove(orchestrator, marker)):
                _refuse_dead(lab, orchestrator, chosen)
            look_at = time.monotonic() + 0.25
        for what in list(waiting):
            needs, look = looks[what]
            if not needs & waiting.keys():
                waiting[what] = look()
                if not waiting[what]:
                    del waiting[what]
        if time.monotonic() > deadline:
            late = {"supervisor": silent} if silent else waiting
            problems = "; ".join(f"{what}: {why}" for what, why in late.items())
            raise LabProblem(f"{lab.name}: not healthy after {HEALTHY_WITHIN_S:g} s: {problems}")
        time.sleep(0.02)


def _looks(
    lab: Lab, chosen: Mapping[str, int], ask: health.Ask, invited: Sequence[Guest]
) -> dict[str, tuple[set[str], Callable[[], str]]]:
    """What must be fine, and how it is looked at: after which others, and why it is not fine yet."""

    def part(name: str) -> Callable[[], str]:
        return lambda: health.part_problem(ask, chosen, name)

    def usable(guest: Guest) -> Callable[[], str]:
        return lambda: health.http_problem(f"http://127.0.0.1:{chosen[guest.name]}{guest.health}")

    reads = parts.release_config("dashboard")["database"]
    return {
        **{name: (set(), part(name)) for name in parts.PARTS},
        **{guest.name: (set(), usable(guest)) for guest in invited},
        "replication": ({parts.PRIMARY}, lambda: health.replication_problem(ask)),
        "benchmarks in the cache": ({reads, parts.CACHE}, lambda: _warm(lab, ask)),
        "edge to services": (
            set(parts.PARTS),
            lambda: health.edge_problem(chosen["edge"], lab.tls / "ca.pem"),
        ),
    }


def _warm(lab: Lab, ask: health.Ask) -> str:
    """As the nightly job leaves the cache. Why it could not be done; nothing when it is."""
    try:
        warm.warm(lab, ask)
    except LabProblem as problem:
        return str(problem)
    return ""


def _prove(orchestrator: Orchestrator, marker: str) -> str:
    """Why the supervisor cannot be asked yet; nothing once it said who it is. Its socket is there before it listens."""
    try:
        got = orchestrator.identifier()
    except NoAnswer as problem:
        return str(problem)
    if got != marker:
        raise LabProblem(
            f"{orchestrator.socket_path}: got a supervisor that says {got!r}, expected {marker!r}."
        )
    return ""


def _refuse_dead(lab: Lab, orchestrator: Orchestrator, chosen: Mapping[str, int]) -> None:
    """A part that ends while the lab starts does not get better: say why at once."""
    try:
        states = orchestrator.states()
    except NoAnswer:  # busy; when it has ended, `_wait_healthy` says so
        return
    for part, info in states.items():
        if info["statename"] not in _DEAD or (info["statename"] == "STOPPED" and not info["start"]):
            continue
        words = health.last_words(lab, part)
        if "address already in use" in words.lower():
            listens = chosen["edge"] if part == "edge" else chosen[part]
            raise PortTaken(f"{part}: a busy port (its own is 127.0.0.1:{listens}): {words}.")
        raise LabProblem(f"{part}: ended while the lab started: {words or 'it said nothing'}")
