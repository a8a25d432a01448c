"""A clean-up job of the lab's database deletes rows that it should have kept."""

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import nodes, proven
from chaos_ext.language import listed, t

__all__ = ["delete_responses", "responses_are_missing", "restore_responses"]

_KEPT = "deleted-responses.json"  # in the lab's directory: what the undo puts back
_TABLES = ("responses", "outbox")  # the second refers to the first
_DELETE = """\
WITH expired AS (DELETE FROM responses WHERE {where} RETURNING *), \
handed_on AS (DELETE FROM outbox USING expired WHERE outbox.response_id = expired.id RETURNING outbox.*) \
SELECT 'responses', to_jsonb(expired) FROM expired UNION ALL SELECT 'outbox', to_jsonb(handed_on) FROM handed_on\
"""
_MISSING = """
    SELECT count(*) FROM jsonb_array_elements_text({ids}) AS kept (id)
    WHERE NOT EXISTS (SELECT FROM responses WHERE responses.id = kept.id)
"""
_RESTORE = """
    INSERT INTO {table} OVERRIDING SYSTEM VALUE
    SELECT (jsonb_populate_record(NULL::{table}, kept)).* FROM jsonb_array_elements({rows}) AS kept
    ON CONFLICT DO NOTHING;
"""


def delete_responses(
    node: str, where: str, role: str, application: str, configuration: Configuration = None
) -> dict[str, Any]:
    """Delete responses and their rows in the outbox, in one transaction, as a clean-up job with a wrong condition.

    - `node`: the lab's name of the primary, such as "pg-a"
    - `where`: the condition, in SQL; what was written before this moment, and meets it, is gone
    - `role`: as whom, such as "retention"; it needs DELETE on both tables
    - `application`: the name that the session gives itself

    What is deleted is kept in a file in the lab's directory first, for the undo alone. Returns ``{"node",
    "responses", "outbox"}``: how many rows. Raises ActivityFailed when nothing meets the condition, or the node
    refuses. Undone by: `restore_responses`.

    YAML::

        type: action
        name: delete-responses
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql_rows
          func: delete_responses
          arguments:
            node: pg-a
            where: received_at > now() - interval '90 days'
            role: retention
            application: retention-job
    """
    import psycopg

    found = nodes.find(node, configuration)
    kept = _file(configuration)
    try:
        with psycopg.connect(
            **nodes.reached(found), user=role, passfile=found.pass_file, application_name=application,
            connect_timeout=5,
        ) as connection:  # fmt: skip
            rows = connection.execute(_DELETE.format(where=where)).fetchall()
            by_table = {table: [row for name, row in rows if name == table] for table in _TABLES}
            if not by_table["responses"]:
                raise ActivityFailed(
                    t("{node}: got no response with {where}, expected some to delete", node=node, where=where)
                )
            _write(kept, by_table)  # before the transaction is over
    except psycopg.Error as error:
        raise ActivityFailed(
            t("{node}: got '{said}', expected to delete", node=node, said=listed(str(error).split(), " "))
        ) from error
    return {"node": node, **{table: len(rows) for table, rows in by_table.items()}}


def responses_are_missing(node: str, configuration: Configuration = None) -> dict[str, Any]:
    """Whether responses that were deleted are not in the table.

    - `node`: the lab's name of the primary, such as "pg-a"

    The node's table is looked at, for every id that was deleted; one that is missing is enough. Raises ActivityFailed
    when the node is a standby: it shows what was, not what is. Changes nothing.

    YAML::

        type: probe
        name: responses-are-missing
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql_rows
          func: responses_are_missing
          arguments: {node: pg-a}
    """
    deleted = _read(_file(configuration))["responses"]
    asked = nodes.find(node, configuration)
    if deleted and nodes.ask(asked, "SELECT pg_is_in_recovery()") != [["f"]]:
        raise ActivityFailed(t("{node}: got a standby, expected the primary", node=node))
    missing = _missing(asked, deleted) if deleted else 0
    return {"holds": missing > 0, "node": node, "deleted": len(deleted), "missing": missing}


def restore_responses(node: str, configuration: Configuration = None) -> dict[str, Any]:
    """Put back what was deleted and is still missing; what was written later stays as it is.

    - `node`: the lab's name of the primary, such as "pg-a"

    When it has lost that role, whichever node is the primary now gets the rows. Harmless when repeated, or when
    somebody has restored them. Returns ``{"outcome": "undone" | "already", "why"}``. Raises ActivityFailed when no
    node takes the rows.

    YAML::

        type: action
        name: restore-responses
        provider:
          type: python
          module: chaos_ext.actions.lab.postgresql_rows
          func: restore_responses
          arguments: {node: pg-a}
    """
    kept = _read(_file(configuration))
    primary = _primary(node, configuration)
    missing = _missing(primary, kept["responses"]) if kept["responses"] else 0
    if not missing:
        _file(configuration).unlink(missing_ok=True)  # what users wrote is not left lying around
        return {"outcome": "already", "why": t("no deleted response is missing")}
    statements = "".join(_RESTORE.format(table=table, rows=quoted(kept[table])) for table in _TABLES)
    nodes.ask(primary, _unlogged(f"BEGIN;{statements}COMMIT;"), application="undo", within_s=30)
    if still := _missing(primary, kept["responses"]):
        raise ActivityFailed(t("{name}: got {still} responses missing still", name=primary.name, still=still))
    _file(configuration).unlink(missing_ok=True)
    return {
        "outcome": "undone",
        "why": t("{missing} responses are back in {name}", missing=missing, name=primary.name),
    }


def _primary(node: str, configuration: Configuration = None) -> nodes.Node:
    """`node`, or the node that takes writes instead of it."""
    named = nodes.find(node, configuration)
    others = [other for other in nodes.every(configuration) if other.name != node]
    for candidate in (named, *others):
        try:
            if nodes.ask(candidate, "SELECT pg_is_in_recovery()") == [["f"]]:
                return candidate
        except nodes.Refused:
            continue
    raise ActivityFailed(t("nodes: got none that takes writes, expected one to restore the rows in"))


def _missing(node: nodes.Node, deleted: list[dict[str, Any]]) -> int:
    ((count,),) = nodes.ask(node, _unlogged(_MISSING.format(ids=quoted([row["id"] for row in deleted]))))
    return int(count)


def quoted(value: Any) -> str:
    """`value` as JSON in an SQL literal that nothing in it can end."""
    text = json.dumps(value, ensure_ascii=False)
    while (tag := f"$k{secrets.token_hex(8)}$") in text:
        pass
    return f"{tag}{text}{tag}::jsonb"


def _unlogged(statements: str) -> str:
    """What users wrote is in them: it does not belong into the server's log."""
    return f"SET log_min_duration_statement = -1;{statements}"


def _file(configuration: Configuration = None) -> Path:
    return Path(proven.facts(configuration)["dir"]) / _KEPT


def _write(path: Path, kept: dict[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump({"at": time.time(), **kept}, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> dict[str, Any]:
    """What was kept; nothing when nothing was, or the file was cut short: then nothing was deleted either."""
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {table: [] for table in _TABLES}
    return kept
