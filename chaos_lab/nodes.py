"""Asks PostgreSQL's nodes over connections that are kept: for many looks, where a psql each would cost more."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from chaos_lab import postgresql

if TYPE_CHECKING:
    import psycopg


class Nodes:
    """Operators' connections, made when a node is first asked. A `health.Ask`."""

    def __init__(self, ports: Mapping[str, int], password: str) -> None:
        self._ports, self._password = ports, password
        self._connections: dict[str, psycopg.Connection] = {}

    def __enter__(self) -> Nodes:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for connection in self._connections.values():
            connection.close()

    def __call__(self, node: str, sql: str) -> tuple[str, str]:
        """(what was answered, why it failed): one of them is empty. Rows by line, columns by `|`."""
        import psycopg
        from psycopg.pq import ExecStatus

        try:
            connection = self._connections.get(node) or self._connect(node)
            result = connection.pgconn.exec_(sql.encode())
        except psycopg.Error as error:
            self._forget(node)
            return "", " ".join(str(error).split()) or type(error).__name__
        if result.status != ExecStatus.TUPLES_OK:
            self._forget(node)
            return "", " ".join(result.error_message.decode(errors="replace").split()) or "no rows"
        rows = (
            "|".join((result.get_value(row, column) or b"").decode() for column in range(result.nfields))
            for row in range(result.ntuples)
        )
        return "\n".join(rows), ""

    def _connect(self, node: str) -> psycopg.Connection:
        import psycopg

        self._connections[node] = psycopg.connect(
            host="127.0.0.1",
            port=self._ports[node],
            user=postgresql.SUPERUSER,
            password=self._password,
            dbname=postgresql.DATABASE,
            sslmode="disable",
            gssencmode="disable",
            connect_timeout=2,
            autocommit=True,
        )
        return self._connections[node]

    def _forget(self, node: str) -> None:
        if connection := self._connections.pop(node, None):
            connection.close()
