"""A ledger that several machines share: the same records in a PostgreSQL table, so that another machine can heal.

The table is only ever appended to (triggers refuse anything else). A record is durable (synchronous commit, and a
server that does not run with fsync off) before the call that wrote it returns. Every call has an end, also when the
server stands still, and opens a connection of its own: none is left over to be lost, or to be inherited by a child.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.masking import register
from chaos_ext.safety import book as books
from chaos_ext.safety.bounded import Bounded, Overdue
from chaos_ext.safety.entries import CLOCKS_DIFFER_S

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
_Rows = list[tuple[str, dict[str, Any]]]
VERSION = 1  # of the table
ANSWER_WITHIN_S = 8.0
_TURN_EVERY_S = 0.2
SCHEMA_NAME = "chaos_ledger"
_DDL = """
CREATE SCHEMA IF NOT EXISTS chaos_ledger;
CREATE TABLE chaos_ledger.version (version integer PRIMARY KEY, since timestamptz NOT NULL DEFAULT now());
INSERT INTO chaos_ledger.version (version) VALUES (1);
CREATE TABLE chaos_ledger.records (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  record uuid NOT NULL UNIQUE,
  environment text NOT NULL,
  instance text NOT NULL,
  subject text NOT NULL,
  state text NOT NULL,
  written timestamptz NOT NULL DEFAULT clock_timestamp(),
  body text NOT NULL
);
CREATE INDEX ON chaos_ledger.records (instance, subject, number DESC);
CREATE FUNCTION chaos_ledger.refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$BEGIN RAISE EXCEPTION 'chaos_ledger.% is only appended to', TG_TABLE_NAME; END$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON chaos_ledger.records
  FOR EACH STATEMENT EXECUTE FUNCTION chaos_ledger.refuse();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON chaos_ledger.version
  FOR EACH STATEMENT EXECUTE FUNCTION chaos_ledger.refuse();
"""
# What is still to be dealt with, whole: subjects whose last record does not end them.
_OPEN = """
SELECT number, body FROM chaos_ledger.records
WHERE (%(instance)s::text IS NULL OR instance = %(instance)s) AND (%(everything)s OR (instance, subject) IN (
  SELECT instance, subject FROM (
    SELECT DISTINCT ON (instance, subject) instance, subject, state FROM chaos_ledger.records
    WHERE %(instance)s::text IS NULL OR instance = %(instance)s
    ORDER BY instance, subject, number DESC
  ) AS latest WHERE state <> ALL (%(ends)s)
)) ORDER BY number
"""
_passwords: dict[str, str] = {}  # of this process's ledgers, by URL


def split(url: str) -> tuple[str, str | None]:
    """A URL as it may be shown, and its password, if it holds one. Raises ValueError when it is no such URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise ValueError("not postgresql://…/database")
    _ = parts.port  # raises ValueError
    user, at, host = parts.netloc.rpartition("@")
    name, colon, password = user.partition(":")
    query = parse_qsl(parts.query, keep_blank_values=True)
    hidden = [value for key, value in query if key == "password"]
    rest = urlencode([(key, value) for key, value in query if key != "password"], safe="/:,")
    shown = urlunsplit(("postgresql", f"{name}{at}{host}", parts.path, rest, ""))
    return shown, unquote(password) if colon else (hidden[0] if hidden else None)


def remember(url: str, password: str | None) -> None:
    """Use `password` for that ledger in this process; without one, libpq finds its own (~/.pgpass)."""
    if password is not None:
        _passwords[url] = password
        register.remember([password])


def password_of(url: str) -> str | None:
    """What `remember` was told."""
    return _passwords.get(url)


