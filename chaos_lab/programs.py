"""The supervisor's configuration: how each part is started, stopped and started anew."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from chaos_lab import guests, parts, postgresql, valkey
from chaos_lab.guests import Guest
from chaos_lab.places import Lab, write
from chaos_lab.template import Template

_FIRST = ("cloud",)  # before the supervisor loads what the other services have in common


def write_supervisor(
    lab: Lab, template: Template, ports: Mapping[str, int], marker: str, invited: Sequence[Guest]
) -> None:
    """Write the supervisor's configuration file."""
    programs = [_node(lab, template, node, ports[node]) for node in postgresql.NODES]
    programs.append(_cache(lab))
    programs += [_service(lab, part) for part in parts.SERVICES]
    programs += [_guest(lab, guest, ports) for guest in invited]
    general = [
        *("[supervisord]", "nodaemon=true", "silent=true", f"identifier={marker}"),
        *(f"user={os.getuid()}",) * (os.getuid() == 0),
        f"logfile={_ini(lab.orchestrator_log)}",
        "logfile_maxbytes=0",
        f"pidfile={_ini(lab.run / 'supervisord.pid')}",
        f"childlogdir={_ini(lab.logs)}",
        f"directory={_ini(lab.run)}",
        "umask=077",
        "minfds=256",
        *("", "[unix_http_server]", f"file={_ini(lab.socket)}", "chmod=0600"),
        *("", "[rpcinterface:supervisor]"),
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
        *("", "[supervisorctl]", f"serverurl=unix://{_ini(lab.socket)}"),
    ]
    write(lab.supervisor_config, "\n".join([*general, "", *programs]))


def _node(lab: Lab, template: Template, node: str, port: int) -> str:
    command = [
        *(template.programs.program("postgres"), "-D", lab.data / node, "-p", port),
        *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
        *("-c", f"cluster_name={node.replace('-', '_')}"),
    ]
    environment = {
        "HOME": str(lab.data),
        "LC_ALL": "C",
        "PGPASSFILE": str(lab.clients / "pgpass"),
        "PGSERVICEFILE": str(lab.clients / f"{node}.conf"),
    }
    # INT is PostgreSQL's fast shutdown. A data store stays down until somebody decides what to do;
    # startsecs=0, since supervisor starts anew, autorestart or not, what ends before that.
    return _program(
        lab,
        node,
        command,
        environment,
        *("autorestart=false", "startsecs=0", "startretries=0", "stopsignal=INT", "stopwaitsecs=10"),
        "priority=1",
        *(f"user={template.user.name}",) * (template.user.name is not None),
    )


def _cache(lab: Lab) -> str:
    command = [valkey.server(), lab.conf / "valkey.conf"]
    return _program(
        lab,
        parts.CACHE,
        command,
        {},
        *("autorestart=false", "startsecs=0", "startretries=0", "stopsignal=TERM", "stopwaitsecs=10"),
        "priority=1",
    )


def _service(lab: Lab, part: str) -> str:
    service = next((name for name, replicas in parts.REPLICAS.items() if part in replicas), None)
    what = ["-m", f"chaos_lab.services.{part}"]
    if service is not None:
        what = [str(lab.releases / service / "current" / f"{service}.py")]
    return _program(
        lab,
        part,
        [sys.executable, *what, "--config", lab.conf / f"{part}.json"],
        {},
        *("autorestart=true", "startsecs=1", "startretries=1000", "stopsignal=TERM", "stopwaitsecs=5"),
        f"priority={1 if part in _FIRST else 2}",
    )


def _guest(lab: Lab, guest: Guest, ports: Mapping[str, int]) -> str:
    return _program(
        lab,
        guest.name,
        [guests.lay_out(lab, guest, ports)],
        {},
        *("autorestart=true", "startsecs=1", "startretries=1000", "stopsignal=TERM", "stopwaitsecs=5"),
        "priority=2",
    )


def _program(lab: Lab, part: str, command: list[Any], environment: dict[str, str], *options: str) -> str:
    quoted = " ".join(_ini(_quoted(str(word))) for word in command)
    variables = ",".join(f"{name}={_ini(_quoted(value))}" for name, value in environment.items())
    return "\n".join(
        [
            f"[program:{part}]",
            f"command={quoted}",
            *(f"environment={variables}",) * bool(variables),
            *options,
            *("stopasgroup=true", "killasgroup=true", "redirect_stderr=true"),
            f"stdout_logfile={_ini(lab.logs / f'{part}.log')}",
            "stdout_logfile_maxbytes=0",
            "",
            "",
        ]
    )


def _quoted(word: str) -> str:
    """For supervisor's two readers of quotes: shlex and its own for environment=."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _ini(value: object) -> str:
    return str(value).replace("%", "%%")
