"""What the lab's looks see: the same twice, quickly, and each thing that is not as it was by its path."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chaos_ext.actions.lab import nodes
from chaos_ext.restored import differences
from chaos_ext.restored.shipped import SHIPPED
from chaos_ext.restored.snapshot import preload, take

LOOKS = list(SHIPPED.values())
AT_MOST_S = 0.5  # the bound on one look at the lab
TRIES = 5  # the quickest of them counts: others may be busy on this machine


@pytest.fixture
def paths(running_lab: dict[str, Any]) -> Any:
    """Paths of what differs from now on, when it is called."""
    first = take(LOOKS, running_lab)
    assert first.failed == {}

    def now() -> list[str]:
        second = take(LOOKS, running_lab)
        assert second.failed == {}
        return [difference.path for difference in differences(first.seen, second.seen)]

    return now


def test_nothing_differs_when_nothing_was_done_and_users_go_on(paths: Any, submit: Any) -> None:
    assert submit("still here") == 201
    assert paths() == []


def test_it_takes_no_time(running_lab: dict[str, Any]) -> None:
    preload(LOOKS)
    quickest = min(take(LOOKS, running_lab).seconds for _ in range(TRIES))
    assert quickest <= AT_MOST_S, f"the quickest of {TRIES} looks took {quickest} s"


@pytest.mark.parametrize(
    ("node", "do", "undo", "path"),
    [
        (
            "pg-a",
            "ALTER ROLE retention NOLOGIN",
            "ALTER ROLE retention LOGIN",
            "postgresql/roles/retention/login",
        ),
        (
            "pg-a",
            "ALTER ROLE batch CONNECTION LIMIT 3",
            "ALTER ROLE batch CONNECTION LIMIT -1",
            "postgresql/roles/batch/connections_at_most",
        ),
        (
            "pg-c",
            "ALTER SYSTEM SET work_mem = '5MB'",
            "ALTER SYSTEM RESET work_mem",
            "postgresql/nodes/pg-c/altered/work_mem",
        ),
        ("pg-a", "CREATE TABLE left_over ()", "DROP TABLE left_over", "postgresql/tables/left_over"),
        (
            "pg-a",
            "ALTER TABLE responses DISABLE TRIGGER note_deletion",
            "ALTER TABLE responses ENABLE TRIGGER note_deletion",
            "postgresql/tables/responses/triggers/note_deletion",
        ),
        (
            "pg-c",
            "SELECT FROM pg_wal_replay_pause()",
            "SELECT FROM pg_wal_replay_resume()",
            "postgresql/nodes/pg-c/replay",
        ),
    ],
    ids=["login", "limit", "alter-system", "table", "trigger", "replay"],
)
def test_what_differs_in_the_database(
    paths: Any, psql: Any, node: str, do: str, undo: str, path: str
) -> None:
    psql(node, do)
    try:
        assert paths() == [path]
    finally:
        psql(node, undo)
    _until_none(paths)


@pytest.fixture
def connect(configuration: dict[str, Any]) -> Iterator[Any]:
    """A session on the primary of somebody who is no part of the product; it is closed afterwards."""
    primary = next(node for node in nodes.every(configuration) if node.name == "pg-a")
    with ExitStack() as open_ones:

        def one(application: str) -> psycopg.Connection[Any]:
            return open_ones.enter_context(
                psycopg.connect(
                    **nodes.reached(primary),
                    user="reporting",
                    passfile=primary.pass_file,
                    application_name=application,
                    autocommit=True,
                )
            )

        yield one


OF_A_POOL = "postgresql/nodes/pg-a/foreign_sessions/reporting pool from 127.0.0.1"


def _sessions(psql: Any, state: str, older_than_s: float = 1) -> int:
    """Of the pool, in that state and there for so long."""
    asked = f"""SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pool' AND state = '{state}'
      AND state_change < clock_timestamp() - {older_than_s} * interval '1 second'"""
    return int(psql("pg-a", asked))


def test_what_a_pool_does_just_now_is_no_difference_and_who_has_one_is(
    running_lab: dict[str, Any], connect: Any, psql: Any, until: Any
) -> None:
    def look() -> dict[str, Any]:
        taken = take(LOOKS, running_lab)
        assert taken.failed == {}
        return taken.seen

    nobody = look()
    pool = [connect("pool")]
    until(lambda: _sessions(psql, "idle") == 1, "it to be idle for a second")
    idle = look()
    assert [each.path for each in differences(nobody, idle)] == [OF_A_POOL]

    pool += [connect("pool"), connect("pool")]
    until(lambda: _sessions(psql, "idle") == 3, "each to be idle for a second")
    working = threading.Thread(target=pool[0].execute, args=("SELECT pg_sleep(2)",))
    working.start()
    try:
        until(lambda: _sessions(psql, "active", 0) == 1, "one to be at work")
        busy = look()
        assert _sessions(psql, "active", 0) == 1, "it ended before we had looked"
    finally:
        working.join()
    assert differences(idle, busy) == ()


def test_a_transaction_that_is_forgotten_is_a_difference(
    running_lab: dict[str, Any], connect: Any, psql: Any, until: Any
) -> None:
    session = connect("pool")
    until(lambda: _sessions(psql, "idle") == 1, "it to be idle for a second")
    before = take(LOOKS, running_lab)
    session.execute("BEGIN")
    until(lambda: _sessions(psql, "idle in transaction") == 1, "it to be forgotten for a second")
    for_a_moment = take(LOOKS, running_lab)
    until(lambda: _sessions(psql, "idle in transaction", 5) == 1, "it to be forgotten for long")
    for_long = take(LOOKS, running_lab)

    assert before.failed == for_a_moment.failed == for_long.failed == {}
    assert differences(before.seen, for_a_moment.seen) == ()
    assert [each.path for each in differences(before.seen, for_long.seen)] == [
        f"{OF_A_POOL}/forgotten_transactions"
    ]


def test_what_differs_elsewhere(paths: Any, running_lab: dict[str, Any]) -> None:
    cli = f"{running_lab['bin']}/valkey-cli"
    left = Path(running_lab["dir"]) / "left-over"
    proxies = running_lab["faultproxy"]["url"]
    toxic = json.dumps({"name": "slow", "type": "latency", "attributes": {"latency": 1}}).encode()
    try:
        subprocess.run(
            [cli, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru"], check=True, stdout=subprocess.DEVNULL
        )
        subprocess.run([cli, "SET", "tmp:import:1", "x"], check=True, stdout=subprocess.DEVNULL)
        left.write_text("x")
        urllib.request.urlopen(f"{proxies}/proxies/dashboard->cache/toxics", toxic).close()
        assert paths() == [
            "cache/never_expires/tmp",
            "cache/settings/maxmemory-policy",
            "files/lab/left-over",
            "proxies/dashboard->cache/toxics/slow",
        ]
    finally:
        subprocess.run(
            [cli, "CONFIG", "SET", "maxmemory-policy", "noeviction"], check=True, stdout=subprocess.DEVNULL
        )
        subprocess.run([cli, "DEL", "tmp:import:1"], check=True, stdout=subprocess.DEVNULL)
        left.unlink(missing_ok=True)
        gone = urllib.request.Request(f"{proxies}/proxies/dashboard->cache/toxics/slow", method="DELETE")
        urllib.request.urlopen(gone).close()
    _until_none(paths)


def _until_none(paths: Any) -> None:
    deadline = time.monotonic() + 10
    while (left := paths()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
