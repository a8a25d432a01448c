"""The table behind the index: SQLite in a file beside the runs, or PostgreSQL by URL for a team.

A row is what `entries.read` found in a bundle, and a digest of that. Nothing in the table is true because it stands
there: every row is checked against its digest at each use, and the table can be made again at any time.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from chaos_ext.errors import Problem, UsageError
from chaos_ext.history.entries import Entry
from chaos_ext.language import t
from chaos_ext.masking import register

VERSION = 1
_BETWEEN = ", "  # the words of a cell
_LISTS = ("reasons", "flags", "arms")
_PATIENCE_S = 30.0  # with somebody else who writes
_PARTS = 500  # rows in one statement
_tables = sa.MetaData()
_version = sa.Table("chaos_index", _tables, sa.Column("version", sa.Integer, primary_key=True))
_runs = sa.Table(
    "chaos_runs",
    _tables,
    sa.Column("place", sa.String, primary_key=True),  # machine and folder; empty in a file of our own
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("mode", sa.String, nullable=False),
    sa.Column("environment", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("verdict", sa.String, nullable=False),
    sa.Column("reasons", sa.String, nullable=False),
    sa.Column("flags", sa.String, nullable=False),
    sa.Column("exit_code", sa.Integer),
    sa.Column("arms", sa.String, nullable=False),
    sa.Column("trials", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Float),
    sa.Column("detect_s", sa.Float),
    sa.Column("recover_s", sa.Float),
    sa.Column("lost", sa.Integer),
    sa.Column("seal", sa.String, nullable=False),
    sa.Column("removed", sa.String, nullable=False),
    sa.Column("digest", sa.Integer, nullable=False),
)
# What a verdict was earned with, of runs whose bundles are on other machines: without it nobody knows what is stale.
_facts = sa.Table(
    "chaos_run_facts",
    _tables,
    sa.Column("place", sa.String, primary_key=True),
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("run", sa.Text, nullable=False),
)
COLUMNS = tuple(_runs.columns.keys())
Row = tuple[Any, ...]  # of `_runs`, as it is stored
PLACE, RUN_ID, MODE, ENVIRONMENT, VERDICT = 0, 1, 2, 3, 5


class Unusable(Exception):
    """The index cannot be believed or reached; the text says why."""


class Missing(Unusable):
    """There is no index there yet."""


class Busy(Unusable):
    """Somebody else writes to it, and did not come to an end."""


class Store:
    """The index at `url`. Every method raises Unusable when the database does not do what it should."""

    def __init__(self, url: str | sa.URL) -> None:
        known = _with_driver(url)
        patience = {"timeout": _PATIENCE_S} if known.get_backend_name() == "sqlite" else {}
        pool = sa.pool.NullPool  # nothing stays open
        self._engine = sa.create_engine(known, poolclass=pool, connect_args=patience)
        self.shared = self._engine.dialect.name != "sqlite"
        self._error: type[Exception] = self._engine.dialect.loaded_dbapi.Error

    def rows(self) -> Sequence[Row]:
        """Every row, the newest first, once each is what was written. Raises Unusable when one is not."""
        try:
            found = self._all()
        except (SQLAlchemyError, self._error) as error:
            if self._is_new():
                raise _unusable(error, Missing) from error
            try:
                found = self._all()  # somebody else may have made it between our two looks
            except (SQLAlchemyError, self._error):
                raise _unusable(error) from error
        for row in found:
            if _digest(row[:-1]) != row[-1]:
                raise Unusable(t("its row of {run} is not what was written", run=row[RUN_ID]))
        return sorted(found, key=_run_id, reverse=True)  # nearly free: they come in the order of their key

    def _all(self) -> Sequence[Row]:
        """Every row as the driver gives it: of 20,000, wrapping each costs a third of the whole answer."""
        with self._engine.connect() as connection:
            version = connection.execute(sa.select(_version.c.version)).scalar()
            if version != VERSION:
                raise Unusable(t("it is of version {version}, not {ours}", version=version, ours=VERSION))
            cursor = connection.connection.cursor()
            cursor.execute(str(sa.select(_runs).compile(self._engine)))
            return cursor.fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """One transaction, from its beginning the only one that writes: several may find the same runs at once."""
        if self.shared:
            with self._engine.begin() as connection:
                connection.execute(
                    sa.text("SELECT pg_advisory_xact_lock(hashtextextended('chaos_index', 0))")
                )
                yield connection
            return
        # sqlite3 itself begins no transaction before a table is made or dropped
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                with suppress(SQLAlchemyError):  # a full disk has rolled it back already
                    connection.exec_driver_sql("ROLLBACK")
                raise

    def _is_new(self) -> bool:
        try:
            with self._engine.connect() as connection:
                return not sa.inspect(connection).has_table(_version.name)
        except SQLAlchemyError:
            return False

    def make(self, place: str) -> None:
        """Tables that are empty of the runs of `place`; those of other places stay when they can."""
        try:
            with self._writing() as connection:
                there = sa.inspect(connection)
                known = there.has_table(_version.name)
                version = connection.execute(sa.select(_version.c.version)).scalar() if known else None
                if version is not None and version > VERSION and self.shared:
                    raise UsageError([_newer(self._engine.url.render_as_string(), version)])
                if version != VERSION:
                    _tables.drop_all(connection)
                    _tables.create_all(connection)
                    connection.execute(_version.insert().values(version=VERSION))
                for table in (_runs, _facts):
                    connection.execute(table.delete().where(table.c.place == place))
        except SQLAlchemyError as error:
            raise _unusable(error) from error

    def write(
        self, place: str, found: Iterable[Entry], gone: Collection[str], facts: Mapping[str, Any]
    ) -> None:
        """Write rows over those of the same runs, and take out those of runs that are `gone`."""
        rows = [as_row(place, each) for each in found]
        ids = [*gone, *(row[RUN_ID] for row in rows)]
        more = [{"place": place, "run_id": run, "run": json.dumps(each)} for run, each in facts.items()]
        try:
            with self._writing() as connection:
                for start in range(0, len(ids), _PARTS):
                    part = ids[start : start + _PARTS]
                    for table in (_runs, _facts):
                        of = (table.c.place == place) & table.c.run_id.in_(part)
                        connection.execute(table.delete().where(of))
                if rows:
                    connection.execute(_runs.insert(), [dict(zip(COLUMNS, row, strict=True)) for row in rows])
                if more:
                    connection.execute(_facts.insert(), more)
        except SQLAlchemyError as error:
            raise _unusable(error) from error

    def facts(self, place: str, run_id: str) -> dict[str, Any]:
        """What run.json of a run says that is kept elsewhere; empty when nobody wrote that down."""
        of = (_facts.c.place == place) & (_facts.c.run_id == run_id)
        try:
            with self._engine.connect() as connection:
                text = connection.execute(sa.select(_facts.c.run).where(of)).scalar()
            value = json.loads(text) if text else {}
        except (SQLAlchemyError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}


def in_file(path: Path) -> sa.URL:
    """The URL of an index in a file."""
    return sa.URL.create("sqlite", database=str(path))


def as_row(place: str, found: Entry) -> Row:
    """A run as the table holds it."""
    values = [_BETWEEN.join(each) if isinstance(each, tuple) else each for each in found[:-1]]
    row = (place, *values)
    return (*row, _digest(row))


def as_entry(row: Row, here: str) -> Entry:
    """A row as a run; `here` is the place whose runs need no name."""
    found = Entry._make((*row[1:-1], "" if row[PLACE] == here else row[PLACE]))
    lists = {name: tuple(filter(None, str(getattr(found, name)).split(_BETWEEN))) for name in _LISTS}
    return found._replace(**lists)  # type: ignore[arg-type]


def _run_id(row: Row) -> str:
    return str(row[RUN_ID])


def _digest(row: Sequence[Any]) -> int:
    return zlib.crc32(repr(tuple(row)).encode()) & 0x7FFFFFFF  # fits an integer of every database


def _with_driver(url: str | sa.URL) -> sa.URL:
    try:
        made = sa.make_url(url)
    except SQLAlchemyError as error:
        raise UsageError([_no_url()]) from error
    if made.password:
        register.remember([made.password])
    if made.drivername in ("postgresql", "postgres"):
        return made.set(drivername="postgresql+psycopg")
    if made.get_backend_name() != "sqlite":
        raise UsageError([_no_url()])
    return made


def _no_url() -> Problem:
    return Problem(
        t("the index"),
        "",
        t("something else (not shown: it may hold a password)"),
        t("postgresql://user@host/database or sqlite:///path"),
    )


def _newer(url: str, version: int) -> Problem:
    hint = t("A newer chaos-ext made it. Upgrade chaos-ext here.")
    return Problem(url, "", t("an index of version {version}", version=version), str(VERSION), hint)


def _unusable(error: Exception, kind: type[Unusable] = Unusable) -> Unusable:
    cause = getattr(error, "orig", None) or error
    why = register.hide(" ".join(str(cause).split())) or type(error).__name__
    return (Busy if "locked" in why else kind)(why)
