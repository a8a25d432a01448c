"""A ledger that machines share, in a real PostgreSQL: durable, append-only, and not missed when it is lost."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from waiting import free_port, wait_for

from chaos_ext.errors import Blocked
from chaos_ext.safety import free, heal, hold, ledger_postgresql, processes, reservations
from chaos_ext.safety.book import Book
from chaos_ext.safety.ledger import Ledger, read_book


@contextmanager
def lost(server):
    """The ledger's database takes no connection."""
    server.execute("ALTER DATABASE ledger ALLOW_CONNECTIONS false")
    try:
        yield
    finally:
        server.execute("ALTER DATABASE ledger ALLOW_CONNECTIONS true")


def broken(book, place, thing, **more):
    from chaos_ext.safety import execute

    entry = book.intend(
        "break-file", **thing.fault(), target={}, prior={}, lease_s=600,
        configuration={"chaos_facts": place.facts}, identity=place.identity, **more,
    )  # fmt: skip
    return book.injected(entry, execute.run(entry.activity, entry.configuration))


def test_another_machine_heals(here, there, shared_place, thing):
    broken(here, shared_place, thing)
    (entry,) = there.book().open_entries
    assert (entry.state, entry.ledger) == ("injected", here.url)
    (outcome,) = heal.heal(there.directory, None, lambda _: None, [entry])
    assert outcome.state == "undone"
    assert thing.is_whole
    assert here.book().open_entries == []


def test_what_cannot_be_reached_blocks_before_the_fault(tmp_path, shared_place, thing):
    url = f"postgresql://postgres@127.0.0.1:{free_port()}/ledger"
    book = Ledger(tmp_path, "dedicated", "dedicated", url)
    for work in (lambda: broken(book, shared_place, thing), lambda: free.refuse_unless_free(book)):
        with pytest.raises(Blocked, match="expected the ledger to answer"):
            work()
    assert thing.is_whole
    assert not book.path.exists()


def test_lost_at_the_worst_moment(here, there, server, shared_place, thing):
    entry = broken(here, shared_place, thing)
    with lost(server):
        assert heal.undo_entry(entry).state == "undone"
        assert thing.is_whole
        assert len(read_book(here.path).unsent) == 1
    assert there.book().open_entries[0].state == "injected"
    assert here.send_unsent() == 1
    assert there.book().open_entries == []
    assert here.send_unsent() == 0


def test_a_server_that_stands_still_is_given_up(here, server, shared_place, thing, monkeypatch):
    entry = broken(here, shared_place, thing)
    monkeypatch.setattr(ledger_postgresql, "ANSWER_WITHIN_S", 0.5)
    with server.frozen():
        assert heal.undo_entry(entry).state == "undone"
        assert thing.is_whole
        with pytest.raises(Blocked, match=r"0\.5 s"):
            here.book()


def test_it_is_only_appended_to(here, server, shared_place, thing):
    broken(here, shared_place, thing)
    for change in ("DELETE FROM", "TRUNCATE"):
        with pytest.raises(psycopg.errors.RaiseException, match="only appended to"):
            server.execute(f"{change} chaos_ledger.records", "ledger")
    with pytest.raises(psycopg.errors.RaiseException, match="only appended to"):
        server.execute("UPDATE chaos_ledger.records SET body = ''", "ledger")


def test_a_newer_ledger_is_refused(here, server):
    here.book()
    server.execute("INSERT INTO chaos_ledger.version (version) VALUES (2)", "ledger")
    with pytest.raises(Blocked, match=r"version 2, expected 1: .*Upgrade chaos-ext"):
        here.book()


def test_a_damaged_row_is_named(here, server):
    here.book()
    server.execute(
        "INSERT INTO chaos_ledger.records (record, environment, instance, subject, state, body)"
        " VALUES (gen_random_uuid(), 'dedicated', 'dedicated', 'x', 'injected', '{')",
        "ledger",
    )
    with pytest.raises(Blocked, match=r"chaos_ledger\.records number 1: got a line that cannot be read"):
        here.book()


