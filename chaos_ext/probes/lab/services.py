"""What runs in the lab: its programs, the releases that are active, and what each replica really runs."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import proven
from chaos_ext.probes.lab.files import digest
from chaos_ext.safety import supervisor

__all__ = ["service_state"]

_ANSWERS_WITHIN_S = 2.0
_ALIKE = {"BACKOFF": "STARTING"}  # between two tries to start


def service_state(configuration: Configuration = None) -> dict[str, Any]:
    """The state of every program, and of every service its active release, its configuration and what replicas run.

    Pids, times and the number of restarts are not in it; a version that was never activated, or is so no more,
    neither. Raises ActivityFailed when the orchestrator does not answer. Changes nothing.

    YAML::

        type: probe
        name: services
        provider: {type: python, module: chaos_ext.probes.lab.services, func: service_state, arguments: {}}
    """
    facts = proven.facts(configuration)
    try:
        said = supervisor.call(
            Path(facts["supervisor"]["socket"]), "supervisor.getAllProcessInfo", timeout_s=_ANSWERS_WITHIN_S
        )
    except supervisor.SupervisorError as error:
        raise ActivityFailed(str(error)) from error
    programs = {each["name"]: _ALIKE.get(each["statename"], each["statename"]) for each in said}
    releases = {
        folder.name: _release(folder)
        for folder in sorted(Path(facts["releases"]).iterdir())
        if folder.is_dir()
    }
    replicas = {
        name: address for name in programs if (address := _address(Path(facts["conf"]), name)) is not None
    }
    with ThreadPoolExecutor(max(1, len(replicas))) as pool:
        runs = dict(zip(replicas, pool.map(_runs, replicas.values()), strict=True))
    return {"programs": programs, "releases": releases, "runs": runs}


def _release(folder: Path) -> dict[str, Any]:
    now = (folder / "current").resolve()
    try:
        config = json.loads((now / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        config = f"unreadable: {error}"
    sources = {path.name: digest(path) for path in sorted(now.glob("*.py"))}
    return {"active": now.name, "config": config, "sources": sources}


def _address(conf: Path, name: str) -> tuple[str, int] | None:
    """Where a replica of a service listens itself; None for a program that has no releases."""
    try:
        config = json.loads((conf / f"{name}.json").read_text(encoding="utf-8"))
        host, _, port = str(config["listen"]).rpartition(":")
        return (host, int(port)) if "names" in config else None
    except (OSError, ValueError, KeyError):
        return None


def _runs(address: tuple[str, int]) -> str:
    """The release that a process says it runs; a word when it does not say."""
    connection = http.client.HTTPConnection(*address, timeout=_ANSWERS_WITHIN_S)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        said = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        return "no answer"
    finally:
        connection.close()
    release = str(said.get("release", "?")) if isinstance(said, dict) else "?"
    return release if response.status == 200 else f"{release}, unwell"
