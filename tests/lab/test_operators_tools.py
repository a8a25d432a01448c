"""The tools on a responder's PATH, in a lab that runs: each does in the lab what it does in life."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos_lab.orchestrator import Orchestrator

Facts = dict[str, Any]
STREAMING = (
    "SELECT application_name, sync_state FROM pg_stat_replication WHERE state = 'streaming' ORDER BY 1"
)


def rows(operate: Callable[..., Any], node: str, sql: str) -> list[str]:
    answer = operate("psql", f"service={node}", "-XAtqc", sql)
    return answer.out.split() if answer.code == 0 else [answer.err]


def test_psql_reaches_each_node_by_its_name(operate) -> None:
    for node, standby in {"pg-a": "f", "pg-b": "t", "pg-c": "t"}.items():
        assert rows(operate, node, "SELECT pg_is_in_recovery()") == [standby]
        assert rows(operate, node, "SHOW cluster_name") == [node.replace("-", "_")]
        ready = operate("pg_isready", "-d", f"service={node}")
        assert (ready.code, "accepting connections" in ready.out) == (0, True)


def test_the_lab_s_own_service_file_wins(operate, tmp_path: Path) -> None:
    mine = tmp_path / "services"
    mine.write_text("[pg-a]\nhost=192.0.2.1\nport=1\n")  # production, say
    answer = operate("psql", "service=pg-a", "-XAtqc", "SHOW cluster_name", PGSERVICEFILE=str(mine))
    assert answer.out == "pg_a\n"


def test_tools_work_where_their_user_may_not_look(operate, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    answer = operate("psql", "service=pg-a", "-XAtqc", "SELECT 1", cwd=str(closed))
    assert (answer.code, answer.out) == (0, "1\n")
    assert answer.err == ""


def test_standbys_are_reached_through_the_network(operate, running_lab: Facts) -> None:
    ways = json.loads(Path(running_lab["names"]).read_text())
    for node in ("pg-b", "pg-c"):
        used = rows(operate, node, "SELECT sender_port FROM pg_stat_wal_receiver")
        assert f"127.0.0.1:{used[0]}" == ways[node]["pg-a"]
        assert used != [str(running_lab["postgresql"]["nodes"]["pg-a"]["port"])]


def test_a_write_waits_for_a_standby(operate) -> None:
    """What a lost primary had acknowledged is on another node."""
    sql = "CREATE TABLE probe (n int); INSERT INTO probe VALUES (7)"
    assert operate("psql", "service=pg-a", "-XAtqc", sql).code == 0
    got = "SELECT max(flush_lsn) >= pg_current_wal_flush_lsn() FROM pg_stat_replication"
    try:
        assert rows(operate, "pg-a", got) == ["t"]
        assert "ANY" in rows(operate, "pg-a", "SHOW synchronous_standby_names")[0]
    finally:
        operate("psql", "service=pg-a", "-XAtqc", "DROP TABLE probe")


def test_supervisorctl_speaks_to_this_lab(operate, running_lab: Facts) -> None:
    answer = operate("supervisorctl", "status")
    assert answer.code == 0
    assert {line.split()[0] for line in answer.out.splitlines()} == set(running_lab["parts"])
    assert {line.split()[1] for line in answer.out.splitlines()} == {"RUNNING"}


@pytest.mark.parametrize("data", ["lost", "kept"])
def test_a_node_is_rebuilt_from_another(data: str, operate, running_lab: Facts, traces) -> None:
    assert operate("supervisorctl", "stop", "pg-c").code == 0
    directory = Path(running_lab["data"]) / "pg-c"
    if data == "lost":
        shutil.rmtree(directory)
    else:
        directory.rename(directory.with_name("pg-c.before"))
    copy = operate(
        "pg_basebackup", "-d", "service=pg-a", "-D", str(directory), "-R", "-X", "stream", "-c", "fast"
    )
    assert copy.code == 0, copy.err
    started = operate("supervisorctl", "start", "pg-c")
    assert (started.code, started.out) == (0, "pg-c: started\n")
    traces.wait_for(
        "pg-c follows again, under its own name",
        lambda: rows(operate, "pg-a", STREAMING) == ["pg_b|quorum", "pg_c|quorum"],
    )
    traces.wait_for("pg-c answers", lambda: rows(operate, "pg-c", "SHOW cluster_name") == ["pg_c"])
    port = running_lab["postgresql"]["nodes"]["pg-c"]["port"]
    assert rows(operate, "pg-c", "SHOW port") == [str(port)]
    # A name stays true when addresses change, so the lab is left as it was.
    operate("psql", "service=pg-c", "-Xqc", "ALTER SYSTEM SET primary_conninfo = 'service=pg-a'")
    operate("psql", "service=pg-c", "-Xqc", "SELECT pg_reload_conf()")
    shutil.rmtree(directory.with_name("pg-c.before"), ignore_errors=True)


def test_an_old_primary_is_rewound(lab_command, traces) -> None:
    """The whole way of a lost primary whose disk is still there: promote, follow, rewind."""
    facts = lab_command.up("one")

    def operate(*words: str) -> Any:
        return traces.tool(facts, *words)

    pid = Orchestrator(Path(facts["supervisor"]["socket"])).states()["pg-a"]["pid"]
    os.kill(pid, 9)
    assert rows(operate, "pg-b", "SELECT pg_promote(true, 10)") == ["t"]
    operate("psql", "service=pg-c", "-Xqc", "ALTER SYSTEM SET primary_conninfo = 'service=pg-b'")
    operate("psql", "service=pg-c", "-Xqc", "SELECT pg_reload_conf()")
    traces.wait_for("pg-c follows pg-b", lambda: rows(operate, "pg-b", STREAMING) == ["pg_c|quorum"])
    assert operate("psql", "service=pg-b", "-XAtqc", "CREATE TABLE after_promotion ()").code == 0

    traces.wait_for(
        "the supervisor has seen it", lambda: operate("supervisorctl", "status", "pg-a").code == 3
    )
    data = facts["postgresql"]["nodes"]["pg-a"]["data"]
    rewound = operate(
        "pg_rewind", "-D", data, "--source-server=service=pg-b dbname=survey", "-R", "--no-sync"
    )
    assert rewound.code == 0, rewound.err
    assert operate("supervisorctl", "start", "pg-a").code == 0
    traces.wait_for(
        "pg-a follows", lambda: rows(operate, "pg-b", STREAMING) == ["pg_a|quorum", "pg_c|quorum"]
    )
    traces.wait_for(
        "pg-a has it", lambda: rows(operate, "pg-a", "SELECT count(*) FROM after_promotion") == ["0"]
    )
    assert rows(operate, "pg-a", "SELECT pg_is_in_recovery()") == ["t"]
    assert lab_command("status", "--json").json["primaries"] == ["pg-b"]
    assert lab_command("down").code == 0


# --- release --------------------------------------------------------------------------------------


@pytest.fixture
def first_release(operate) -> Iterator[str]:
    """Goes back to the release that ran when the test began."""
    before = operate("release", "current", "intake").out.strip()
    yield before
    if operate("release", "current", "intake").out.strip() != before:
        back = operate("release", "activate", "intake", before)
        assert back.code == 0, back.err


def replicas(facts: Facts) -> dict[str, int]:
    states = Orchestrator(Path(facts["supervisor"]["socket"])).states()
    return {name: states[name]["pid"] for name in ("intake-1", "intake-2")}


def test_set_makes_a_version_and_previous_leads_back(first_release: str, operate, running_lab: Facts) -> None:
    before = replicas(running_lab)
    done = operate("release", "set", "intake", "pool_size=5", "database=pg-a")
    assert done.code == 0, done.err
    now = operate("release", "current", "intake").out.strip()
    assert done.out.splitlines() == [
        *(f"intake-1: restarting with {now}", "intake-1: ready"),
        *(f"intake-2: restarting with {now}", "intake-2: ready"),
        f"intake: {now} is active",
    ]
    config = Path(running_lab["releases"]) / "intake" / "current" / "config.json"
    assert {"database": "pg-a", "pool_size": 5}.items() <= json.loads(config.read_text()).items()
    assert now != first_release
    after = replicas(running_lab)
    assert not set(before.values()) & set(after.values())
    listed = operate("release", "list", "intake").out.splitlines()
    assert [line.split()[0] for line in listed if "current" in line] == [now]
    assert any(line.startswith(now) and line.endswith("pool_size=5 database=pg-a") for line in listed)

    assert operate("release", "previous", "intake").out.strip() == first_release
    assert operate("release", "activate", "intake", first_release).code == 0
    assert operate("release", "previous", "intake").out.strip() == now
    assert operate("release", "current", "intake").out.strip() == first_release


def test_a_release_that_does_not_work_stops_at_the_first_replica(
    first_release: str, operate, running_lab: Facts, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree((Path(running_lab["releases"]) / "intake" / "current").resolve(), broken)
    (broken / "intake.py").write_text("raise SystemExit('does not start')\n")
    added = operate("release", "add", "intake", str(broken), "--note", "a mistake")
    assert added.code == 0, added.err
    version = added.out.strip()
    assert operate("release", "current", "intake").out.strip() == first_release, "added, not activated"

    before = replicas(running_lab)
    done = operate("release", "activate", "intake", version)
    assert done.code == 1
    assert f"intake {version}: intake-1 is not ready" in done.err
    assert f"release activate intake {first_release}" in done.err
    assert replicas(running_lab)["intake-2"] == before["intake-2"], "the other one keeps serving"
    assert operate("release", "activate", "intake", first_release).code == 0
    # What never worked is nothing to go back to.
    assert operate("release", "previous", "intake").out.strip() != version


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["list", "intaek"], "got service 'intaek', expected one of dashboard, insight, intake"),
        (["activate", "intake", "v99"], "got version 'v99', expected one of v1"),
        (["set", "intake", "databse=pg-b"], "got 'databse', expected one of database"),
        (["set", "intake", "databse=pg-b"], "Did you mean 'database'?"),
        (["set", "intake", "database"], "got 'database', expected key=value"),
        (["add", "intake", "/nonexistent"], "expected a folder with intake.py and config.json"),
    ],
)
def test_release_refuses_what_it_does_not_know(words: list[str], says: str, operate) -> None:
    before = operate("release", "list", words[1]).out
    done = operate("release", *words)
    assert done.code == 1
    assert says in done.err
    assert len(done.err.splitlines()) == 1
    assert operate("release", "list", words[1]).out == before


def test_one_release_at_a_time(operate, running_lab: Facts) -> None:
    lock = Path(running_lab["releases"]) / "intake" / ".lock"
    with subprocess.Popen(
        ["flock", str(lock), "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(b"held\n")
        holder.stdin.flush()
        holder.stdout.readline()  # cat runs, so the lock is held
        done = operate("release", "activate", "intake", "v1")
        holder.stdin.close()
    assert (done.code, "another release is under way" in done.err) == (1, True)


@pytest.mark.skipif(os.getuid() != 0, reason="only for root is the database's user somebody else")
def test_what_tools_write_belongs_to_the_database(operate, running_lab: Facts) -> None:
    owner = operate("psql", "service=pg-a", "-XAtq", "-c", "\\! id -un").out.strip()
    assert owner == running_lab["postgresql"]["user"] == "nobody"
