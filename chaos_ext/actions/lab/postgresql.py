"""A PostgreSQL node of the lab is lost with its disk, as after a host failure."""

import signal
import socket
import time
from typing import Any

import psutil
from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import nodes
from chaos_ext.actions.lab.nodes import Node
from chaos_ext.language import listed, t
from chaos_ext.safety import supervisor

__all__ = ["destroy_node", "node_is_destroyed", "restore_node"]

_DEAD_WITHIN_S = 5.0
_UP_WITHIN_S = 30.0
_ALREADY_STARTED = 60  # supervisor's fault code


def destroy_node(node: str, configuration: Configuration = None) -> dict[str, Any]:
    """Kill a PostgreSQL server with everything it started, and take its data directory away.

    - `node`: the lab's name of it, "pg-a", "pg-b" or "pg-c"

    SIGKILL for the postmaster (which is stopped first, so that it starts nobody meanwhile) and for every
    process that works in its data directory, looked for again until there is none; then the directory is
    moved aside. Nothing restarts it. Returns ``{"killed": [pids], "moved_to"}``. Raises ActivityFailed when
    there is no such node, or it does not run: nothing to destroy is a failure. Undone by: `restore_node`.

    Source: https://www.postgresql.org/docs/16/server-shutdown.html (SIGKILL).

    YAML::

        type: action
        name: destroy-primary
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql
          func: destroy_node
          arguments: {node: pg-a}
    """
    found = nodes.find(node, configuration)
    postmaster = _postmaster(found)
    if postmaster is None:
        raise ActivityFailed(
            t("{node}: got no running server in {data}, expected one to destroy", node=node, data=found.data)
        )
    if found.lost.exists():
        raise ActivityFailed(
            t("{lost}: got a disk lost before, expected none. Run 'chaos heal'.", lost=found.lost)
        )
    killed = _kill_everything(found, postmaster)
    found.data.rename(found.lost)
    return {"node": node, "killed": killed, "moved_to": str(found.lost)}


def node_is_destroyed(node: str, configuration: Configuration = None) -> dict[str, Any]:
    """Whether a node is lost: no process of it lives, its data directory is not there, nobody listens.

    - `node`: the lab's name of it, "pg-a", "pg-b" or "pg-c"

    Looks at processes, disk and port, and does not ask what injected it. A zombie counts as dead. Nothing of all
    that is there where one looks in the wrong place, so the orchestrator must know the node. Raises ActivityFailed when
    it does not, or does not answer. Changes nothing.

    YAML::

        type: probe
        name: primary-is-destroyed
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql
          func: node_is_destroyed
          arguments: {node: pg-a}
    """
    found = nodes.find(node, configuration)
    alive = [process.pid for process in _processes(found)]
    evidence = {"alive": alive, "data_directory": found.data.exists(), "listens": _listens(found)}
    _refuse_unknown(found)
    return {"holds": not any(evidence.values()), "node": node, **evidence}


def restore_node(node: str, configuration: Configuration = None) -> dict[str, Any]:
    """Bring a destroyed node back with its disk, unless the world has moved on without it.

    - `node`: the lab's name of it, "pg-a", "pg-b" or "pg-c"

    Moves the data directory back, has the supervisor start the server, and waits up to 30 s until it answers.
    Superseded, and nothing is touched, when the directory is there again (somebody rebuilt the node) or
    another node has been promoted: two primaries would be worse than none. Harmless when repeated. Returns
    ``{"outcome": "undone" | "superseded" | "already", "why"}``. Raises ActivityFailed when the disk is
    nowhere or the server does not come up.

    YAML::

        type: action
        name: restore-primary
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql
          func: restore_node
          arguments: {node: pg-a}
    """
    found = nodes.find(node, configuration)
    if found.data.exists() and found.lost.exists():
        return {"outcome": "superseded", "why": t("{node} has been rebuilt", node=node)}
    postmaster = _postmaster(found) if found.data.exists() else None
    if postmaster is not None:
        return _let_run(node, postmaster)
    disk = found.data if found.data.exists() else found.lost
    if not disk.exists():
        raise ActivityFailed(
            t(
                "{node}: got neither {data} nor {lost}, expected its disk",
                node=node,
                data=found.data,
                lost=found.lost,
            )
        )
    promoted = _promoted_others(node, configuration)
    if promoted and not (disk / "standby.signal").exists():
        return {
            "outcome": "superseded",
            "why": t("{promoted} has been promoted in its place", promoted=listed(promoted)),
        }
    if disk == found.lost:
        found.lost.rename(found.data)
    _kill(found, _processes(found))  # what a fault that was cut off half-way left would keep the server out
    _start(found)
    return {"outcome": "undone", "why": t("{node} runs again with its disk", node=node)}


