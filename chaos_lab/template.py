"""What every lab is copied from: a cold PostgreSQL cluster with roles, schema and data, and certificates.

Built once per digest of our sources and PostgreSQL's version. Three copies of one cold cluster are a
primary and two valid standbys, so no `pg_basebackup` is needed at start. The cluster is set up in
single-user mode: no server is started for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos_lab import certificates, places, postgresql, schema
from chaos_lab.errors import LabProblem

Say = Callable[[str], None]
_OLD_S = 7 * 24 * 3600.0  # templates of other checkouts go when nobody has used them for so long


@dataclass(frozen=True)
class Template:
    """A finished template."""

    dir: Path
    programs: postgresql.Installation
    user: postgresql.User
    passwords: dict[str, str]

    @property
    def cluster(self) -> Path:
        return self.dir / "data" / "cluster"

    @property
    def tls(self) -> Path:
        return self.dir / "tls"


def digest(version: str) -> str:
    """Names the template: twelve hexadecimal digits over our sources and PostgreSQL's version."""
    total = hashlib.sha256(version.encode())
    package = Path(__file__).parent
    for path in sorted(package.glob("*.py")):
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:12]


def ensure(home: Path, say: Say) -> Template:
    """The template for these sources, built when it is not there. Several callers wait for one builder.

    Raises LabProblem (missing wheel, full disk, a lab home that the database's user cannot reach).
    """
    installed = postgresql.installed()
    user = postgresql.database_user()
    there = home / f"template-{digest(installed.version)}"
    with places.locked(home / "template.lock"):
        said = places.read_object(there / "template.json")
        if said is None or not Path(said["postgresql"]).is_dir():
            said = _build(home, there, installed, user, say)
        there.touch()
        _forget_old(home, there)
    return Template(
        there, postgresql.Installation(Path(said["postgresql"]), installed.version), user, said["passwords"]
    )


def _build(
    home: Path, there: Path, installed: postgresql.Installation, user: postgresql.User, say: Say
) -> dict[str, Any]:
    say("building the template (once per version)")
    for left in home.glob(".building-template-*"):  # we hold the lock: whoever made these is dead
        shutil.rmtree(left, ignore_errors=True)
    _check_reachable(home, user)
    programs = postgresql.reachable(installed, user, home)
    fresh = home / f".building-template-{os.getpid()}"
    try:
        fresh.mkdir(mode=0o711)
        (fresh / "tls").mkdir(mode=0o700)
        certificates.make(fresh / "tls")
        passwords = {role: secrets.token_hex(16) for role in postgresql.ROLES}
        _make_cluster(fresh / "data", programs, user, passwords)
        said: dict[str, Any] = {"postgresql": str(programs.root), "passwords": passwords}
        places.write(fresh / "template.json", json.dumps(said))
        shutil.rmtree(there, ignore_errors=True)
        fresh.rename(there)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return said


def _check_reachable(home: Path, user: postgresql.User) -> None:
    if user.name is None:
        return
    for place in [home, *home.parents]:
        if not place.stat().st_mode & 0o001:
            raise LabProblem(
                f"{home}: the user {user.name!r}, as whom PostgreSQL runs when root starts it, cannot enter "
                f"{place}. Set CHAOS_LAB_HOME to a directory that everybody can enter, such as /tmp/labs."
            )


def _make_cluster(
    parent: Path, programs: postgresql.Installation, user: postgresql.User, passwords: dict[str, str]
) -> None:
    parent.mkdir(mode=0o700)
    first = parent / "password"
    places.write(first, passwords[postgresql.SUPERUSER], owner=user.owner)
    if user.owner is not None:
        os.chown(parent, *user.owner)
    cluster = parent / "cluster"
    postgresql.run(
        user,
        programs.program("initdb"),
        *("-D", cluster, "-U", postgresql.SUPERUSER, "-A", "scram-sha-256", "--pwfile", first),
        *("--set", f"scram_iterations={postgresql.SETTINGS['scram_iterations']}"),
        *("--wal-segsize=1", "--locale=C", "--encoding=UTF8", "--no-sync", "--no-instructions"),
    )
    first.unlink()
    settings = "".join(f"{name} = {value}\n" for name, value in sorted(postgresql.SETTINGS.items()))
    places.write(
        cluster / "postgresql.conf",
        "# Every node of a lab has this file; its name, port and addresses are on its command line.\n"
        f"datestyle = 'iso, ymd'\ntimezone = 'UTC'\nlog_timezone = 'UTC'\n{settings}",
        owner=user.owner,
    )
    rules = f"local all all scram-sha-256\n{postgresql.HOST_RULES}"
    places.write(cluster / "pg_hba.conf", rules, owner=user.owner)

    def single(database: str, *statements: str) -> None:
        options = (
            "--single",
            "-D",
            cluster,
            "-c",
            "exit_on_error=on",
            "-c",
            "synchronous_standby_names=",
            "-c",
            "archive_mode=off",
            database,
        )
        postgresql.run(user, programs.program("postgres"), *options, stdin="\n".join(statements) + "\n")

    single(
        "template1",
        *(
            f"CREATE ROLE {role} LOGIN PASSWORD '{passwords[role]}'"
            for role in postgresql.ROLES
            if role != postgresql.SUPERUSER
        ),
        f"ALTER ROLE {postgresql.REPLICATOR} REPLICATION",
        # The services' statements hold what users wrote, and the others' are many and always the same.
        *(
            f"ALTER ROLE {role} SET log_min_duration_statement = -1"
            for role in (postgresql.APP, postgresql.PROBER, postgresql.REPLICATOR)
        ),
        # Who looks after a server must get in when others have taken every slot.
        f"GRANT pg_monitor, pg_use_reserved_connections TO {postgresql.PROBER}",
        # Three databases are three times 7 MB in each of three nodes; one and a template for more will do.
        f"ALTER DATABASE postgres RENAME TO {postgresql.DATABASE}",
        "UPDATE pg_database SET datistemplate = false WHERE datname = 'template0'",
        "DROP DATABASE template0",
    )
    single(postgresql.DATABASE, *schema.statements())


def _forget_old(home: Path, but: Path) -> None:
    for old in home.glob("template-*"):
        with contextlib.suppress(OSError):
            is_one = (old / "template.json").is_file()  # somebody's home directory may be the lab home
            if is_one and old != but and time.time() - old.stat().st_mtime > _OLD_S:
                shutil.rmtree(old, ignore_errors=True)