class Remote:
    """One shared ledger. Every method raises Blocked when it cannot do what it says."""

    def __init__(self, url: str) -> None:
        self.url = url  # without a password

    def append(
        self,
        record: dict[str, Any],
        unless: Callable[[_Rows, float], dict[str, Any] | None] | None = None,
        check_clock: bool = False,
    ) -> None:
        """Write one record (with `environment`, `instance`, `record`); a second time is nothing.

        `unless` gets what is open there and the server's time, nobody else writing meanwhile; it may raise to stop it,
        or return more for the record.
        `check_clock` refuses when this machine's clock and the server's differ.
        """

        def work(connection: psycopg.Connection[Any], now: float) -> None:
            if check_clock:
                self._refuse_wrong_clock(now)
            if unless is not None:
                key = f"{record['environment']}/{record['instance']}"
                connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
                record.update(unless(self._rows(connection, record["instance"], False), now) or {})
            connection.execute(
                "INSERT INTO chaos_ledger.records (record, environment, instance, subject, state, body)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (record) DO NOTHING",
                [
                    uuid.UUID(record["record"]), _cell(record["environment"]), _cell(record["instance"]),
                    record["entry"], record["state"],
                    json.dumps(record, ensure_ascii=False, default=str).encode(errors="replace").decode(),
                ],
            )  # fmt: skip

        self._do(work)

    def records(self, instance: str | None = None, everything: bool = False) -> tuple[_Rows, float]:
        """What is open (or ever was) in one instance, or in all, in the order of writing, each with its place.

        And how far this machine's clock is ahead of the server's, in seconds.
        """

        def work(connection: psycopg.Connection[Any], now: float) -> tuple[_Rows, float]:
            ahead_s = time.time() - now
            return self._rows(connection, instance, everything), ahead_s

        return self._do(work)

    @contextmanager
    def undoing(self, instance: str, waits: Callable[[str], None] | None) -> Iterator[None]:
        """Be the only machine that undoes in `instance`; waits for another one for as long as it is connected.

        `waits` is told that, once. Where the database cannot be asked it goes on without: undoing twice is harmless,
        not undoing is not.
        """
        turn: psycopg.Connection[Any] | None = None
        try:
            turn = self._bounded(self._connect)
            while not self._bounded(partial(_takes_turn, turn, instance)):
                if waits is not None:
                    waits(
                        t(
                            "waiting for another machine, which undoes in '{instance}' ({url})",
                            instance=instance,
                            url=self.url,
                        )
                    )
                    waits = None
                time.sleep(_TURN_EVERY_S)
        except Exception:  # noqa: BLE001, S110 - whatever became of it, an undo waits for no database
            pass
        try:
            yield
        finally:
            if turn is not None:
                turn.close()

    def _rows(self, connection: psycopg.Connection[Any], instance: str | None, everything: bool) -> _Rows:
        asked = {
            "instance": None if instance is None else _cell(instance),
            "everything": everything,
            "ends": list(books.ENDS),
        }
        found = []
        for number, body in connection.execute(_OPEN, asked):
            place = f"{self.url} chaos_ledger.records number {number}"
            try:
                found.append((place, books.record_of(body)))
            except books.Unreadable as error:
                raise books.damage(place, error) from error
        return found

    def _refuse_wrong_clock(self, now: float) -> None:
        differ_s = time.time() - now
        if abs(differ_s) > CLOCKS_DIFFER_S:
            raise Blocked(
                t(
                    "{url}: got a clock here that is {differ_s:.0f} s off the ledger's, expected at most "
                    "{most_s:g} s: other machines could not trust a lease. Set the clock (chronyc makestep); nothing "
                    "is injected.",
                    url=self.url,
                    differ_s=differ_s,
                    most_s=CLOCKS_DIFFER_S,
                )
            )

    def _do(self, work: Callable[[psycopg.Connection[Any], float], T]) -> T:
        """Do `work` in one transaction, within ANSWER_WITHIN_S."""

        given_up = threading.Event()

        def all_of_it() -> T:
            with self._connected() as connection, connection.transaction():
                done = work(connection, self._ready(connection))
                if given_up.is_set():
                    raise Overdue  # our caller was told that nothing was written
                return done

        return self._bounded(all_of_it, given_up.set)

    def _bounded(self, work: Callable[[], T], if_overdue: Callable[[], None] | None = None) -> T:
        try:
            return Bounded(f"ledger {self.url}", work).wait(ANSWER_WITHIN_S)
        except Overdue as error:
            if if_overdue is not None:
                if_overdue()
            raise self._unreachable(error) from error

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        connection = self._connect()
        import psycopg

        try:
            with connection:
                yield connection
        except psycopg.Error as error:
            raise self._unreachable(error) from error

    def _connect(self) -> psycopg.Connection[Any]:
        try:
            import psycopg
        except ModuleNotFoundError as error:
            raise Blocked(
                t(
                    "{url}: got no Python package 'psycopg', expected it for a shared ledger. Install it: pip install "
                    "'chaos-ext[ledger]'.",
                    url=self.url,
                )
            ) from error
        more: dict[str, Any] = {"password": _passwords[self.url]} if self.url in _passwords else {}
        try:
            return psycopg.connect(
                self.url, autocommit=True, connect_timeout=3, application_name="chaos-ext ledger", **more
            )
        except psycopg.Error as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> Blocked:
        said = " ".join(str(error).split()) or type(error).__name__
        said = register.hide(said)
        return Blocked(
            t(
                "{url}: got {error}, expected the ledger to answer. Without it nothing is injected. See that the "
                "database is up and may be reached from here, then run the command again.",
                url=self.url,
                error=said,
            )
        )

    def _ready(self, connection: psycopg.Connection[Any]) -> float:
        """Make the transaction durable and the table be there; the server's time. Raises Blocked on any doubt."""
        connection.execute("SET LOCAL synchronous_commit = on")
        connection.execute("SET LOCAL statement_timeout = '5s'")
        connection.execute("SET LOCAL lock_timeout = '5s'")
        # A client that stands still in the middle must not keep the others out.
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = '5s'")
        there = "SELECT to_regclass('chaos_ledger.version') IS NOT NULL"
        if not _one(connection, there)[0]:
            connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('chaos_ledger', 0))")
            if not _one(connection, there)[0]:
                connection.execute(_DDL)
        version, fsync, now = _one(
            connection,
            "SELECT (SELECT max(version) FROM chaos_ledger.version), current_setting('fsync'), "
            "extract(epoch FROM clock_timestamp())::float8",
        )
        if version != VERSION:
            raise Blocked(
                t(
                    "{url}: got a ledger of version {version}, expected {ours}: a newer chaos-ext made it. Upgrade "
                    "chaos-ext here; with this version nothing is injected or undone there.",
                    url=self.url,
                    version=version,
                    ours=VERSION,
                )
            )
        if fsync != "on":
            raise Blocked(
                t(
                    "{url}: got a server with fsync off, expected one that keeps what it was given when its machine "
                    "loses power. Nothing is injected.",
                    url=self.url,
                )
            )
        return float(now)


def _cell(text: str) -> str:
    """`text` as a column can hold it; the record itself keeps it as it is."""
    return text.replace("\0", "\\0")


def _one(connection: psycopg.Connection[Any], query: LiteralString) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None  # it asks for one row
    return tuple(row)


def _takes_turn(connection: psycopg.Connection[Any], instance: str) -> bool:
    """Whether this connection has the lock on undoing there; it goes with the connection."""
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 1))", [instance]).fetchone()
    return row is not None and bool(row[0])
