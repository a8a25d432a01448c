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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from chaos_lab.services.process import BadConfig, address, log, read_json

T = TypeVar("T")
Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Operation = Callable[[Connection], Awaitable[T]]


class Unavailable(Exception):
    """The database did not do it in time, or cannot do it now. The message says why."""


class _Dead(Unavailable):
    """The connection is gone; whether the database is, is not known yet."""


@dataclass(frozen=True)
class Settings:
    """Where a service's database is and how long the service waits for it."""

    caller: str  # whose names to use: every caller has its own way through the network
    names: Path
    node: str
    user: str
    password_file: Path | None
    dbname: str
    connect_timeout_s: float
    query_timeout_s: float  # everything that one request waits for: a free connection, connecting, the query
    pool_size: int
    read_only: bool = False

    @staticmethod
    def of(config: dict[str, Any], release: dict[str, Any], *, read_only: bool = False) -> Settings:
        """From a part's own configuration and the release's. Raises BadConfig or KeyError."""
        try:
            return Settings(
                caller=str(config["name"]),
                names=Path(config["names"]),
                node=str(release["database"]),
                user=str(config["user"]),
                password_file=Path(config["password_file"]) if config.get("password_file") else None,
                dbname=str(config["dbname"]),
                connect_timeout_s=float(release["connect_timeout_s"]),
                query_timeout_s=float(release["query_timeout_s"]),
                pool_size=int(release["pool_size"]),
                read_only=read_only,
            )
        except (TypeError, ValueError) as error:
            raise BadConfig(f"config.json: {error}") from None


class Database:
    """At most `pool_size` connections, made when needed and kept."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._idle: list[Connection] = []  # the last used is used first, so that rarely needed ones stay idle
        self._slots = asyncio.Semaphore(settings.pool_size)

    async def run(self, operation: Operation[T]) -> T:
        """What `operation(connection)` returns; the connection commits each statement by itself.

        The operation runs a second time when a kept connection turns out to be dead, so it must be
        safe to repeat. Raises Unavailable within ``query_timeout_s``; errors in the statement itself
        pass through.
        """
        deadline = asyncio.get_running_loop().time() + self.settings.query_timeout_s
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError:
            raise Unavailable(f"all {self.settings.pool_size} connections are busy") from None
        try:
            while self._idle:
                connection = self._idle.pop()
                try:
                    return await self._use(connection, operation, deadline)
                except _Dead:
                    continue  # a restart of the database leaves dead connections behind
            return await self._use(await self._connect(deadline), operation, deadline)
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Closes what is kept."""
        while self._idle:
            await self._idle.pop().close()

    async def _use(self, connection: Connection, operation: Operation[T], deadline: float) -> T:
        loop = asyncio.get_running_loop()
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
        except psycopg.Error:
            keep = True  # the statement is wrong, the connection is not
            raise
        finally:
            alarm.cancel()
            if keep and not connection.closed:
                self._idle.append(connection)
            else:
                hang_up(connection)
                await connection.close()

    async def _connect(self, deadline: float) -> Connection:
        settings = self.settings
        loop = asyncio.get_running_loop()
        limit = min(deadline, loop.time() + settings.connect_timeout_s)
        try:
            host, port = self._address()
            password = (
                settings.password_file.read_text(encoding="utf-8").strip() if settings.password_file else None
            )
        except (BadConfig, OSError) as error:
            raise Unavailable(str(error)) from None
        try:
            async with asyncio.timeout_at(limit):
                connection: Connection = await psycopg.AsyncConnection.connect(
                    host=host,
                    port=port,
                    user=settings.user,
                    password=password,
                    dbname=settings.dbname,
                    application_name=settings.caller,
                    client_encoding="UTF8",
                    sslmode="disable",
                    gssencmode="disable",
                    # The server ends a statement before we would hang up: then nothing was stored for
                    # sure, and the connection stays. It does not end the wait for a standby at commit.
                    options=f"-c statement_timeout={int(settings.query_timeout_s * 800)}"
                    + (" -c default_transaction_read_only=on" if settings.read_only else ""),
                    autocommit=True,
                )
        except TimeoutError:
            raise Unavailable(f"{settings.node} does not accept a connection in time") from None
        except psycopg.Error as error:
            raise Unavailable(_why(error)) from None
        log("connected", level="debug", node=settings.node, to=f"{host}:{port}")
        return connection

    def _address(self) -> tuple[str, int]:
        """Where the node is now. Read for each new connection: names change while services run."""
        settings = self.settings
        names = read_json(settings.names)
        try:
            return address(names[settings.caller][settings.node])
        except (KeyError, TypeError):
            raise BadConfig(
                f"{settings.names}: no address of {settings.node!r} for {settings.caller!r}"
            ) from None


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
