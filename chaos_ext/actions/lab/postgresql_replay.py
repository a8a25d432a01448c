"""A standby of the lab's PostgreSQL receives everything and replays nothing."""

from typing import Any

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import nodes
from chaos_ext.language import t

__all__ = ["pause_replay", "replay_is_paused", "resume_replay"]

_STATE = """
    SELECT pg_is_in_recovery(), CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() END
"""


def pause_replay(node: str, configuration: Configuration = None) -> dict[str, Any]:
    """Pause replay on a standby: it goes on receiving and confirming, and shows the data of this moment.

    - `node`: the lab's name of the standby, such as "pg-c"

    Returns ``{"node", "replayed"}``: the position in the log at which it stays. Raises ActivityFailed when the node
    is no standby, or does not answer. Undone by: `resume_replay`.

    Source: https://www.postgresql.org/docs/16/functions-admin.html#FUNCTIONS-RECOVERY-CONTROL

    YAML::

        type: action
        name: pause-replay
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql_replay
          func: pause_replay
          arguments: {node: pg-c}
    """
    found = nodes.find(node, configuration)
    if _state(found) is None:
        raise ActivityFailed(t("{node}: got a primary, expected a standby that replays", node=node))
    ((replayed,),) = nodes.ask(
        found, "SELECT FROM pg_wal_replay_pause(); SELECT pg_last_wal_replay_lsn()", application="maintenance"
    )[-1:]
    return {"node": node, "replayed": replayed}


def replay_is_paused(node: str, configuration: Configuration = None) -> dict[str, Any]:
    """Whether the standby says of itself that its replay is paused.

    - `node`: the lab's name of the standby, such as "pg-c"

    A node that has been promoted replays nothing and is not paused. Changes nothing.

    YAML::

        type: probe
        name: replay-is-paused
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql_replay
          func: replay_is_paused
          arguments: {node: pg-c}
    """
    state = _state(nodes.find(node, configuration))
    return {"holds": state == "paused", "node": node, "state": state or "no standby"}


def resume_replay(node: str, configuration: Configuration = None) -> dict[str, Any]:
    """Let a standby replay again.

    - `node`: the lab's name of the standby, such as "pg-c"

    Superseded when it has been promoted: there is nothing to replay any more. Harmless when repeated. Returns
    ``{"outcome": "undone" | "superseded" | "already", "why"}``.

    YAML::

        type: action
        name: resume-replay
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql_replay
          func: resume_replay
          arguments: {node: pg-c}
    """
    found = nodes.find(node, configuration)
    state = _state(found)
    if state is None:
        return {"outcome": "superseded", "why": t("{node} has been promoted", node=node)}
    if state == "not paused":
        return {"outcome": "already", "why": t("{node} replays", node=node)}
    nodes.ask(found, "SELECT FROM pg_wal_replay_resume()", application="maintenance")
    return {"outcome": "undone", "why": t("{node} replays again", node=node)}


def _state(node: nodes.Node) -> str | None:
    """ "not paused", "pause requested" or "paused"; None for a node that is no standby."""
    ((is_standby, state),) = nodes.ask(node, _STATE)
    return state if is_standby == "t" else None
