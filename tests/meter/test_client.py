"""The meter against real servers that really break."""

from __future__ import annotations

import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from meter.looking import Make, Start, Until, seen

from chaos_ext.meter import intervals, samples
from chaos_ext.meter.samples import by_flow
from chaos_ext.meter.schedule import FRESH_EVERY
from chaos_ext.model import Impact


def test_a_healthy_service(
    tls_server: Any, start_meter: Start, flow: Make, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    flows = {"submit": writing_flow(per_second=20), "look": flow(per_second=60)}
    meter = start_meter(tls_server, flows, tmp_path / "trial")
    until(seen(meter, 41, flow="submit"))
    until(seen(meter, 61, flow="look"))
    assert all(of and all(s.ok for s in of) for of in meter.live(1.0).values())
    meter.stop()
    got = meter.read_back()
    known = meter.snapshot()
    assert all(s.ok and not s.why for s in known)
    for name, own in by_flow(known).items():
        assert [s.number for s in own] == list(range(len(own)))
        assert all(s.scheduled <= s.sent <= s.done for s in own)
        assert all(s.fresh == (s.number % FRESH_EVERY == 0) for s in own)
        gaps = {round(b.scheduled - a.scheduled, 4) for a, b in pairwise(own)}
        assert gaps == {round(1 / flows[name].per_second, 4)}
        assert intervals.impact_of(own, flows[name].slo) is Impact.NONE
    kept = samples.read(tmp_path / "trial" / "samples.jsonl")
    assert sorted((s.flow, s.number, s.ok, s.fresh) for s in kept) == sorted(
        (s.flow, s.number, s.ok, s.fresh) for s in known
    )
    writes = sum(s.flow == "submit" for s in known)
    assert (got.attempted, got.acknowledged, got.read) == (writes, writes, writes)
    assert (got.lost, got.changed, got.duplicated, got.unexpected) == ((), (), (), ())
    assert got.readable
    # Connections are kept, but every fresh operation made its own.
    count = tls_server.tell("count")
    assert sum(s.fresh for s in known) <= count["accepted"] <= sum(s.fresh for s in known) + 20
    assert meter.failed is None


def test_a_listener_that_closes(server: Any, start_meter: Start, writing_flow: Make, until: Until) -> None:
    made = writing_flow()
    meter = start_meter(server, {"submit": made})
    until(seen(meter, 20, ok=True))
    closed = server.tell("close")
    until(seen(meter, 12, why="refused"))
    opened = server.tell("listen")
    until(seen(meter, 5, since=opened["ended"], ok=True))
    found = intervals.outage(meter.snapshot())
    assert found is not None
    assert found.onset is not None
    assert found.onset.earliest <= closed["ended"]
    assert found.onset.latest >= closed["began"]
    assert found.recovery is not None
    assert found.recovery.earliest <= opened["ended"]
    assert found.recovery.latest >= opened["began"]
    got = meter.read_back()
    assert got.failed >= 12  # refused before anything was sent: certainly not stored
    assert (got.lost, got.unexpected) == ((), ())


def test_a_server_that_stalls_is_seen_at_full_length(
    server: Any, start_meter: Start, writing_flow: Make, until: Until
) -> None:
    made = writing_flow(deadline="500ms")
    meter = start_meter(server, {"submit": made})
    until(seen(meter, 20, ok=True))
    frozen = time.monotonic()
    server.freeze()
    until(seen(meter, 20, why="deadline"))
    server.thaw()
    thawed = time.monotonic()
    until(seen(meter, 5, since=thawed, ok=True))
    known = meter.snapshot()
    # Open loop: it went on sending at its rate.
    assert [s.number for s in intervals.settled(known)] == list(range(len(intervals.settled(known))))
    found = intervals.outage(known)
    assert found is not None
    assert found.onset is not None
    assert found.onset.earliest <= frozen <= found.onset.latest
    assert found.recovery is not None
    assert found.recovery.earliest <= thawed <= found.recovery.latest
    got = meter.read_back()
    assert got.indeterminate >= 20  # the server may have had them in its hands, and in fact stored them later
    assert (got.lost, got.unexpected) == ((), ())


@pytest.mark.parametrize("stores", [True, False], ids=["stored-all-the-same", "not-stored"])
def test_an_internal_error_leaves_open_whether_it_was_stored(
    server: Any, start_meter: Start, writing_flow: Make, until: Until, stores: bool
) -> None:
    meter = start_meter(server, {"submit": writing_flow()})
    until(seen(meter, 5, ok=True))
    server.tell("answer", status=503, stores=stores)
    until(seen(meter, 10, why="status 503"))
    server.tell("normal")
    got = meter.read_back()
    assert got.indeterminate >= 10
    assert (got.lost, got.unexpected, got.failed) == ((), (), 0)
    assert (got.read >= got.acknowledged + 10) is stores


def test_an_expired_certificate_is_seen_by_fresh_connections(
    tls_server: Any, start_meter: Start, flow: Make, until: Until
) -> None:
    meter = start_meter(tls_server, {"look": flow(per_second=40)})
    until(seen(meter, 20, ok=True))
    expired = tls_server.tell("expire")["ended"]
    until(seen(meter, 3, since=expired, fresh=True))
    until(seen(meter, 10, since=expired, fresh=False))
    known = meter.snapshot(expired)
    assert not any(s.ok for s in known if s.fresh)
    assert {s.why for s in known if not s.ok} == {"tls: certificate has expired"}
    # Kept connections go on: without fresh ones nobody would have noticed.
    assert sum(s.ok for s in known if not s.fresh) > 5


def test_a_redirect_is_an_answer_not_a_way(server: Any, start_meter: Start, flow: Make, until: Until) -> None:
    server.tell("answer", status=302, every=2)
    meter = start_meter(server, {"look": flow()})
    until(seen(meter, 3, why="status 302"))
    until(seen(meter, 3, ok=True))
    assert server.tell("count")["served"] <= meter.snapshot()[-1].number + 10


def test_nothing_is_left_open(server: Any, start_meter: Start, flow: Make, until: Until) -> None:
    before = len(os.listdir("/proc/self/fd"))
    meter = start_meter(server, {"look": flow()})
    until(seen(meter, 5, ok=True))
    meter.stop()
    assert len(os.listdir("/proc/self/fd")) == before


def test_snapshot_since(server: Any, start_meter: Start, flow: Make, until: Until) -> None:
    meter = start_meter(server, {"look": flow()})
    until(seen(meter, 10, ok=True))
    meter.stop()
    known = meter.snapshot()
    assert list(known) == sorted(known, key=lambda s: s.sent)
    assert meter.snapshot(known[4].sent) == known[4:]
    assert meter.snapshot(known[-1].done) == ()
