"""The operators' tools of a lab: what a responder has on the PATH, bound to this lab.

They find their lab by what is written in them, so no variable has to be set. As root, PostgreSQL's
programs run as the database's OS user, so that what they write is what a server can read.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from chaos_lab import cloud_names, parts
from chaos_lab.places import Lab, write
from chaos_lab.postgresql import Installation, User

_PROGRAMS = ("psql", "pg_basebackup", "pg_rewind", "pg_isready", "pg_controldata")
_OURS = {"release": "release", "pg-clone": "clone", "cache": "warm", "exports": "exports"}  # tool: module
# In Python, since setpriv is not on every machine; -I -S starts in about ten milliseconds.
_AS_USER = """\
import os, sys
os.setgroups([])
os.setgid({gid})
os.setuid({uid})
os.environ["HOME"] = {home!r}
os.umask(0o077)
os.execv(sys.argv[1], sys.argv[1:])
"""


def write_all(lab: Lab, programs: Installation, user: User, ports: Mapping[str, int]) -> None:
    """Write every tool into the lab's bin directory."""
    first = ""
    if user.name is not None:
        as_user = lab.conf / "as-database-user.py"
        write(as_user, _AS_USER.format(uid=user.uid, gid=user.gid, home=str(lab.clients)))
        first = f"{shlex.quote(sys.executable)} -I -S {shlex.quote(str(as_user))} "
    for program in _PROGRAMS:
        _tool(
            lab,
            program,
            f"export PGSERVICEFILE={shlex.quote(str(lab.clients / 'pg_service.conf'))}",
            f"export PGPASSFILE={shlex.quote(str(lab.clients / 'pgpass'))}",
            f'exec {first}{shlex.quote(str(programs.program(program)))} "$@"',
        )
    python = f"exec {shlex.quote(sys.executable)}"
    config = shlex.quote(str(lab.supervisor_config))
    _tool(lab, "supervisorctl", f'{python} -I -m supervisor.supervisorctl -c {config} "$@"')
    for name, module in _OURS.items():
        # -S: nothing but the standard library, so it starts quickly.
        _tool(lab, name, f'{python} -I -S {_main(module)} --lab {shlex.quote(str(lab.dir))} "$@"')
    _tool(lab, "certificate", f'{python} -I {_main("certificates")} --lab {shlex.quote(str(lab.dir))} "$@"')
    cache = parts.address(ports, parts.CACHE)
    _tool(lab, "valkey-cli", f'{python} -I -S {_main("valkey_cli")} --cache {cache} "$@"')
    _tool(lab, "aws", *_aws(lab, parts.address(ports, "cloud")))


def _main(module: str) -> str:
    package = str(Path(__file__).parents[1])
    code = f"import sys; sys.path.insert(0, {package!r}); from chaos_lab.{module} import main; main()"
    return f"-c {shlex.quote(code)}"


def _aws(lab: Lab, cloud: str) -> list[str]:
    """The real awscli, which here cannot reach anything but the lab's cloud.

    It gets none of its user's environment, configuration and credentials, and the endpoint last, since the
    last one counts.
    """
    variables = {
        "AWS_ACCESS_KEY_ID": cloud_names.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": cloud_names.SECRET_KEY,
        "AWS_REGION": cloud_names.REGION,
        "AWS_DEFAULT_REGION": cloud_names.REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "HOME": str(lab.run),
        "LC_ALL": "C.UTF-8",
        "NO_PROXY": "127.0.0.1",
    }
    given = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    return [
        f'exec env -i PATH="$PATH" TERM="${{TERM:-dumb}}" {given} {shlex.quote(sys.executable)} -I -m awscli '
        f'"$@" --endpoint-url http://{cloud}'
    ]


def _tool(lab: Lab, name: str, *lines: str) -> None:
    write(lab.bin / name, "\n".join(["#!/bin/sh", *lines, ""]), mode=0o700)
