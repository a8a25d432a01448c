"""What a lab's directory holds before anything runs: data, configuration, releases, tools.

    bin/       operators' tools                  run/    socket and pid file of the supervisor
    conf/      what parts are started with       logs/   one file per part
    data/      one directory per PostgreSQL node pg/     service and password files of its clients
    releases/  versions of the services          tls/    certificates of the edge
    volumes/   one directory per part that writes files

As root, data/ and pg/ belong to PostgreSQL's OS user; nobody but us can enter the rest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chaos_lab import clone, cloud_names, configs, parts, places, postgresql, programs, release, tools
from chaos_lab.errors import LabProblem
from chaos_lab.guests import Guest
from chaos_lab.places import Lab, write
from chaos_lab.processes import MARK
from chaos_lab.template import Template

# Of our own environment only what programs need to start; nothing that changes what they do.
_PASSED_ON = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "PYTHONDONTWRITEBYTECODE", "TMPDIR")


def lay_out(
    lab: Lab,
    template: Template,
    ports: Mapping[str, int],
    marker: str,
    alerts: Mapping[str, Any],
    invited: Sequence[Guest] = (),
) -> None:
    """Fill a lab's directory. Raises OSError (disk full) or LabProblem; the caller cleans up."""
    for path in (lab.run, lab.conf, lab.logs, lab.releases, lab.bin, lab.data, lab.clients, lab.volumes):
        path.mkdir(mode=0o700)
    lab.archive.mkdir(mode=0o700)
    for part in parts.WRITERS:
        (lab.volumes / part).mkdir(mode=0o700)
    copies = _start_copying(lab, template)
    try:
        shutil.copytree(template.tls, lab.tls)
        _write_clients(lab, template, ports)
        _write_services(lab, template, ports, alerts, invited)
        programs.write_supervisor(lab, template, ports, marker, invited)
        tools.write_all(lab, template.programs, template.user, ports)
        _write_source_of_clones(lab, template)
        for service in parts.REPLICAS:
            release.lay_down(lab.releases / service, service, parts.release_config(service))
    finally:
        _finish_copying(copies)
    _make_standbys(lab, template)
    if template.user.owner is not None:
        os.chown(lab.data, *template.user.owner)
        os.chown(lab.archive, *template.user.owner)
        os.chown(lab.clients, *template.user.owner)


def _write_source_of_clones(lab: Lab, template: Template) -> None:
    since = time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime())
    allowed = os.environ.get("CHAOS_LAB_PORTS", "")
    clone.Source(template.cluster, template.programs, template.user, since, allowed).write(lab)


def _start_copying(lab: Lab, template: Template) -> list[subprocess.Popen[str]]:
    # cp: several at once, and clones on file systems that can.
    clone = ["--reflink=auto"] if sys.platform == "linux" else []
    return [
        subprocess.Popen(
            ["cp", "-a", *clone, str(template.cluster), str(lab.data / node)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        for node in postgresql.NODES
    ]


def _finish_copying(copies: list[subprocess.Popen[str]]) -> None:
    problems = []
    for copy in copies:
        errors = copy.communicate()[1]
        if copy.returncode != 0:
            problems.append(
                errors.strip().splitlines()[-1] if errors.strip() else f"cp: exit code {copy.returncode}"
            )
    if problems:
        raise LabProblem(f"copying the template: {problems[0]}")


def _make_standbys(lab: Lab, template: Template) -> None:
    """A copy of the cold cluster follows the primary as soon as it is told to."""
    for node in postgresql.NODES:
        if node != parts.PRIMARY:
            follow = f"primary_conninfo = 'service={parts.PRIMARY}'\n"
            write(lab.data / node / "postgresql.auto.conf", follow, owner=template.user.owner)
            write(lab.data / node / "standby.signal", "", owner=template.user.owner)


def _write_clients(lab: Lab, template: Template, ports: Mapping[str, int]) -> None:
    """Service files: operators reach nodes directly, a node reaches the others through the fault proxy."""
    owner = template.user.owner

    def section(node: str, port: int, user: str) -> str:
        return (
            f"[{node}]\nhost=127.0.0.1\nport={port}\nuser={user}\ndbname={postgresql.DATABASE}\n"
            "sslmode=disable\ngssencmode=disable\n"
        )

    operators = "\n".join(section(node, ports[node], postgresql.SUPERUSER) for node in postgresql.NODES)
    write(lab.clients / "pg_service.conf", operators, owner=owner)
    for node in postgresql.NODES:
        others = [other for other in postgresql.NODES if other != node]
        ways = "\n".join(section(other, ports[f"{node}->{other}"], postgresql.REPLICATOR) for other in others)
        write(lab.clients / f"{node}.conf", ways, owner=owner)
    logins = "".join(f"127.0.0.1:*:*:{role}:{password}\n" for role, password in template.passwords.items())
    write(lab.clients / "pgpass", logins, owner=owner)


def _write_services(
    lab: Lab,
    template: Template,
    ports: Mapping[str, int],
    alerts: Mapping[str, Any],
    invited: Sequence[Guest],
) -> None:
    passwords = lab.conf / "passwords"
    passwords.mkdir(mode=0o700)
    for role in (postgresql.APP, postgresql.PROBER):
        write(passwords / role, template.passwords[role])
    write(lab.names, json.dumps(parts.names(ports), indent=1) + "\n")
    policy = json.dumps(cloud_names.exports_policy(), indent=2)
    write(lab.conf / "exports-policy.json", f"{policy}\n")
    write(lab.conf / "valkey.conf", configs.of_cache(ports, lab.volumes / parts.CACHE))
    of_services = configs.of_services(
        ports,
        tls=lab.tls,
        conf=lab.conf,
        names_file=lab.names,
        passwords=passwords,
        orchestrator_log=lab.orchestrator_log,
        alerts=alerts,
        guests={guest.name: f"http://127.0.0.1:{ports[guest.name]}{guest.health}" for guest in invited},
    )
    for part, config in of_services.items():
        write(lab.conf / f"{part}.json", json.dumps(config, indent=1, ensure_ascii=False) + "\n")


def environment(lab: Lab, marker: str) -> dict[str, str]:
    """What the supervisor and so every part is started with."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    package = Path(places.__file__).parents[1]  # also when we run from a checkout that is not installed
    return {
        "PATH": os.defpath,
        **kept,
        "PYTHONPATH": str(package),
        "LC_ALL": "C.UTF-8",
        MARK: f"{marker} {lab.dir}",
    }
