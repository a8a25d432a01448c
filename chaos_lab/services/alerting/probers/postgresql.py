"""What a client sees who connects to a PostgreSQL node now, and what the node tells about its sessions.

pg_up, pg_writable {node}        1 or 0
pg_writable_nodes                nodes that take writes, as a sum over all nodes
pg_connections_free {node}       slots left for normal roles; 0 when they are refused for want of one
pg_blocked_sessions {node}       sessions that wait for a lock
pg_longest_idle_transaction_s {node}   of a session that has a transaction open and does nothing
pg_replay_lag_s {node}           how old the oldest write is that the node has not replayed yet
pg_replay_paused {node}          1 when somebody paused it
pg_rows_deleted_total {node,table}
pg_rows_deleted_too_young {node,table}   in the last five minutes, of those that were to be kept for longer
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from bisect import bisect_right
from pathlib import Path
from typing import Any, ClassVar

import psycopg

from chaos_lab.services.alerting.probers.prober import Found, NoAnswer, Prober, series
from chaos_lab.services.database import hang_up
from chaos_lab.services.metrics import Labels
from chaos_lab.services.process import Config, address, log

_Row = tuple[Any, ...]

_REMEMBERED = 2400  # positions in the write-ahead log: 20 minutes at two looks a second
_PRIMARY_KNOWN_S = 2.5  # a primary that says nothing for longer does not tell how far the others should be

# A server that takes writes in principle but is set to refuse them is not writable either.
# Our own session is not counted: it is gone before anybody could want its slot.
QUESTION = """
    SELECT
        pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',
        current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
            - coalesce(current_setting('reserved_connections', true)::int, 0) - count(*),
        count(*) FILTER (WHERE wait_event_type = 'Lock'),
        coalesce(extract(epoch FROM max(clock_timestamp() - state_change)
            FILTER (WHERE state LIKE 'idle in transaction%'))::float8, 0),
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn,
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() - '0/0'::pg_lsn END,
        CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END,
        (SELECT json_object_agg(relname, n_tup_del) FROM pg_stat_user_tables)
    FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
# What triggers noted, of every table that has one; every node says the same, as soon as it has replayed it.
TOO_YOUNG = """
    SELECT tgrelid::regclass::text, coalesce(
        (SELECT sum(too_young) FROM deletions
         WHERE from_table = tgrelid::regclass::text AND at > now() - interval '5 minutes'), 0)
    FROM pg_trigger WHERE tgname = 'note_deletion' AND tgenabled <> 'D'
"""
_NO_SLOT = ("too many clients", "remaining connection slots", "too many connections for")


class WrittenLog:
    """How far the write-ahead log had been written, and when: what a replica has not replayed has an age."""

    def __init__(self) -> None:
        self._positions: list[int] = []
        self._times: list[float] = []

    def saw(self, position: int, at: float) -> None:
        if self._positions and position <= self._positions[-1]:
            return  # the time at which a position was first seen counts
        self._positions.append(position)
        self._times.append(at)
        if len(self._positions) > _REMEMBERED:
            del self._positions[0], self._times[0]

    def lag_s(self, replayed: int, now: float) -> float:
        """The age of the oldest position after `replayed`, 0 when there is none."""
        first = bisect_right(self._positions, replayed)
        return now - self._times[first] if first < len(self._times) else 0.0


class Cluster:
    """What the nodes' probers know of each other: who is primary, and how far it has written."""

    def __init__(self) -> None:
        self._primary, self._at, self._written = "", float("-inf"), WrittenLog()

    def primary_wrote(self, node: str, position: int, now: float) -> None:
        if node != self._primary:
            self._primary, self._written = node, WrittenLog()  # another history begins
        self._at = now
        self._written.saw(position, now)

    def written(self, now: float) -> WrittenLog | None:
        return self._written if now - self._at <= _PRIMARY_KNOWN_S else None


class Node:
    """One node."""

    every: ClassVar[int] = 1

    def __init__(self, name: str, where: str, login: dict[str, Any], cluster: Cluster) -> None:
        self.name = f"postgresql {name}"
        self._node = name
        self._host, self._port = address(where)
        self._login = login
        self._cluster = cluster
        self._received = WrittenLog()
        self._state = ""

    async def look(self) -> Found:
        try:
            row, too_young = await self._ask()
        except psycopg.Error as error:
            why = " ".join(str(error).split()) or type(error).__name__
            if any(text in why for text in _NO_SLOT):
                return self._full()
            raise NoAnswer(why) from None
        read_only, free, blocked, idle_s, written, replayed, paused, deleted = row
        now = time.monotonic()
        found = self._said("read-only" if read_only else "writable")
        labels: Labels = (("node", self._node),)
        found["pg_connections_free", labels] = float(max(0, free))
        found["pg_blocked_sessions", labels] = float(blocked)
        found["pg_longest_idle_transaction_s", labels] = float(idle_s)
        found["pg_replay_lag_s", labels] = self._lag_s(written, replayed, now)
        found["pg_replay_paused", labels] = float(paused)
        for table, number in (deleted or {}).items():
            found[series("pg_rows_deleted_total", node=self._node, table=table)] = float(number)
        for table, number in too_young:
            found[series("pg_rows_deleted_too_young", node=self._node, table=table)] = float(number)
        return found

    def failed(self) -> Found:
        return self._said("down")

    def _full(self) -> Found:
        """It answers, but has no slot for us; what it was before it still is."""
        found = self._said(self._state if self._state in ("writable", "read-only") else "full")
        found["pg_connections_free", (("node", self._node),)] = 0.0
        return found

    def _said(self, state: str) -> Found:
        if state != self._state:
            log("node", node=self._node, state=state, before=self._state or None)
            self._state = state
        labels: Labels = (("node", self._node),)
        writable = float(state == "writable")
        up = float(state != "down")
        return {("pg_up", labels): up, ("pg_writable", labels): writable, ("pg_writable_nodes", ()): writable}

    def _lag_s(self, written: Any, replayed: Any, now: float) -> float:
        if replayed is None:  # a primary
            if written is not None:
                self._cluster.primary_wrote(self._node, int(written), now)
            return 0.0
        if written is not None:
            self._received.saw(int(written), now)
        return (self._cluster.written(now) or self._received).lag_s(int(replayed), now)

    async def _ask(self) -> tuple[_Row, list[_Row]]:
        login = dict(self._login)
        if path := login.pop("password_file"):
            login["password"] = Path(path).read_text(encoding="utf-8").strip()
        connection = await psycopg.AsyncConnection.connect(
            host=self._host,
            port=self._port,
            **login,
            application_name="alerting",
            sslmode="disable",
            gssencmode="disable",
            autocommit=True,
        )
        asking = asyncio.ensure_future(self._rows(connection))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            # Not the driver's own way, which asks the server to cancel and waits for that.
            hang_up(connection)
            with contextlib.suppress(psycopg.Error):
                await asking
            raise
        finally:
            await connection.close()

    async def _rows(self, connection: psycopg.AsyncConnection[_Row]) -> tuple[_Row, list[_Row]]:
        row = await (await connection.execute(QUESTION)).fetchone()
        assert row is not None  # an aggregate
        try:
            return row, await (await connection.execute(TOO_YOUNG)).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
            return (
                row,
                [],
            )  # nobody notes deletions there, or we may not read them: the node answers all the same


def of_config(config: Config) -> list[Prober]:
    login = {
        "user": str(config["user"]),
        "dbname": str(config["dbname"]),
        "password_file": config.get("password_file"),
    }
    cluster = Cluster()
    return [Node(name, where, login, cluster) for name, where in config["postgresql"].items()]
