"""The black-box prober: what a client sees who connects to each PostgreSQL node now."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import psycopg

from chaos_lab.services.database import hang_up
from chaos_lab.services.metrics import Labels, Series
from chaos_lab.services.process import address, log

LIMIT_S = 1.0  # for one node: connecting and asking

# A server that takes writes in principle but is set to refuse them is not writable either.
QUESTION = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'"


class Prober:
    """Asks all nodes at once, each over a new connection: one that is kept says nothing about connecting."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._nodes = {name: address(where) for name, where in config["postgresql"].items()}
        self._user = str(config["user"])
        self._dbname = str(config["dbname"])
        self._password_file = Path(config["password_file"]) if config.get("password_file") else None
        self._last: dict[str, str] = {}

    async def look(self) -> dict[Series, float]:
        """The metrics pg_up and pg_writable for each node, and pg_writable_nodes."""
        states = await asyncio.gather(*(self._ask(name) for name in self._nodes))
        found: dict[Series, float] = {}
        for name, state in zip(self._nodes, states, strict=True):
            labels: Labels = (("node", name),)
            found["pg_up", labels] = float(state in ("writable", "read-only"))
            found["pg_writable", labels] = float(state == "writable")
            if state != self._last.get(name):
                log("node", node=name, state=state, before=self._last.get(name))
                self._last[name] = state
        found["pg_writable_nodes", ()] = float(states.count("writable"))
        return found

    async def _ask(self, name: str) -> str:
        host, port = self._nodes[name]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LIMIT_S
        try:
            async with asyncio.timeout_at(deadline):
                connection = await psycopg.AsyncConnection.connect(
                    host=host,
                    port=port,
                    user=self._user,
                    password=self._password_file.read_text(encoding="utf-8").strip()
                    if self._password_file
                    else None,
                    dbname=self._dbname,
                    application_name="alerting",
                    sslmode="disable",
                    gssencmode="disable",
                    autocommit=True,
                )
        except (psycopg.Error, OSError) as error:  # TimeoutError too
            return " ".join(str(error).split()) or "timeout"
        alarm = loop.call_at(deadline, hang_up, connection)
        try:
            row = await (await connection.execute(QUESTION)).fetchone()
            return "read-only" if row is None or row[0] else "writable"
        except psycopg.Error as error:
            return " ".join(str(error).split())
        finally:
            alarm.cancel()
            await connection.close()
