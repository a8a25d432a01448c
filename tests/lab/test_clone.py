"""`pg-clone`: the primary as it was, beside the primary as it is, from base copy and archive."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Facts = dict[str, Any]
KEPT = "SELECT count(*) FROM responses WHERE survey = 'clone-test'"


def ask(operate: Callable[..., Any], node: str, sql: str) -> str:
    answer = operate("psql", f"service={node}", "-XAtqc", sql)
    assert answer.code == 0, answer.err
    return str(answer.out).strip()


@pytest.fixture
def before_the_deletion(operate: Callable[..., Any]) -> Iterator[str]:
    """A hundred responses, stored and then deleted; a moment between the two."""
    rows = "SELECT 'clone-test-' || n, 'clone-test', '会議が多い' FROM generate_series(1, 100) AS n"
    ask(operate, "pg-a", f"INSERT INTO responses (id, survey, text) {rows}")
    moment = ask(operate, "pg-a", "SELECT clock_timestamp()")
    ask(operate, "pg-a", "DELETE FROM responses WHERE survey = 'clone-test'")
    yield moment
    operate("pg-clone", "drop", "before")
    ask(operate, "pg-a", "DELETE FROM responses WHERE survey = 'clone-test'")


def test_what_was_deleted_is_in_the_clone_and_can_be_brought_back(
    before_the_deletion: str, operate, running_lab: Facts
) -> None:
    made = operate("pg-clone", "create", "--at", before_the_deletion, "before")
    assert made.code == 0, made.err
    assert made.out.splitlines()[-1] == "psql service=before"
    assert ask(operate, "before", KEPT) == "100"
    assert ask(operate, "pg-a", KEPT) == "0"
    identifier = "SELECT system_identifier FROM pg_control_system()"
    assert ask(operate, "before", identifier) == ask(operate, "pg-a", identifier)

    # A server of its own: it takes writes, and nothing of that gets anywhere.
    archived = set(os.listdir(running_lab["archive"]))
    ask(operate, "before", "CREATE TABLE only_here (); ")
    ask(operate, "before", "SELECT pg_switch_wal()")
    assert ask(operate, "pg-a", "SELECT to_regclass('only_here') IS NULL") == "t"
    assert {
        name for name in set(os.listdir(running_lab["archive"])) - archived if name[:8] != "00000001"
    } == set()

    way = "psql service=before -Xqc \"COPY (SELECT * FROM responses WHERE survey = 'clone-test') TO STDOUT\""
    back = operate("sh", "-c", f"{way} | psql service=pg-a -Xqc 'COPY responses FROM STDIN'")
    assert back.code == 0, back.err
    assert ask(operate, "pg-a", KEPT) == "100"

    assert operate("pg-clone", "drop", "before").out == "before: gone\n"
    gone = operate("psql", "service=before", "-XAtqc", "SELECT 1")
    assert 'definition of service "before" not found' in gone.err
    assert not (Path(running_lab["data"]) / "clone-before").exists()
    assert ask(operate, "pg-b", "SELECT pg_is_in_recovery()") == "t"  # the others' names are still there


def test_a_clone_of_now_needs_nobody_else_to_write(operate) -> None:
    """Recovery stops at a transaction after the moment: a quiet database must not lack one."""
    moment = ask(operate, "pg-a", "SELECT clock_timestamp()")
    made = operate("pg-clone", "create", "--at", moment, "quiet")
    assert made.code == 0, made.err
    assert ask(operate, "quiet", "SELECT pg_is_in_recovery()") == "f"
    assert operate("pg-clone", "drop", "quiet").code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["create", "--at", "tomorrow", "one"], "expected a moment that is past"),
        (["create", "--at", "2001-01-01", "one"], "when the archive begins"),
        (["create", "--at", "it's noon", "one"], "expected a moment such as '2026-11-24"),
        (["create", "--at", "now", "pg-a"], "there is a server of this name already"),
        (["create", "--at", "now", "../x"], "expected up to 31 small letters"),
        (["drop", "pg-a"], "expected a clone that is there (none)"),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_line(words: list[str], says: str, operate) -> None:
    done = operate("pg-clone", *words)
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert len(done.err.splitlines()) == 1


def test_after_a_promotion_the_clone_has_what_both_primaries_wrote(lab_command, traces) -> None:
    """No gap in the archive although the first primary died without a chance to archive."""
    facts = lab_command.up("one")

    def operate(*words: str) -> Any:
        return traces.tool(facts, *words)

    write = "INSERT INTO responses (id, survey, text) VALUES ('{0}', 'clone-test', '{0}')"
    ask(operate, "pg-a", write.format("on the first"))
    for pid in [process.pid for process in traces.processes_of(Path(facts["data"]) / "pg-a")]:
        os.kill(pid, signal.SIGKILL)
    assert ask(operate, "pg-b", "SELECT pg_promote(true, 10)") == "t"
    operate("psql", "service=pg-c", "-Xqc", "ALTER SYSTEM SET primary_conninfo = 'service=pg-b'")
    operate("psql", "service=pg-c", "-Xqc", "SELECT pg_reload_conf()")
    ask(operate, "pg-b", write.format("on the second"))
    moment = ask(operate, "pg-b", "SELECT clock_timestamp()")
    ask(operate, "pg-b", "DELETE FROM responses WHERE survey = 'clone-test'")
    made = operate("pg-clone", "create", "--at", moment, "both")
    assert made.code == 0, made.err
    assert ask(operate, "both", KEPT) == "2"

    # A lab that ends or is swept takes its clones along.
    segments = traces.segments(facts)
    assert len(segments) == 3
    assert lab_command("down").code == 0
    assert traces.processes_of(facts["dir"]) == []
    assert traces.still_there(segments) == set()
