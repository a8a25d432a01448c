"""What the lab's looks see: the same twice, quickly, and each thing that is not as it was by its path."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

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
