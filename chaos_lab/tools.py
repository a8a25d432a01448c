"""The operators' tools of a lab: what a responder has on the PATH, bound to this lab.

They find their lab by what is written in them, so no variable has to be set. As root, PostgreSQL's
programs run as the database's OS user, so that what they write is what a server can read.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from chaos_lab.places import Lab, write
from chaos_lab.postgresql import Installation, User

_PROGRAMS = ("psql", "pg_basebackup", "pg_rewind", "pg_isready", "pg_controldata")
_OURS = {"release": "release", "pg-clone": "clone"}  # tool: the module with its main()
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


def write_all(lab: Lab, programs: Installation, user: User) -> None:
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
    package = str(Path(__file__).parents[1])
    for name, module in _OURS.items():
        # -S: nothing but the standard library, so it starts quickly.
        code = f"import sys; sys.path.insert(0, {package!r}); from chaos_lab.{module} import main; main()"
        _tool(lab, name, f'{python} -I -S -c {shlex.quote(code)} --lab {shlex.quote(str(lab.dir))} "$@"')


def _tool(lab: Lab, name: str, *lines: str) -> None:
    write(lab.bin / name, "\n".join(["#!/bin/sh", *lines, ""]), mode=0o700)
