"""The meter against real servers that really break."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from chaos_ext.errors import UsageError
from chaos_ext.meter import intervals, samples
from chaos_ext.meter.client import Meter, MeterFailed
from chaos_ext.meter.samples import Sample, by_flow
from chaos_ext.meter.schedule import FRESH_EVERY
from chaos_ext.meter.writelog import account, read_lines
from chaos_ext.model import Flow, Impact

Start = Callable[..., Meter]
Until = Callable[..., None]
Make = Callable[..., Flow]


def seen(meter: Meter, n: int, since: float | None = None, **like: Any) -> Callable[[], bool]:
    """Whether at least `n` operations that were sent since then look like that."""
    return lambda: sum(all(getattr(s, k) == v for k, v in like.items()) for s in meter.snapshot(since)) >= n


def as_written(flow: Flow) -> str:
    """The flow as a file of services would hold it."""
    durations = {"deadline": f"{flow.deadline}s"}
    slo = {"success": f"{flow.slo.success:%}", "latency": f"{flow.slo.latency}s"}
    request = flow.request.model_dump(by_alias=True)
    return json.dumps({**flow.model_dump(), **durations, "slo": slo, "request": request})


def test_a_healthy_service(
    tls_server: Any, start_meter: Start, flow: Make, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    flows = {"submit": writing_flow(per_second=20), "look": flow(per_second=60)}
    meter = start_meter(tls_server, flows, tmp_path / "trial")
    until(seen(meter, 41, flow="submit"))
    until(seen(meter, 61, flow="look"))
    assert all(figures.meets_slo for figures in meter.live(1.0).values())
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


def test_lost_changed_doubled_and_strange_writes(
    server: Any, start_meter: Start, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    meter = start_meter(server, {"submit": writing_flow()}, tmp_path / "trial")
    until(seen(meter, 10, ok=True))
    meter.stop()
    sent = [line for line in read_lines(tmp_path / "trial" / "writes.jsonl") if "text" in line]
    items = [{"id": line["id"], "text": line["text"]} for line in sent]
    lost, changed, doubled = items.pop(0), items[0], items[1]
    server.tell(
        "store", items=[{**changed, "text": "?"}, doubled, *items[1:], {"id": "stranger", "text": "?"}]
    )
    got = meter.read_back(settle_s=0.1)
    assert got.lost == (lost["id"],)
    assert got.changed == (changed["id"],)
    assert got.duplicated == (doubled["id"],)
    assert got.unexpected == ("stranger",)
    assert got.oldest_lost_acknowledged_at is not None
    assert got.oldest_lost_acknowledged_at >= sent[0]["at"]


def test_a_write_that_shows_late_is_not_lost(
    server: Any, start_meter: Start, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    meter = start_meter(server, {"submit": writing_flow()}, tmp_path / "trial")
    until(seen(meter, 5, ok=True))
    meter.stop()
    lines = [line for line in read_lines(tmp_path / "trial" / "writes.jsonl") if "text" in line]
    server.tell("store", items=[])  # a replica that lags …
    order = json.dumps({"do": "store", "items": [{"id": x["id"], "text": x["text"]} for x in lines]})
    helper = f"import time, sys; time.sleep(0.5); sys.stdout.write({order!r} + chr(10)); sys.stdout.flush()"
    # … and catches up half a second later, while the meter is looking.
    late = subprocess.Popen([sys.executable, "-c", helper], stdout=server.stdin)
    try:
        got = meter.read_back(settle_s=8.0)
    finally:
        late.wait()
    server.answer()
    assert (got.lost, got.read, got.readable) == ((), len(lines), True)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param({"status": 503}, "status 503, expected 200", id="an-error"),
        pytest.param({"status": 200, "body": "<html>"}, "not JSON: '<html>'", id="not-json"),
        pytest.param({"status": 200, "body": "{}"}, "no 'responses' in the answer", id="no-list"),
        pytest.param({"status": 200, "body": '{"responses": 3}'}, "responses is not a list", id="not-a-list"),
        pytest.param({"status": 200, "body": '{"responses": [3]}'}, "an item without 'id'", id="no-items"),
        pytest.param({"swallow": True}, "no answer in time", id="silence"),
    ],
)
def test_what_cannot_be_read_back_is_never_a_success(
    server: Any,
    start_meter: Start,
    writing_flow: Make,
    until: Until,
    answer: dict[str, Any],
    expected: str,
) -> None:
    meter = start_meter(server, {"submit": writing_flow()})
    until(seen(meter, 5, ok=True))
    meter.stop()
    server.tell("answer", **answer)
    got = meter.read_back(within_s=0.4)
    assert not got.readable
    assert got.no_data
    assert expected in got.why
    assert got.acknowledged >= 5


def test_reading_back_waits_for_the_service(
    server: Any, start_meter: Start, writing_flow: Make, until: Until
) -> None:
    meter = start_meter(server, {"submit": writing_flow()})
    until(seen(meter, 5, ok=True))
    meter.stop()
    server.tell("close")
    assert "Connect call failed" in meter.read_back(within_s=0.3).why
    server.tell("listen")
    assert meter.read_back().readable


# --- the meter's own ends ------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["samples.jsonl", "writes.jsonl"])
def test_a_full_disk_is_not_silent(
    server: Any, writing_flow: Make, until: Until, tmp_path: Path, file: str
) -> None:
    place = tmp_path / "full"
    place.mkdir()
    (place / file).symlink_to("/dev/full")
    meter = Meter({"submit": writing_flow()}, server.url, None, place, "run-1")
    with contextlib.suppress(
        MeterFailed
    ):  # on a slow machine it has failed before it could say that it started
        meter.start()
    until(lambda: meter.failed is not None)
    assert meter.failed == f"the meter cannot record in {place}: No space left on device"
    with pytest.raises(MeterFailed, match="No space left"):
        meter.snapshot()
    with pytest.raises(MeterFailed, match="No space left"):
        meter.live(1.0)
    meter.stop()
    got = meter.read_back()
    assert not got.readable
    assert "No space left" in got.why
    if file == "writes.jsonl":  # what cannot be logged is not sent
        assert server.tell("count")["served"] == 0


def test_a_disk_that_has_room_again_does_not_spoil_the_log(
    server: Any, writing_flow: Make, tmp_path: Path
) -> None:
    """The limit on the size of files cuts a line in two, then is lifted while answers are still coming in."""
    server.tell("answer", delay_s=0.3)
    program = (
        "import resource, sys, time; from pathlib import Path\n"
        "from chaos_ext.meter.client import Meter; from chaos_ext.model import Flow\n"
        "flow, place = Flow.model_validate_json(sys.argv[1]), Path(sys.argv[3])\n"
        "meter = Meter({'submit': flow}, sys.argv[2], None, place, 'run-1')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3001, resource.RLIM_INFINITY))\n"
        "meter.start()\n"
        "while meter.failed is None: time.sleep(0.001)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "meter.stop(); print(meter.failed)"
    )
    made, place = writing_flow(), tmp_path / "trial"
    done = subprocess.run(
        [sys.executable, "-c", program, as_written(made), server.url, str(place)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "cannot record" in done.stdout
    assert "File too large" in done.stdout
    got = account(read_lines(place / "writes.jsonl"), [], made)  # does not raise: only the last line is torn
    assert got.attempted > 10


def test_stopping_waits_for_what_is_under_way(
    server: Any, start_meter: Start, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    server.tell("answer", delay_s=0.4)
    meter = start_meter(server, {"submit": writing_flow()}, tmp_path / "trial")
    until(lambda: len(read_lines(tmp_path / "trial" / "writes.jsonl")) >= 5)
    meter.stop()
    lines = read_lines(tmp_path / "trial" / "writes.jsonl")
    assert {line["id"] for line in lines if "text" in line} == {x["id"] for x in lines if "outcome" in x}
    assert len(meter.snapshot()) == len(samples.read(tmp_path / "trial" / "samples.jsonl")) == len(lines) / 2
    served = server.tell("count")["served"]
    meter.stop()  # a second time does nothing
    assert server.tell("count")["served"] == served


def test_what_is_cut_off_by_stopping_is_indeterminate(
    server: Any, start_meter: Start, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    server.tell("answer", swallow=True)
    meter = start_meter(server, {"submit": writing_flow(deadline="60s")}, tmp_path / "trial")
    until(lambda: len(read_lines(tmp_path / "trial" / "writes.jsonl")) >= 5)
    meter.stop(wait_s=0)
    assert meter.failed is None
    assert meter.snapshot() == ()
    server.tell("normal")
    got = meter.read_back()
    assert got.indeterminate == got.attempted >= 5
    assert got.readable
    assert got.no_data


def test_a_killed_meter_leaves_what_it_sent(
    server: Any, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    server.tell("answer", swallow=True)
    made = writing_flow(deadline="60s")
    program = (
        "import sys, time; from pathlib import Path\n"
        "from chaos_ext.meter.client import Meter; from chaos_ext.model import Flow\n"
        "flow = Flow.model_validate_json(sys.argv[1])\n"
        "Meter({'submit': flow}, sys.argv[2], None, Path(sys.argv[3]), 'run-1').start(); time.sleep(600)"
    )
    place = tmp_path / "trial"
    process = subprocess.Popen([sys.executable, "-c", program, as_written(made), server.url, str(place)])
    try:
        until(lambda: (place / "writes.jsonl").exists() and len(read_lines(place / "writes.jsonl")) >= 5)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    got = account(read_lines(place / "writes.jsonl"), [], made)
    assert got.indeterminate == got.attempted >= 5
    assert samples.read(place / "samples.jsonl") == []


def test_too_many_under_way_is_said_and_not_held_against_the_service(
    server: Any, start_meter: Start, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    server.tell("answer", swallow=True)
    meter = Meter({"submit": writing_flow(deadline="60s")}, server.url, None, tmp_path / "trial", "run-1")
    meter._at_most = 3  # the real limit is beyond what a hang of everything holds
    meter.start()
    try:
        until(seen(meter, 3))
        known: tuple[Sample, ...] = meter.snapshot()
        assert {s.why for s in known} == {"overload: 3 operations are under way"}
        assert intervals.meets_slo(known, writing_flow().slo) is None
        assert len(read_lines(tmp_path / "trial" / "writes.jsonl")) == 3  # the others were never sent
    finally:
        meter.stop(wait_s=0)


def test_a_broken_meter_says_so(
    server: Any, start_meter: Start, flow: Make, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = start_meter(server, {"look": flow()})
    until(seen(meter, 3, ok=True))
    monkeypatch.setitem(meter._plans, "look", None)
    until(lambda: meter.failed is not None)
    assert meter.failed is not None
    assert meter.failed.startswith("the meter broke: AttributeError")
    meter.stop()


def test_starting_is_refused_when_it_cannot_be_done(
    server: Any, flow: Make, writing_flow: Make, tmp_path: Path
) -> None:
    missing = Meter({"look": flow()}, server.url, str(tmp_path / "no-ca.pem"), tmp_path / "a", "r")
    with pytest.raises(UsageError, match=r"no-ca\.pem: ca_file: got"):
        missing.start()
    missing.stop()
    with pytest.raises(UsageError, match="expected one of"):
        Meter({"look": flow(request={"path": "/${oops}"})}, server.url, None, tmp_path / "b", "r")
    once = Meter({"look": flow()}, server.url, None, tmp_path / "c", "r")
    once.start()
    with pytest.raises(RuntimeError, match="once"):
        once.start()
    once.stop()


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
