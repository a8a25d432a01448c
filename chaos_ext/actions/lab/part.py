"""A part of the lab is stopped and stays down, as after a mistaken command or a crash that nothing restarts."""

from pathlib import Path
from typing import Any

import psutil
from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import proven
from chaos_ext.language import t
from chaos_ext.safety import supervisor

__all__ = ["part_is_stopped", "start_part", "stop_part"]

_WITHIN_S = 30.0
_ALREADY_STARTED = 60  # supervisor's fault codes
_NO_SUCH_NAME = 10


def stop_part(part: str, configuration: Configuration = None) -> dict[str, Any]:
    """Stop a part of the lab; its orchestrator does not start it again.

    - `part`: the lab's name of it, such as dashboard, insight or valkey (`chaos lab status` lists them)

    Waits up to 30 s until its process is gone. Returns ``{"part", "pid"}``. Raises ActivityFailed when there is no
    such part, or it does not run: nothing to stop is a failure. Undone by: `start_part`.

    Source: http://supervisord.org/api.html (stopProcess).

    YAML::

        type: action
        name: stop-dashboard
        provider:
          type: python
          module: chaos_ext.actions.lab.part
          func: stop_part
          arguments: {part: dashboard}
    """
    socket = _socket(configuration)
    before = _said(socket, part)
    if before["statename"] != "RUNNING":
        raise ActivityFailed(
            t("{part}: got {statename}, expected a part that runs", part=part, statename=before["statename"])
        )
    _ask(socket, "supervisor.stopProcess", part)
    if psutil.pid_exists(before["pid"]) and _said(socket, part)["pid"]:
        raise ActivityFailed(
            t("{part}: got process {pid} still there, expected it gone", part=part, pid=before["pid"])
        )
    return {"part": part, "pid": before["pid"]}


def part_is_stopped(part: str, configuration: Configuration = None) -> dict[str, Any]:
    """Whether no process of a part runs. Changes nothing.

    - `part`: the lab's name of it, such as dashboard, insight or valkey

    Asks the orchestrator, and looks among its processes itself.

    YAML::

        type: probe
        name: dashboard-is-stopped
        provider:
          type: python
          module: chaos_ext.actions.lab.part
          func: part_is_stopped
          arguments: {part: dashboard}
    """
    socket = _socket(configuration)
    said = _said(socket, part)
    alive = bool(said["pid"]) and psutil.pid_exists(said["pid"])
    return {"holds": said["statename"] == "STOPPED" and not alive, "part": part, "state": said["statename"]}


def start_part(part: str, configuration: Configuration = None) -> dict[str, Any]:
    """Start a stopped part again, unless somebody has done it.

    - `part`: the lab's name of it, such as dashboard, insight or valkey

    Waits up to 30 s until it runs. Harmless when repeated. Returns
    ``{"outcome": "undone" | "superseded", "why"}``. Raises ActivityFailed when it does not come up.

    YAML::

        type: action
        name: start-dashboard
        provider:
          type: python
          module: chaos_ext.actions.lab.part
          func: start_part
          arguments: {part: dashboard}
    """
    socket = _socket(configuration)
    if _said(socket, part)["statename"] in ("RUNNING", "STARTING"):
        return {"outcome": "superseded", "why": t("{part} was started again", part=part)}
    try:
        supervisor.call(socket, "supervisor.startProcess", part, True, timeout_s=_WITHIN_S)
    except supervisor.SupervisorError as error:
        if error.code != _ALREADY_STARTED:
            raise ActivityFailed(str(error)) from error
    return {"outcome": "undone", "why": t("{part} runs again", part=part)}


def _socket(configuration: Configuration = None) -> Path:
    return Path(proven.facts(configuration)["supervisor"]["socket"])


def _said(socket: Path, part: str) -> dict[str, Any]:
    answer = _ask(socket, "supervisor.getProcessInfo", part)
    assert isinstance(answer, dict), answer
    return answer


def _ask(socket: Path, method: str, part: str) -> Any:
    try:
        return supervisor.call(socket, method, part, timeout_s=_WITHIN_S)
    except supervisor.SupervisorError as error:
        if error.code == _NO_SUCH_NAME:
            told = t("expected a part of the lab (see chaos lab status)")
            raise ActivityFailed(t("part: got {part!r}, {told}", part=part, told=told)) from error
        raise ActivityFailed(str(error)) from error
