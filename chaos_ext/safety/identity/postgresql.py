"""A PostgreSQL cluster is known by the system identifier that initdb gave it.

A replica, and whatever is restored from a physical copy or a snapshot of the disk, has the same one as its
original. Where the dedicated environment is filled that way, prove `marker` too: a setting that only its own
database has (``ALTER DATABASE app SET chaos.marker = 'dedicated'``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.safety.identity.proof import Proof, Seen, no_answer, not_installed, text_of

_CONNECT_S = 3
# libpq takes what a connection string leaves out from variables of the process. An empty value keeps them away; a
# service (PGSERVICE) cannot be kept away, but may only say what is not said here.
_NOT_FROM_THE_PROCESS = {
    "hostaddr": "", "port": "5432", "password": "", "passfile": os.devnull, "options": "",
    "target_session_attrs": "any", "channel_binding": "prefer", "application_name": "chaos-identity",
}  # fmt: skip
# What psql and libpq are pinned to by variables of their own. Anything else in the URL would decide the proof and not
# what acts after it: several hosts of which another one may answer, an address that wins over the host.
_PINNED = {
    "host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER", "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
}  # fmt: skip
_HARMLESS = ("application_name", "connect_timeout", "client_encoding")
_HOW_MANY_PASSWORDS = ("passfile", "password_env", "password_file")


def see(expected: Mapping[str, str], facts: Mapping[str, Any]) -> Seen:
    """Read the system identifier of the server that `url` reaches. Raises Blocked."""
    try:
        import psycopg
    except ModuleNotFoundError as error:
        raise not_installed("postgresql", "psycopg", "lab") from error
    wanted = connection(expected)
    where = f"{wanted['host']}:{wanted['port']}"
    try:
        with psycopg.connect(**wanted, autocommit=True) as session:
            session.execute("SET statement_timeout = '3s'")
            identifier = _identifier(session, wanted)
            (marker,) = session.execute("SELECT current_setting('chaos.marker', true)").fetchone() or (None,)
    except psycopg.Error as error:
        raise no_answer("postgresql", where, str(error).strip().splitlines()[0]) from error
    said = {"system_identifier": text_of("postgresql", where, "system_identifier", identifier)}
    proofs = [
        Proof(t("PostgreSQL system identifier"), expected["system_identifier"], said["system_identifier"])
    ]
    said["marker"] = str(marker or "")
    if "marker" in expected:
        proofs.append(Proof(t("PostgreSQL setting chaos.marker"), expected["marker"], said["marker"]))
    return Seen(proofs, said)


def _identifier(session: Any, wanted: Mapping[str, Any]) -> str | None:
    import psycopg

    try:
        row = session.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
        return None if row is None else row[0]
    except psycopg.errors.InsufficientPrivilege:
        with psycopg.connect(**wanted, replication="database", autocommit=True) as walsender:
            answer = walsender.pgconn.exec_(
                b"IDENTIFY_SYSTEM"
            )  # the protocol of replication has no parameters
            value = answer.get_value(0, 0)
            return None if value is None else value.decode()


def connection(expected: Mapping[str, str]) -> dict[str, Any]:
    """What to connect with: only what the environment says, nothing of the process's own variables. Raises Blocked."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        said = {key: value for key, value in conninfo_to_dict(expected["url"]).items() if value is not None}
    except ProgrammingError as error:
        raise _refused("url", t("what is no connection string")) from error
    if said.get("password"):
        raise _refused("url", t("a password in it; name it with passfile, password_env or password_file"))
    if strange := [key for key in said if key not in (*_PINNED, *_HARMLESS)]:
        raise _refused("url", t("'{key}' in it; say one host, its port, dbname and user", key=strange[0]))
    if missing := [key for key in ("host", "dbname", "user") if not said.get(key)]:
        raise _refused("url", t("no {missing}", missing=missing[0]))
    if several := [key for key in ("host", "port") if "," in str(said.get(key, ""))]:
        raise _refused("url", t("more than one {key} in it; say the one that is meant", key=several[0]))
    how = [key for key in _HOW_MANY_PASSWORDS if key in expected]
    if len(how) > 1:
        raise _refused(how[1], t("a second way to the password"))
    wanted = {**_NOT_FROM_THE_PROCESS, "sslmode": "prefer", **said, **_password(expected)}
    return {**wanted, "connect_timeout": _CONNECT_S}


def _password(expected: Mapping[str, str]) -> dict[str, str]:
    if path := expected.get("passfile"):
        if not Path(path).expanduser().is_file():
            raise _refused("passfile", t("'{path}', which is no file", path=path))
        return {"passfile": str(Path(path).expanduser()), "password": ""}
    if name := expected.get("password_env"):
        if not os.environ.get(name):
            raise _refused("password_env", t("the unset variable {name}", name=name))
        return {"password": os.environ[name]}
    if path := expected.get("password_file"):
        try:
            return {"password": Path(path).expanduser().read_text(encoding="utf-8").removesuffix("\n")}
        except (OSError, UnicodeDecodeError) as error:
            raise _refused("password_file", t("'{path}', which cannot be read", path=path)) from error
    return {}


def _refused(key: str, got: str) -> Blocked:
    return Blocked(
        t("identity.postgresql.{key}: got {got}, expected a way to connect that is whole.", key=key, got=got)
    )


def pins(expected: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Variables that make psql and libpq reach the proven server, and no other."""
    wanted = connection(expected)
    names = {**_PINNED, "passfile": "PGPASSFILE"}
    found = {name: str(wanted[key]) for key, name in names.items() if wanted.get(key)}
    if wanted.get("password"):
        found["PGPASSWORD"] = str(wanted["password"])
    return found
