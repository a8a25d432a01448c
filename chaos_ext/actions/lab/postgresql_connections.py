"""A client leaks sessions until the lab's PostgreSQL has no slot left for anybody else."""

import time
from typing import Any, List  # noqa: UP035

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import clients
from chaos_ext.actions.lab import nodes as cluster
from chaos_ext.language import listed, t

__all__ = ["connections_are_exhausted", "exhaust_connections", "give_connections_back"]

Names = List[str]  # noqa: UP006 - Chaos Toolkit's discovery does not know list[str]

_KIND = "leak"
_WITHIN_S = 30.0
_GONE_WITHIN_S = 10.0
_AS_GOOD_AS_NONE = 1  # slots: one that somebody has just given up is taken at once
_HARDLY_ANY = 1  # sessions of everybody else
_PATIENCE_S = 3.0  # now and then one of the others is quicker, and keeps what it got for so long
_COUNT = """
    SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - current_setting('reserved_connections')::int - count(*) FILTER (WHERE pid <> pg_backend_pid()),
           count(*) FILTER (WHERE usename = '{role}'),
           count(*) FILTER (WHERE usename <> '{role}'
                            AND NOT pg_has_role(usename, 'pg_use_reserved_connections', 'MEMBER'))
    FROM pg_stat_activity WHERE backend_type = 'client backend'
"""


def exhaust_connections(
    nodes: Names, role: str, application: str, configuration: Configuration = None
) -> dict[str, Any]:
    """Open sessions on nodes until they take no more, keep them idle, and take every slot that becomes free.

    - `nodes`: the lab's names of the nodes, such as ["pg-a", "pg-c"]
    - `role`: whose sessions they are, such as "batch"; no superuser, so that the reserved slots stay free
    - `application`: the name that the sessions give themselves

    The sessions belong to a process of its own, which lives until the fault is undone or the lab goes. Where the
    server refuses it more (the role has a connection limit) it goes on trying with what it has. Returns ``{"pid",
    "started", "sessions": {node: count}}``. Raises ActivityFailed when the nodes are not full within 30 s. Undone
    by: `give_connections_back`.

    Source: https://www.postgresql.org/docs/16/runtime-config-connection.html

    YAML::

        type: action
        name: exhaust-connections
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql_connections
          func: exhaust_connections
          arguments: {nodes: [pg-a, pg-c], role: batch, application: import-script}
    """
    for node in nodes:
        cluster.find(node, configuration)
    return clients.start(
        _KIND,
        nodes,
        user=role,
        application=application,
        within_s=_WITHIN_S,
        configuration=configuration,
    )


def connections_are_exhausted(nodes: Names, role: str, configuration: Configuration = None) -> dict[str, Any]:
    """Whether `role` has taken the nodes' slots: at most one is free, and everybody else has hardly any.

    - `nodes`: the lab's names of the nodes, such as ["pg-a", "pg-c"]
    - `role`: whose sessions would fill them

    Each server is asked through the slots that are reserved for superusers. Services keep what they have for a
    while, so it takes that long until it holds. Changes nothing.

    YAML::

        type: probe
        name: connections-are-exhausted
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql_connections
          func: connections_are_exhausted
          arguments: {nodes: [pg-a, pg-c], role: batch}
    """
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        seen = {node: _count(node, role, configuration) for node in nodes}
        full = [found["free"] <= _AS_GOOD_AS_NONE < found["of_the_role"] for found in seen.values()]
        taken = [
            is_full and found["others"] <= _HARDLY_ANY
            for is_full, found in zip(full, seen.values(), strict=True)
        ]
        if all(taken) or not all(full) or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return {"holds": bool(taken) and all(taken), "role": role, "nodes": seen}


def give_connections_back(nodes: Names, role: str, configuration: Configuration = None) -> dict[str, Any]:
    """End the client that leaks sessions, and with it all of them.

    - `nodes`: the lab's names of the nodes, such as ["pg-a", "pg-c"]
    - `role`: whose sessions they are

    A limit that somebody has given the role stays. Harmless when repeated. Returns ``{"outcome": "undone" |
    "already", "why"}``. Raises ActivityFailed when its sessions are still there after 10 s.

    YAML::

        type: action
        name: give-connections-back
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql_connections
          func: give_connections_back
          arguments: {nodes: [pg-a, pg-c], role: batch}
    """
    ended = clients.end(_KIND, configuration)
    if not ended:
        return {"outcome": "already", "why": t("no client of {role} leaks sessions", role=role)}
    deadline = time.monotonic() + _GONE_WITHIN_S
    while left := [node for node in nodes if _count(node, role, configuration)["of_the_role"]]:
        if time.monotonic() > deadline:
            raise ActivityFailed(
                t("{left}: got sessions of {role}, expected none", left=listed(left), role=role)
            )
        time.sleep(0.05)
    return {
        "outcome": "undone",
        "why": t("the client of {role} was ended, and its sessions with it", role=role),
    }


def _count(node: str, role: str, configuration: Configuration = None) -> dict[str, int]:
    """Slots of a node: free for normal roles, taken by the role, taken by others who have none reserved."""
    ((free, of_the_role, others),) = cluster.ask(cluster.find(node, configuration), _COUNT.format(role=role))
    return {"free": int(free), "of_the_role": int(of_the_role), "others": int(others)}
