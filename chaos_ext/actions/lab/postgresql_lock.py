"""A session of the lab's PostgreSQL sits idle in a transaction and holds a lock that others need."""

import time
from typing import Any

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import clients, nodes
from chaos_ext.language import t

__all__ = ["hold_lock", "lock_is_held", "release_lock"]

_KIND = "lock"
_WITHIN_S = 15.0
_GONE_WITHIN_S = 5.0


def hold_lock(
    node: str, table: str, role: str, application: str, configuration: Configuration = None
) -> dict[str, Any]:
    """Open a session, lock a table in it, and leave it idle in its transaction.

    - `node`: the lab's name of the node, such as "pg-a"; the primary, for a lock that stops writers
    - `table`: what is locked in EXCLUSIVE mode: readers go on, every writer waits
    - `role`: whose session it is, such as "reporting"; it needs UPDATE on the table
    - `application`: the name that the session gives itself

    The session belongs to a process of its own, which lives until its session is ended (then it is gone and does
    not come back), the fault is undone, or the lab goes. Returns ``{"pid", "started", "session"}``: the process,
    and the server's pid of the session. Raises ActivityFailed when the lock is not had within 10 s. Undone by:
    `release_lock`.

    Source: https://www.postgresql.org/docs/16/explicit-locking.html

    YAML::

        type: action
        name: hold-lock
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql_lock
          func: hold_lock
          arguments: {node: pg-a, table: responses, role: reporting, application: monthly-report}
    """
    nodes.find(node, configuration)
    return clients.start(
        _KIND,
        [node, table],
        user=role,
        application=application,
        within_s=_WITHIN_S,
        configuration=configuration,
    )


def lock_is_held(node: str, table: str, role: str, configuration: Configuration = None) -> dict[str, Any]:
    """Whether a session of `role` is idle in a transaction that holds a lock on `table` which stops writers.

    - `node`: the lab's name of the node, such as "pg-a"
    - `table`: the table that may be locked
    - `role`: whose session it would be

    The server's own list of locks is looked at, not the process that was started. Changes nothing.

    YAML::

        type: probe
        name: lock-is-held
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql_lock
          func: lock_is_held
          arguments: {node: pg-a, table: responses, role: reporting}
    """
    sessions = _sessions(nodes.find(node, configuration), table, role)
    return {"holds": bool(sessions), "node": node, "sessions": sessions}


def release_lock(node: str, table: str, role: str, configuration: Configuration = None) -> dict[str, Any]:
    """End the session that holds the lock, by ending the process that opened it.

    - `node`: the lab's name of the node, such as "pg-a"
    - `table`: the table that was locked
    - `role`: whose session it is

    The server rolls its transaction back. Harmless when repeated, or when somebody has ended the session. Returns
    ``{"outcome": "undone" | "already", "why"}``. Raises ActivityFailed when the lock is still held after 5 s.

    YAML::

        type: action
        name: release-lock
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql_lock
          func: release_lock
          arguments: {node: pg-a, table: responses, role: reporting}
    """
    found = nodes.find(node, configuration)
    ended = clients.end(_KIND, configuration)
    if not ended:
        return {"outcome": "already", "why": t("no client holds {table}", table=table)}
    deadline = time.monotonic() + _GONE_WITHIN_S
    while sessions := _sessions(found, table, role):
        if time.monotonic() > deadline:
            raise ActivityFailed(
                t(
                    "{node}: got {table} locked by {sessions}, expected it free",
                    node=node,
                    table=table,
                    sessions=sessions,
                )
            )
        time.sleep(0.05)
    return {"outcome": "undone", "why": t("the client with the lock on {table} was ended", table=table)}


def _sessions(node: nodes.Node, table: str, role: str) -> list[int]:
    rows = nodes.ask(
        node,
        "SELECT a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        f"WHERE l.relation = '{table}'::regclass AND l.granted AND l.mode = 'ExclusiveLock' "
        f"AND a.usename = '{role}' AND a.state = 'idle in transaction'",
    )
    return [int(pid) for (pid,) in rows]
