"""What of the lab's PostgreSQL must be as it was: who is what, settings, roles, schema, who holds what."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import nodes, proven
from chaos_ext.language import listed, t

__all__ = ["database_state"]

NEEDS = ("psycopg",)  # imported before it is used first
_CONNECT_WITHIN_S = 2
_STATEMENT_WITHIN_MS = 3000
_IS_DOWN = "Connection refused"
_SERVICES = ("app", "prober")  # roles of the product's own parts
_OURS = "chaos"

# Of each node. A session or a lock counts when it is older than a second: what comes and goes is no state. Of others'
# sessions that are who is there, from where, whether they have taken most of what there is, and transactions that they
# have forgotten; what each does just now, and how many a pool has open, is another each time.
_OF_A_NODE = """
SELECT jsonb_build_object(
  'role', CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END,
  'follows', CASE WHEN pg_is_in_recovery() THEN current_setting('primary_conninfo') END,
  'replay', CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() END,
  'followed_by', (
    SELECT coalesce(jsonb_object_agg(application_name, state), '{}') FROM pg_stat_replication
    WHERE application_name = ANY(%(nodes)s)),
  'settings', (
    SELECT coalesce(jsonb_object_agg(name, setting), '{}') FROM pg_settings
    WHERE source NOT IN ('default', 'override', 'client', 'session', 'database', 'user', 'database user')
    AND name <> 'primary_conninfo'),
  'altered', (
    SELECT coalesce(jsonb_object_agg(name, setting), '{}') FROM pg_file_settings
    WHERE sourcefile LIKE '%%postgresql.auto.conf' AND name <> 'primary_conninfo'),
  'admits', (
    SELECT coalesce(jsonb_object_agg(
      line_number, concat_ws(' ', type, database, user_name, address, auth_method)), '{}')
    FROM pg_hba_file_rules),
  'slots', (
    SELECT coalesce(jsonb_object_agg(slot_name, slot_type), '{}') FROM pg_replication_slots WHERE NOT temporary),
  'prepared_transactions', (SELECT coalesce(jsonb_object_agg(gid, owner), '{}') FROM pg_prepared_xacts),
  'foreign_sessions', (
    SELECT coalesce(jsonb_object_agg(who, jsonb_build_object(
      'forgotten_transactions', forgotten, 'most_of_all_connections', sessions > most)), '{}')
    FROM (
      SELECT concat_ws(' ', usename, nullif(application_name, ''), 'from', coalesce(host(client_addr), 'here')) AS who,
             count(*) AS sessions, current_setting('max_connections')::int / 2 AS most,
             count(*) FILTER (WHERE state LIKE 'idle in transaction%%'
               AND state_change < clock_timestamp() - interval '5 seconds') AS forgotten
      FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> %(ours)s
      AND NOT (usename = ANY(%(services)s) AND application_name = ANY(%(parts)s))
      AND backend_start < clock_timestamp() - interval '1 second'
      GROUP BY 1) AS sessions),
  'locked_tables', (
    SELECT coalesce(jsonb_object_agg(name, held), '{}') FROM (
      SELECT l.relation::regclass::text AS name, string_agg(DISTINCT l.mode || ' by ' || a.usename, ', ') AS held
      FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation
      WHERE l.granted AND c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text !~ '^pg_'
      AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
      AND a.xact_start < clock_timestamp() - interval '1 second'
      GROUP BY 1) AS locks))