def test_the_password_is_nowhere(tmp_path, url, shared_place, thing, capfd):
    url, password = ledger_postgresql.split(url.replace("postgres@", "postgres:s3cr3t-word@"))
    assert (password, "s3cr3t" in url) == ("s3cr3t-word", False)
    ledger_postgresql.remember(url, password)
    broken(Ledger(tmp_path / "l", "dedicated", "dedicated", url), shared_place, thing)
    assert all(b"s3cr3t" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_one_run_on_all_machines(here, there):
    with hold.hold(here, "chaos verify x"):
        with (
            pytest.raises(
                Blocked, match=rf"taken by chaos verify x of .* on {processes.host()} \(pid {os.getpid()}"
            ),
            hold.hold(there, "chaos verify y"),
        ):
            pass
        assert len(there.book().holds) == 1
    with hold.hold(there, "chaos verify y"):
        pass
    assert there.book().holds == {}


def test_windows_are_shared(here, there, monkeypatch):
    monkeypatch.setenv("CHAOS_BY", "load-team")
    now = time.time()
    reservations.reserve(here, now - 60, now + 60, "Asia/Tokyo", "load test", "load-team")
    free.refuse_unless_free(there)  # it is theirs
    with pytest.raises(Blocked, match=r"overlaps another: .*'load test' by load-team"):
        reservations.reserve(there, now + 30, now + 90, "UTC", "x", "y")
    reservations.reserve(there, now + 60, now + 90, "UTC", "x", "y")  # ends where the other begins
    monkeypatch.setenv("CHAOS_BY", "sre")
    with pytest.raises(Blocked, match=r"reserved: .*'load test' by load-team"):
        free.refuse_unless_free(there)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "may be alive"),
        (
            {"lease_until": time.time() - 1, "intended_wall": "2026-01-01T00:00:00Z"},
            "One of these clocks is wrong",
        ),
        ({"lease_until": time.time() + 1e7}, "One of these clocks is wrong"),
        ({"intended_wall": "2999-01-01T00:00:00Z"}, "One of these clocks is wrong"),
        ({"runner_is_gone": True}, "unhealed"),
        ({"state": "failed"}, "unhealed"),
    ],
    ids=["its lease runs", "long ago", "far too long", "from the future", "known to be gone", "gave up"],
)
def test_leases_of_other_machines(here, shared_place, thing, more, said):
    entry = broken(here, shared_place, thing)
    other = replace(entry, runner_host="another-machine", **more)
    with pytest.raises(Blocked, match=said):
        free.refuse_if_unhealed(Book("d", "d", "w", entries={"x": other}))
    assert other.runner_may_live() is ("unhealed" not in said)


def test_a_lease_that_ran_out_is_unhealed(here, shared_place, thing):
    entry = broken(here, shared_place, thing)
    other = replace(entry, runner_host="another-machine", lease_until=time.time() - 0.5)
    assert other.lease() == "over"
    with pytest.raises(Blocked, match="unhealed"):
        free.refuse_if_unhealed(Book("d", "d", "w", entries={"x": other}))
    assert not other.runner_may_live()


def test_a_clock_that_jumped_refuses(here, shared_place, thing, monkeypatch):
    monkeypatch.setattr(here, "_clocks", (here._clocks[0] - 3600, here._clocks[1]))
    with pytest.raises(Blocked, match="got a jump by 3600 s"):
        broken(here, shared_place, thing)
    assert thing.is_whole


def test_the_runner_dies_while_the_ledger_is_lost(run, here, server, shared_place, thing, tmp_path):
    runner = run(shared_place, url=here.url)
    with lost(server):
        runner.kill()
        wait_for("the undo", lambda: thing.is_whole)
    runner.wait_for_janitor()
    rows = [json.loads(body) for (body,) in server.execute("SELECT body FROM chaos_ledger.records", "ledger")]
    assert [row["state"] for row in rows] == ["intended", "injected", "undone"]
