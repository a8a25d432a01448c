"""`pg-clone`: the primary as it was at a moment, as a server of its own beside it.

What `gcloud sql instances clone --point-in-time` is in life: the base copy that every node of the lab began
as, and the archived write-ahead log up to the moment. The clone takes writes, follows nobody and is
followed by nobody. Standard library only: this starts as a tool.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos_lab import health, places, ports, postgresql
from chaos_lab.errors import LabProblem, PortTaken
from chaos_lab.places import Lab
from chaos_lab.processes import MARK

READY_WITHIN_S = 60.0
ARCHIVED_WITHIN_S = 10.0
_ATTEMPTS = 3  # when somebody takes the port between our look and the bind
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_READY = "database system is ready to accept connections"
_LAST = re.compile(r"last completed transaction was at log time (.+)")


@dataclass(frozen=True)
class Source:
    """What clones are made from, as written down when the lab was laid out."""

    base: Path
    programs: postgresql.Installation
    user: postgresql.User
    since: str
    ports: str

    @staticmethod
    def of(lab: Lab) -> Source:
        said = places.read_object(lab.conf / "pg-clone.json")
        if said is None:
            raise LabProblem(f"pg-clone: {lab.conf / 'pg-clone.json'}: cannot be read. Is the lab up?")
        return Source(
            Path(said["base"]),
            postgresql.Installation(Path(said["programs"]), ""),
            postgresql.User(said["user"], said["uid"], said["gid"]),
            said["since"],
            said["ports"],
        )

    def write(self, lab: Lab) -> None:
        said = {
            "base": str(self.base),
            "programs": str(self.programs.root),
            "user": self.user.name,
            "uid": self.user.uid,
            "gid": self.user.gid,
            "since": self.since,
            "ports": self.ports,
        }
        places.write(lab.conf / "pg-clone.json", json.dumps(said, indent=1) + "\n")


def create(lab: Lab, name: str, at: str) -> str:
    """Make and start the clone; what to say about it. Raises LabProblem; then nothing of it is left."""
    source, directory = Source.of(lab), lab.data / f"clone-{name}"
    if not _NAME.fullmatch(name):
        raise LabProblem(
            f"pg-clone: got name {name!r}, expected up to 31 small letters, digits and hyphens that begin "
            "with a letter, such as 'before-the-deletion'."
        )
    if name in _sections(lab) or directory.exists():
        raise LabProblem(f"pg-clone: {name}: there is a server of this name already.")
    moment = _moment(lab, at, source.since)
    _archive_everything(lab)
    try:
        shutil.rmtree(directory, ignore_errors=True)
        subprocess.run(
            ["cp", "-a", str(source.base), str(directory)], stdin=subprocess.DEVNULL, check=True, timeout=60
        )
        _prepare(directory, source.user, moment)
        port = _start(lab, source, directory, name)
    except subprocess.SubprocessError as error:
        _remove(source, directory)
        raise LabProblem(f"pg-clone: copying {source.base}: {error}") from None
    except BaseException:
        _remove(source, directory)
        raise
    section = (
        f"[{name}]\nhost=127.0.0.1\nport={port}\nuser={postgresql.SUPERUSER}\n"
        f"dbname={postgresql.DATABASE}\nsslmode=disable\ngssencmode=disable\n"
    )
    _write_sections(lab, source, {**_sections(lab), name: section})
    last = _LAST.search(_log(lab, name).read_text(encoding="utf-8", errors="replace"))
    ends = f"its last transaction is of {last[1]}" if last else "nothing had been written since the lab began"
    return f"{name}: the database as of {moment}; {ends}\npsql service={name}"


def drop(lab: Lab, name: str) -> str:
    """End and remove a clone."""
    source, directory = Source.of(lab), lab.data / f"clone-{name}"
    if not _NAME.fullmatch(name) or not directory.is_dir():
        there = ", ".join(sorted(path.name.removeprefix("clone-") for path in lab.data.glob("clone-*")))
        raise LabProblem(f"pg-clone: got {name!r}, expected a clone that is there ({there or 'none'}).")
    _write_sections(lab, source, {one: said for one, said in _sections(lab).items() if one != name})
    _remove(source, directory)
    return f"{name}: gone"


def _moment(lab: Lab, at: str, since: str) -> str:
    """The moment as PostgreSQL understands it, in UTC. Raises LabProblem when no clone can be of then."""
    quoted = at.replace("'", "''")
    sql = (
        f"SELECT at AT TIME ZONE 'UTC' || '+00', at > now(), at < timestamptz '{since}' "
        f"FROM (SELECT timestamptz '{quoted}' AS at) AS asked"
    )
    problem = "no node"
    for node in postgresql.NODES:
        said, problem = health.query(lab, node, sql)
        if not problem:
            moment, ahead, too_early = said.split("|")
            if ahead == "t":
                raise LabProblem(f"pg-clone: --at {at}: got {moment}, expected a moment that is past.")
            if too_early == "t":
                raise LabProblem(
                    f"pg-clone: --at {at}: got {moment}, expected a moment after {since}, when the archive begins."
                )
            return moment
        if "ERROR:" in problem:  # it was asked, and did not understand
            raise LabProblem(
                f"pg-clone: --at: got {at!r}, expected a moment such as '2026-11-24 03:12:45+00'."
            )
    raise LabProblem(f"pg-clone: no node of the database can be asked: {problem}")


def _archive_everything(lab: Lab) -> None:
    """Have the primary archive what it has written so far, and a transaction after it, at which recovery stops."""
    for node in postgresql.NODES:
        said, problem = health.query(
            lab,
            node,
            "SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_xact_id()::text END",
        )
        if problem or not said:
            continue
        file, problem = health.query(lab, node, "SELECT pg_walfile_name(pg_switch_wal())")
        deadline = time.monotonic() + ARCHIVED_WITHIN_S
        while not problem and not (lab.archive / file).exists():
            if time.monotonic() > deadline:
                problem = f"{file} is not in {lab.archive} after {ARCHIVED_WITHIN_S:g} s"
            time.sleep(0.01)
        if problem:
            raise LabProblem(f"pg-clone: {node}: {problem}")
        return
    print("pg-clone: no node takes writes: the clone ends where the archive does", file=sys.stderr)


def _prepare(directory: Path, user: postgresql.User, moment: str) -> None:
    settings = {
        "archive_mode": "off",  # what happens to the clone is none of the primary's history
        "recovery_target_action": "'promote'",
        "recovery_target_time": f"'{moment}'",
        "restore_command": "'cp ../archive/%f %p'",
        "synchronous_standby_names": "''",
    }
    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    places.write(directory / "postgresql.auto.conf", lines, owner=user.owner)
    places.write(directory / "recovery.signal", "", owner=user.owner)


def _start(lab: Lab, source: Source, directory: Path, name: str) -> int:
    """Start the server on a free port and wait until it has recovered; the port."""
    if source.ports:
        os.environ["CHAOS_LAB_PORTS"] = source.ports
    for attempt in range(1, _ATTEMPTS + 1):
        taken = {
            port
            for other in places.all_labs(lab.dir.parent)
            for port in ((other.state() or {}).get("ports") or {}).values()
        }
        port = ports.choose([name], taken)[name]
        try:
            _run(lab, source, directory, name, port)
        except PortTaken:
            if attempt == _ATTEMPTS:
                raise
            continue
        return port
    raise AssertionError("unreachable")


def _run(lab: Lab, source: Source, directory: Path, name: str, port: int) -> None:
    user, log = source.user, _log(lab, name)
    as_user: dict[str, Any] = {}
    if user.name is not None:
        as_user = {"user": user.uid, "group": user.gid, "extra_groups": []}
    marker = (lab.state() or {}).get("marker", "")
    with log.open("wb") as out:
        server = subprocess.Popen(
            [
                *(str(source.programs.program("postgres")), "-D", str(directory), "-p", str(port)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                *("-c", f"cluster_name={name.replace('-', '_')}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.defpath, "HOME": str(lab.data), MARK: f"{marker} {lab.dir}"},
            umask=0o077,
            start_new_session=True,  # it outlives us and our terminal
            **as_user,
        )
    deadline = time.monotonic() + READY_WITHIN_S
    while _READY not in (said := log.read_text(encoding="utf-8", errors="replace")):
        if server.poll() is not None:
            raise _why_ended(name, said)
        if time.monotonic() > deadline:
            raise LabProblem(f"pg-clone: {name}: not recovered after {READY_WITHIN_S:g} s; see {log}")
        time.sleep(0.01)


def _why_ended(name: str, log: str) -> LabProblem:
    if "Address already in use" in log:
        return PortTaken(f"pg-clone: {name}: its port was taken meanwhile. Try again.")
    fatal = [line.partition("FATAL:")[2].strip() for line in log.splitlines() if "FATAL:" in line]
    return LabProblem(
        f"pg-clone: {name}: ended while recovering: {fatal[-1] if fatal else 'it said nothing'}"
    )


def _remove(source: Source, directory: Path) -> None:
    if (directory / "postmaster.pid").exists():
        stop = ("stop", "-D", directory, "-m", "immediate", "-w", "-t", "10")
        with contextlib.suppress(LabProblem):  # it ended by itself meanwhile
            postgresql.run(source.user, source.programs.program("pg_ctl"), *stop)
    shutil.rmtree(directory, ignore_errors=True)


def _log(lab: Lab, name: str) -> Path:
    return lab.logs / f"clone-{name}.log"


def _sections(lab: Lab) -> dict[str, str]:
    """The service file, by its sections."""
    text = (lab.clients / "pg_service.conf").read_text(encoding="utf-8")
    return {part.partition("]")[0]: f"[{part}" for part in text.split("[")[1:]}


def _write_sections(lab: Lab, source: Source, sections: dict[str, str]) -> None:
    text = "\n".join(section.rstrip("\n") + "\n" for section in sections.values())
    places.write(lab.clients / "pg_service.conf", text, owner=source.user.owner)


def main() -> None:
    """The tool; exit 1 with a line that says why, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(
        prog="pg-clone",
        description="A server with the database as it was at a moment, recovered from base copy and archive.",
        epilog="example: pg-clone create --at '2026-11-24 03:12:45+00' before",
    )
    parser.add_argument("--lab", type=Path, required=True, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    made = commands.add_parser("create", help="make and start a clone", description=create.__doc__)
    made.add_argument(
        "--at", required=True, metavar="TIMESTAMP", help="as PostgreSQL reads it; UTC without a zone"
    )
    made.add_argument("name", metavar="NAME", help="what psql calls it: psql service=NAME")
    made = commands.add_parser("drop", help="end and remove a clone", description=drop.__doc__)
    made.add_argument("name", metavar="NAME")
    arguments = parser.parse_args()
    lab = Lab(arguments.lab)
    try:
        with places.locked(lab.run / "pg-clone.lock"):
            if arguments.command == "create":
                print(create(lab, arguments.name, arguments.at))
            else:
                print(drop(lab, arguments.name))
    except LabProblem as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"pg-clone: {error.filename or 'file'}: {error.strerror}", file=sys.stderr)
        sys.exit(1)