def _let_run(node: str, postmaster: psutil.Process) -> dict[str, Any]:
    """The server is there; a fault that was cut off half-way may have left it stopped."""
    if postmaster.status() != psutil.STATUS_STOPPED:
        return {"outcome": "already", "why": t("{node} runs with its disk", node=node)}
    postmaster.send_signal(signal.SIGCONT)
    return {"outcome": "undone", "why": t("{node} was stopped, and runs on", node=node)}


def _postmaster(node: Node) -> psutil.Process | None:
    """The server of the data directory: its pid file's process, when that works there and began then."""
    try:
        lines = (node.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid, began = int(lines[0]), int(lines[2])
        process = psutil.Process(pid)
        # the file's time is in whole seconds, and a process's start is derived from the boot's
        is_it = abs(process.create_time() - began) < 5 and _works_in(process, node)
    except (FileNotFoundError, IndexError, ValueError, psutil.Error):
        return None
    return process if is_it else None


def _processes(node: Node) -> list[psutil.Process]:
    """Living processes that work in the node's data directory, wherever that is now.

    Each of PostgreSQL's processes has a group of its own, and a killed postmaster's children have another
    parent; but all of them stay in the directory.
    """
    return [process for process in psutil.process_iter() if _works_in(process, node)]


def _works_in(process: psutil.Process, node: Node) -> bool:
    try:
        return (
            process.name() == "postgres"  # not the shell of somebody who looks around there
            and process.status() != psutil.STATUS_ZOMBIE
            and process.cwd() in (str(node.data), str(node.lost))
        )
    except (psutil.Error, OSError):
        return False  # gone, or somebody else's


def _kill_everything(node: Node, postmaster: psutil.Process) -> list[int]:
    postmaster.send_signal(signal.SIGSTOP)
    return _kill(node, [postmaster, *postmaster.children(recursive=True)])


def _kill(node: Node, targets: list[psutil.Process]) -> list[int]:
    """SIGKILL for `targets` and whatever else works in the directory, until nothing does; the pids."""
    killed: list[int] = []
    deadline = time.monotonic() + _DEAD_WITHIN_S
    while targets:
        for process in targets:
            try:
                process.kill()  # psutil compares the start time, so this is the process that we saw
            except psutil.NoSuchProcess:
                continue
            killed += [process.pid] if process.pid not in killed else []
        if time.monotonic() > deadline:
            raise ActivityFailed(
                t(
                    "{name}: got {targets} alive after SIGKILL",
                    name=node.name,
                    targets=[p.pid for p in targets],
                )
            )
        time.sleep(0.01)
        targets = _processes(node)
    return killed


def _listens(node: Node) -> bool:
    try:
        socket.create_connection((node.host, node.port), timeout=1.0).close()
    except ConnectionRefusedError:
        return False
    except OSError:  # a time-out is not a refusal
        return True
    return True


def _promoted_others(node: str, configuration: Configuration = None) -> list[str]:
    """Other nodes that have been promoted. Their disk says so, even when they are down just now."""
    return [
        other.name
        for other in nodes.every(configuration)
        if other.name != node
        and (other.data / "PG_VERSION").exists()
        and not (other.data / "standby.signal").exists()
    ]


def _refuse_unknown(node: Node) -> None:
    """Raises ActivityFailed unless the orchestrator answers and has the node's program."""
    try:
        supervisor.call(node.supervisor, "supervisor.getProcessInfo", node.program)
    except supervisor.SupervisorError as error:
        raise ActivityFailed(str(error)) from error


def _start(node: Node) -> None:
    try:
        supervisor.call(
            node.supervisor, "supervisor.startProcess", node.program, True, timeout_s=_UP_WITHIN_S
        )
    except supervisor.SupervisorError as error:
        if error.code != _ALREADY_STARTED:
            raise ActivityFailed(str(error)) from error
    deadline = time.monotonic() + _UP_WITHIN_S
    while True:
        try:
            nodes.ask(node, "SELECT 1")
        except nodes.Refused as error:
            if time.monotonic() > deadline:
                raise ActivityFailed(t("{error} again", error=error)) from error
        else:
            return
        time.sleep(0.05)
