"""One replica of a lab's service dies, as when its host takes its process away."""

import http.client
import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import behind_edge, proven
from chaos_ext.language import t
from chaos_ext.safety import processes, supervisor

__all__ = ["kill_replica", "let_replica_return", "replica_was_killed"]

_DEAD_WITHIN_S = 5.0
_BACK_WITHIN_S = 30.0
_ALREADY_STARTED = 60  # supervisor's fault code
_RESTARTED_BY_ITSELF = ("STARTING", "RUNNING", "BACKOFF")


@dataclass(frozen=True)
class _Replica:
    name: str
    host: str
    port: int
    socket: Path
    record: Path  # which process was killed: its pid and when it had started


def kill_replica(replica: str, configuration: Configuration = None) -> dict[str, Any]:
    """Kill the process of one replica with SIGKILL. The orchestrator starts a new one.

    - `replica`: the lab's name of it, such as "intake-1"

    The orchestrator says which process it is; it is remembered with its start time, since pids come back. Returns
    ``{"replica", "pid", "started"}``. Raises ActivityFailed when there is no such replica or it does not run:
    nothing to kill is a failure. Heals by itself; `let_replica_return` sees to that.

    Source: https://man7.org/linux/man-pages/man7/signal.7.html (SIGKILL).

    YAML::

        type: action
        name: kill-replica
        provider:
          type: python
          module: chaos_ext.actions.lab.replica
          func: kill_replica
          arguments: {replica: intake-1}
    """
    found = _replica(replica, configuration)
    if found.record.exists():
        raise ActivityFailed(
            t(
                "{place}: got a replica that was killed before, expected none. Run 'chaos heal'.",
                place=found.record,
            )
        )
    info = _info(found)
    pid = int(info["pid"])
    started = processes.start_of(pid) if info["statename"] == "RUNNING" else None
    if started is None:
        raise ActivityFailed(
            t(
                "{replica}: got state {state}, expected a running process to kill",
                replica=replica,
                state=info["statename"],
            )
        )
    killed = {"replica": replica, "pid": pid, "started": started}
    found.record.write_text(json.dumps(killed), encoding="utf-8")  # before: evidence of what is to be gone
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _DEAD_WITHIN_S
    while _lives(killed):
        if time.monotonic() > deadline:
            raise ActivityFailed(t("{replica}: got process {pid} alive after SIGKILL", **_named(killed)))
        time.sleep(0.01)
    return killed


def replica_was_killed(replica: str, configuration: Configuration = None) -> dict[str, Any]:
    """Whether the process that was killed is gone, and nobody took its place who is well.

    - `replica`: the lab's name of it, such as "intake-1"

    Gone: no process has its pid and its start time; a zombie counts as dead. Who is well: another process that the
    orchestrator calls RUNNING (it has lasted its first second) and that answers its health check. Changes nothing.

    YAML::

        type: probe
        name: replica-was-killed
        provider:
          type: python
          module: chaos_ext.actions.lab.replica
          func: replica_was_killed
          arguments: {replica: intake-1}
    """
    found = _replica(replica, configuration)
    killed = _recorded(found)
    info = _info(found)
    now = {"state": info["statename"], "pid": info["pid"] or None}
    if killed is None:
        return {"holds": False, "replica": replica, "killed": None, "now": now}
    well = _took_its_place(info, killed) and _healthy(found)
    return {
        "holds": not _lives(killed) and not well,
        "replica": replica,
        "killed": killed,
        "now": now,
        "well": well,
    }


def let_replica_return(replica: str, configuration: Configuration = None) -> dict[str, Any]:
    """See that the orchestrator runs a replica again that was killed, and start it when it does not.

    - `replica`: the lab's name of it, such as "intake-1"

    Waits up to 30 s until another process answers its health check. Harmless when repeated. Returns
    ``{"outcome": "undone" | "already", "why"}``. Raises ActivityFailed when it is not back by then.

    YAML::

        type: action
        name: let-replica-return
        provider:
          type: python
          module: chaos_ext.actions.lab.replica
          func: let_replica_return
          arguments: {replica: intake-1}
    """
    found = _replica(replica, configuration)
    if _recorded(found) is None:
        return {"outcome": "already", "why": t("{replica} was not killed", replica=replica)}
    if _info(found)["statename"] not in _RESTARTED_BY_ITSELF:
        _start(found)
    deadline = time.monotonic() + _BACK_WITHIN_S
    while not _healthy(found):
        if time.monotonic() > deadline:
            raise ActivityFailed(
                t(
                    "{replica}: got no healthy process within {seconds:g} s",
                    replica=replica,
                    seconds=_BACK_WITHIN_S,
                )
            )
        time.sleep(0.05)
    found.record.unlink()
    return {"outcome": "undone", "why": t("{replica} runs again", replica=replica)}


def _replica(name: str, configuration: Configuration = None) -> _Replica:
    facts = proven.facts(configuration)
    known = behind_edge.addresses(facts)
    if name not in known:
        raise ActivityFailed(
            t(
                "replica: got {name!r}, expected one of {known}",
                name=name,
                known=", ".join(known),
            )
        )
    host, port = known[name]
    record = Path(facts["dir"]) / f".killed-{name}"
    return _Replica(name, host, port, Path(facts["supervisor"]["socket"]), record)


def _info(replica: _Replica) -> dict[str, Any]:
    try:
        info: dict[str, Any] = supervisor.call(replica.socket, "supervisor.getProcessInfo", replica.name)
    except supervisor.SupervisorError as error:
        raise ActivityFailed(str(error)) from error
    return info


def _start(replica: _Replica) -> None:
    try:
        supervisor.call(replica.socket, "supervisor.startProcess", replica.name, False)
    except supervisor.SupervisorError as error:
        if error.code != _ALREADY_STARTED:
            raise ActivityFailed(str(error)) from error


def _recorded(replica: _Replica) -> dict[str, Any] | None:
    try:
        killed: dict[str, Any] = json.loads(replica.record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ActivityFailed(
            t("{place}: got {error}, expected which process was killed", place=replica.record, error=error)
        ) from error
    return killed


def _lives(killed: dict[str, Any]) -> bool:
    return processes.is_alive(int(killed["pid"]), str(killed["started"]))


def _took_its_place(info: dict[str, Any], killed: dict[str, Any]) -> bool:
    """Whether what the orchestrator runs is another process: until it has reaped the dead one, it still names that."""
    if info["statename"] != "RUNNING":
        return False
    started = processes.start_of(int(info["pid"]))
    return started is not None and (info["pid"], started) != (killed["pid"], killed["started"])


def _named(killed: dict[str, Any]) -> dict[str, Any]:
    return {name: killed[name] for name in ("replica", "pid")}


def _healthy(replica: _Replica) -> bool:
    connection = http.client.HTTPConnection(replica.host, replica.port, timeout=2.0)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