"""
# Of the cluster: every node has it from the primary.
_OF_THE_CLUSTER = """
SELECT jsonb_build_object(
  'roles', (
    SELECT jsonb_object_agg(rolname, jsonb_build_object(
      'login', rolcanlogin, 'superuser', rolsuper, 'makes_roles', rolcreaterole, 'makes_databases', rolcreatedb,
      'replication', rolreplication, 'passes_row_security', rolbypassrls, 'connections_at_most', rolconnlimit,
      'valid_until', rolvaliduntil,
      'password', left(encode(sha256(convert_to(coalesce(rolpassword, ''), 'UTF8')), 'hex'), 12),
      'member_of', (
        SELECT coalesce(jsonb_object_agg(m.roleid::regrole, m.admin_option), '{}')
        FROM pg_auth_members m WHERE m.member = r.oid),
      'settings', (
        SELECT coalesce(jsonb_object_agg(
          split_part(s, '=', 1) || coalesce(' in ' || d.datname, ''), substr(s, strpos(s, '=') + 1)), '{}')
        FROM pg_db_role_setting o LEFT JOIN pg_database d ON d.oid = o.setdatabase, unnest(o.setconfig) AS s
        WHERE o.setrole = r.oid)))
    FROM pg_authid r WHERE rolname !~ '^pg_'),
  'databases', (
    SELECT jsonb_object_agg(datname, jsonb_build_object(
      'owner', datdba::regrole, 'takes_connections', datallowconn, 'connections_at_most', datconnlimit,
      'grants', datacl::text,
      'settings', (
        SELECT coalesce(jsonb_object_agg(split_part(s, '=', 1), substr(s, strpos(s, '=') + 1)), '{}')
        FROM pg_db_role_setting o, unnest(o.setconfig) AS s WHERE o.setdatabase = b.oid AND o.setrole = 0)))
    FROM pg_database b),
  'tables', (
    SELECT coalesce(jsonb_object_agg(c.oid::regclass, jsonb_build_object(
      'owner', c.relowner::regrole, 'grants', c.relacl::text, 'options', c.reloptions,
      'unlogged', c.relpersistence = 'u',
      'columns', (
        SELECT coalesce(jsonb_object_agg(a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
          CASE WHEN a.attnotnull THEN 'not null' END, nullif(a.attidentity, '')::text,
          'default ' || pg_get_expr(d.adbin, d.adrelid), a.attacl::text)), '{}')
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
      'constraints', (
        SELECT coalesce(jsonb_object_agg(conname, pg_get_constraintdef(oid)), '{}')
        FROM pg_constraint WHERE conrelid = c.oid),
      'indexes', (
        SELECT coalesce(jsonb_object_agg(indexrelid::regclass,
          pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END), '{}')
        FROM pg_index WHERE indrelid = c.oid),
      'triggers', (
        SELECT coalesce(jsonb_object_agg(tgname, pg_get_triggerdef(oid)
          || CASE tgenabled WHEN 'D' THEN ' DISABLED' ELSE '' END), '{}')
        FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal))), '{}')
    FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relpersistence <> 't'
    AND c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'),
  'sequences', (
    SELECT coalesce(jsonb_object_agg(seqrelid::regclass, concat_ws(' ', seqtypid::regtype, seqincrement, seqmin, seqmax,
      CASE WHEN seqcycle THEN 'cycle' END)), '{}')
    FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid AND c.relpersistence <> 't'),
  'functions', (
    SELECT coalesce(jsonb_object_agg(oid::regprocedure,
      left(md5(concat_ws('|', prosrc, proconfig::text,
      prosecdef, provolatile, proowner::regrole, proacl::text)), 12)), '{}')
    FROM pg_proc WHERE pronamespace::regnamespace::text !~ '^(pg_|information_schema)'),
  'extensions', (SELECT jsonb_object_agg(extname, extversion) FROM pg_extension))
"""


def database_state(configuration: Configuration = None) -> dict[str, Any]:
    """Which node is the primary and who follows, settings, roles, schema, sessions and locks of others.

    Rows, counters, pids and times are not in it; a password is there as a digest of what the server keeps. A node
    that refuses connections is told as down. Raises ActivityFailed when all do, or one does not answer otherwise.
    Changes nothing.

    YAML::

        type: probe
        name: postgresql
        provider:
          type: python
          module: chaos_ext.probes.lab.postgresql
          func: database_state
          arguments: {}
    """
    known = nodes.every(configuration)
    parts = [*proven.facts(configuration)["parts"]]
    values = {
        "nodes": [node.name.replace("-", "_") for node in known],
        "ours": _OURS,
        "services": list(_SERVICES),
        "parts": parts,
    }
    with ThreadPoolExecutor(len(known)) as pool:
        found = dict(
            zip([node.name for node in known], pool.map(lambda node: _node(node, values), known), strict=True)
        )
    up = {name: said for name, said in found.items() if isinstance(said, dict)}
    if not up:  # nobody to ask for all the rest: that is no state, and no two such looks are the same
        raise ActivityFailed(t("postgresql: got no answer from any of {nodes}", nodes=listed(found)))
    primaries = [name for name, said in up.items() if said["role"] == "primary"]
    whole: dict[str, Any] = {"primary": ", ".join(primaries) or None, "nodes": found}
    asked = next((node for node in known if node.name in (*primaries, *up)), None)
    if primaries:
        asked = next(node for node in known if node.name == primaries[0])
    if asked is not None:
        whole |= _ask(asked, _OF_THE_CLUSTER, {})
    return whole


def _node(node: nodes.Node, values: Mapping[str, Any]) -> Any:
    """What a node says of itself, or in a word that it is down."""
    try:
        return _ask(node, _OF_A_NODE, values)
    except ActivityFailed as error:
        if _IS_DOWN in str(error):
            return "down"
        raise


def _ask(node: nodes.Node, sql: str, values: Mapping[str, Any]) -> dict[str, Any]:
    import psycopg

    try:
        with psycopg.connect(
            **nodes.reached(node), user="postgres", passfile=node.pass_file, application_name=_OURS,
            connect_timeout=_CONNECT_WITHIN_S, autocommit=True, options=f"-c statement_timeout={_STATEMENT_WITHIN_MS}",
        ) as connection:  # fmt: skip
            row = connection.execute(sql.encode(), values or None).fetchone()
    except psycopg.Error as error:
        raise ActivityFailed(
            t("{name}: got '{said}', expected an answer", name=node.name, said=" ".join(str(error).split()))
        ) from error
    assert row is not None
    said: dict[str, Any] = row[0] if isinstance(row[0], dict) else json.loads(row[0])
    return said
