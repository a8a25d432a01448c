"""PostgreSQL for a service that must answer in time, whatever the database does.

psycopg's own pool reconnects in the background with growing pauses, and psycopg cancels a query that
takes too long and waits for that. Here the next request connects itself, so the service is back as
soon as the database is, and a connection that is late is hung up: the caller is answered within its
time limit even when nothing comes back over the network.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg

from chaos_lab.services.calling import Names, Unavailable
from chaos_lab.services.process import BadConfig, log
from chaos_lab.services.secrets import Login

T = TypeVar("T")
Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Operation = Callable[[Connection], Awaitable[T]]


__all__ = ["Connection", "Database", "Operation", "Settings", "Unavailable", "hang_up"]


class _Dead(Unavailable):
    """The connection is gone; whether the database is, is not known yet."""


@dataclass(frozen=True)
class Settings:
    """Where a service's database is and how long the service waits for it."""

    names: Names
    node: str
    login: Login = field(repr=False)
    dbname: str
    connect_timeout_s: float
    query_timeout_s: float  # everything that one request waits for: a free connection, connecting, the query
    pool_size: int
    connection_lifetime_s: float  # no connection is kept longer
    read_only: bool = False
    wait_s: float | None = None  # of that for a free connection; more would leave too little for the query

    @staticmethod
    def of(
        config: dict[str, Any],
        release: dict[str, Any],
        names: Names,
        login: Login,
        *,
        read_only: bool = False,
    ) -> Settings:
        """From a part's own configuration and the release's. Raises BadConfig or KeyError."""
        try:
            return Settings(
                names=names,
                node=str(release["database"]),
                login=login,
                dbname=str(config["dbname"]),
                connect_timeout_s=float(release["connect_timeout_s"]),
                query_timeout_s=float(release["query_timeout_s"]),
                pool_size=int(release["pool_size"]),
                connection_lifetime_s=float(release["connection_lifetime_s"]),
                read_only=read_only,
            )
        except (TypeError, ValueError) as error:
            raise BadConfig(f"config.json: {error}") from None


@dataclass(eq=False)
class _Kept:
    """A connection and when it has to go, by the event loop's clock."""

    connection: Connection
    until: float


class Database:
    """At most `pool_size` connections, made when needed and kept for a while."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.busy = 0  # operations under way and waiting
        self._idle: list[_Kept] = []  # the last used is used first, so that rarely needed ones stay idle
        self._slots = asyncio.Semaphore(settings.pool_size)

    async def run(self, operation: Operation[T]) -> T:
        """What `operation(connection)` returns; the connection commits each statement by itself.

        The operation runs a second time when a kept connection turns out to be dead, so it must be
        safe to repeat. Raises Unavailable within ``query_timeout_s``; errors in the statement itself
        pass through.
        """
        settings = self.settings
        now = asyncio.get_running_loop().time()
        deadline = now + settings.query_timeout_s
        self.busy += 1
        try:
            try:
                async with asyncio.timeout_at(deadline if settings.wait_s is None else now + settings.wait_s):
                    await self._slots.acquire()
            except TimeoutError:
                raise Unavailable(f"all {settings.pool_size} connections are busy") from None
            try:
                while self._idle:
                    kept = self._idle.pop()
                    try:
                        return await self._use(kept, operation, deadline)
                    except _Dead:
                        continue  # a restart of the database leaves dead connections behind
                return await self._use(await self._connect(deadline), operation, deadline)
            finally:
                self._slots.release()
        finally:
            self.busy -= 1

    async def close(self) -> None:
        """Closes what is kept."""
        while self._idle:
            await self._idle.pop().connection.close()

    async def _use(self, kept: _Kept, operation: Operation[T], deadline: float) -> T:
        loop = asyncio.get_running_loop()
        connection = kept.connection
        alarm = loop.call_at(deadline, hang_up, connection)
        keep = False
        try:
            result = await operation(connection)
            keep = True
            return result
        except psycopg.errors.ReadOnlySqlTransaction as error:
            # A standby. The name may lead to the new primary soon, so do not keep this connection.
            raise Unavailable(_why(error)) from None
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if loop.time() >= deadline:
                raise Unavailable(f"no answer within {self.settings.query_timeout_s:g} s") from None
            keep = not connection.closed
            raise (Unavailable if keep else _Dead)(_why(error)) from None
        except (psycopg.Error, Unavailable):
            keep = True  # the statement is wrong, or what else the operation needs; the connection is not
            raise
        finally:
            alarm.cancel()
            if keep and not connection.closed and loop.time() < kept.until:
                self._idle.append(kept)
            else:
                if not keep:
                    hang_up(connection)
                await connection.close()

    async def _connect(self, deadline: float) -> _Kept:
        settings = self.settings
        loop = asyncio.get_running_loop()
        limit = min(deadline, loop.time() + settings.connect_timeout_s)
        host, port = settings.names.address(settings.node)  # anew each time: names change while services run
        try:
            async with asyncio.timeout_at(limit):
                connection: Connection = await psycopg.AsyncConnection.connect(
                    host=host,
                    port=port,
                    user=settings.login.user,
                    password=settings.login.password,
                    dbname=settings.dbname,
                    application_name=settings.names.caller,
                    client_encoding="UTF8",
                    sslmode="disable",
                    gssencmode="disable",
                    # The server ends a statement before we would hang up: then nothing was stored for
                    # sure, and the connection stays. It does not end the wait for a standby at commit.
                    # And it ends a transaction of ours that hangs, with all that this holds up.
                    options=f"-c statement_timeout={int(settings.query_timeout_s * 800)}"
                    f" -c idle_in_transaction_session_timeout={int(settings.query_timeout_s * 1000) + 500}"
                    + (" -c default_transaction_read_only=on" if settings.read_only else ""),
                    autocommit=True,
                )
        except TimeoutError:
            raise Unavailable(f"{settings.node} does not accept a connection in time") from None
        except psycopg.Error as error:
            raise Unavailable(_why(error)) from None
        log("connected", level="debug", node=settings.node, to=f"{host}:{port}")
        kept = _Kept(connection, loop.time() + settings.connection_lifetime_s)
        loop.call_at(kept.until, self._expire, kept)
        return kept

    def _expire(self, kept: _Kept) -> None:
        """Closes a connection that is too old. One that is in use is closed when that is over."""
        if kept in self._idle:
            self._idle.remove(kept)
            kept.connection.pgconn.finish()


def hang_up(connection: Connection) -> None:
    """Shuts the socket down, so that whoever waits for the connection gets an error at once.

    Not a cancel request: cancelling a COMMIT that waits for its standby makes PostgreSQL show and
    keep a row that no standby has, and a promotion would lose it.
    """
    with (
        contextlib.suppress(psycopg.Error, OSError),
        socket.socket(fileno=os.dup(connection.fileno())) as end,
    ):
        end.shutdown(socket.SHUT_RDWR)


def _why(error: psycopg.Error) -> str:
    return " ".join(str(error).split()) or type(error).__name__
