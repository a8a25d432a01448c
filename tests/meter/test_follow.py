"""Flows that meet other flows' writes again: what is due, what is stale and wrong, and the meter over real sockets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.errors import UsageError
from chaos_ext.meter import intervals, samples
from chaos_ext.meter.client import Meter
from chaos_ext.meter.follow import Writes, shown
from chaos_ext.meter.samples import by_flow
from chaos_ext.meter.schedule import FRESH_EVERY
from chaos_ext.meter.writelog import read_lines
from chaos_ext.model import Flow, Fresh, Impact

Make = Callable[..., Flow]
Until = Callable[..., None]
Start = Callable[..., Meter]

FRESH = Fresh.model_validate({"of": "submit", "within": "400ms", "newest": "newest.id", "count": "responses"})


def written(*writes: tuple[str, float, float | None, bool]) -> Writes:
    """Writes as (id, sent, over or None while under way, acknowledged)."""
    known = Writes()
    for write_id, sent, _, _ in sorted(writes, key=lambda w: w[1]):
        known.sent(write_id, sent)
    for write_id, _, over, acknowledged in sorted(writes, key=lambda w: w[2] or 0.0):
        if over is not None:
            known.over(write_id, acknowledged, over)
    return known


A, B, C = ("a", 0.0, 0.1, True), ("b", 1.0, 1.1, True), ("c", 2.0, 2.1, True)
BESIDE_B = ("d", 1.05, 1.2, True)  # was under way together with b
NEVER_TOLD = ("e", 0.5, 0.6, False)
UNDER_WAY = ("f", 0.5, None, False)


@pytest.mark.parametrize(
    ("writes", "by", "expected"),
    [
        pytest.param((), 9.0, None, id="no write"),
        pytest.param((A, B), 0.05, None, id="none acknowledged by then"),
        pytest.param((A, B), 0.1, "a", id="acknowledged just then"),
        pytest.param((A, B, C), 1.5, "b", id="the newest of those that are due"),
        pytest.param((A, B, C), 9.0, "c", id="all due"),
        pytest.param((A, NEVER_TOLD, UNDER_WAY), 9.0, "a", id="what was never acknowledged is never due"),
        pytest.param((BESIDE_B, B), 9.0, "d", id="the one acknowledged last, not the one sent last"),
    ],
)
def test_the_newest_write_that_is_due(writes: Any, by: float, expected: str | None) -> None:
    assert written(*writes).newest_due(by) == expected


@pytest.mark.parametrize(
    ("writes", "newest", "count", "expected"),
    [
        pytest.param((), None, 0, "", id="nothing written, nothing shown"),
        pytest.param((A, B, C), "c", 3, "", id="all of it"),
        pytest.param((A, B, C), "b", 2, "stale", id="the last one is not there"),
        pytest.param((A, B, C), "c", 2, "wrong", id="the newest is there, an old one is not"),
        pytest.param((A, B, C), None, 0, "wrong", id="nothing shown"),
        pytest.param((A, B, C), "x", 3, "", id="a newest of somebody else, and enough of them"),
        pytest.param((A, B, C), "x", 2, "wrong", id="a newest of somebody else, and too few"),
        pytest.param((A, B, C), "a", 3, "stale", id="enough, but the newest is old"),
        pytest.param((B, BESIDE_B), "b", 2, "", id="two that were under way together: no order is known"),
        pytest.param((B, BESIDE_B), "b", 1, "wrong", id="under way together, one missing"),
        pytest.param((NEVER_TOLD, B), "e", 2, "", id="one never acknowledged, stored late: it is the newest"),
        pytest.param((NEVER_TOLD, B), "e", 1, "stale", id="never acknowledged, alone where another is due"),
        pytest.param(
            (NEVER_TOLD, A, B), "e", 1, "stale", id="never acknowledged, and the due ones are missing"
        ),
        pytest.param((UNDER_WAY, A, B), "f", 2, "", id="one still under way is as new as can be"),
    ],
)
def test_what_an_answer_shows(writes: Any, newest: str | None, count: int, expected: str) -> None:
    assert written(*writes).what_is_wrong(9.0, newest, count) == expected


def test_what_is_not_due_yet_need_not_be_shown() -> None:
    assert written(A, B, C).what_is_wrong(1.5, "b", 2) == ""
    assert written(A, B, C).what_is_wrong(1.5, "a", 1) == "stale"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'{"responses": 3, "newest": {"id": "a"}}', ("a", 3), id="both"),
        pytest.param(b'{"responses": 0, "newest": null}', (None, 0), id="nothing yet"),
        pytest.param(b'{"responses": 3}', (None, 3), id="no newest"),
        pytest.param(b'{"newest": {"id": "a"}}', None, id="no count"),
        pytest.param(b'{"responses": true, "newest": {"id": "a"}}', None, id="a count that is none"),
        pytest.param(b'{"responses": "3", "newest": {"id": "a"}}', None, id="a count in words"),
        pytest.param(b'{"responses": 3, "newest": "a"}', (None, 3), id="newest is no object"),
        pytest.param(b"[3]", None, id="a list"),
        pytest.param(b"<html>", None, id="not JSON"),
        pytest.param(b"", None, id="empty"),
    ],
)
def test_what_can_be_made_out(body: bytes, expected: Any) -> None:
    assert shown(FRESH, body) == expected


@given(
    ends=st.lists(st.tuples(st.floats(0.0, 0.3), st.booleans()), min_size=1, max_size=40),
    behind=st.integers(0, 5),
    hidden=st.integers(0, 5),
)
def test_planted_staleness_and_gaps_are_found(
    ends: list[tuple[float, bool]], behind: int, hidden: int
) -> None:
    """A service that stores in the order of sending, one write a second, and shows it `behind`, or without some."""
    writes = [
        (f"w{i}", float(i), i + took, acknowledged) for i, (took, acknowledged) in enumerate(ends)
    ]  # each over before the next is sent
    known = written(*writes)
    stored = [w for w in writes if w[3]]
    whole = [w[0] for w in stored]
    assert known.what_is_wrong(100.0, whole[-1] if whole else None, len(whole)) == ""
    if behind and len(whole) > behind:
        late = whole[:-behind]
        assert known.what_is_wrong(100.0, late[-1], len(late)) == "stale"
    if hidden and len(whole) > hidden:
        assert known.what_is_wrong(100.0, whole[-1], len(whole) - hidden) == "wrong"
    if whole:
        # Whatever is shown up to the newest one due is right for who asked then.
        for i, w in enumerate(stored):
            assert known.what_is_wrong(w[2], w[0], i + 1) == ""
            assert known.newest_due(w[2]) == w[0]


# --- over real sockets ---


def asking(flow: Make, **changes: Any) -> Flow:
    request = {"path": "/known/${followed.id}"}
    return flow(**{"request": request, "follows": {"flow": "submit", "after": "300ms"}, **changes})


def looking(flow: Make, **changes: Any) -> Flow:
    request = {"path": "/summary?survey=${run.id}&page=${cycle}", "cycle": 7}
    fresh = {"of": "submit", "within": "300ms", "newest": "newest.id", "count": "responses"}
    return flow(**{"request": request, "fresh": fresh, **changes})


def count(meter: Meter, flow: str, why: str, since: float | None = None) -> int:
    return sum(s.flow == flow and s.why == why for s in meter.snapshot(since))


def test_a_flow_asks_about_the_newest_write_that_is_due(
    server: Any, start_meter: Start, flow: Make, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    flows = {"submit": writing_flow(per_second=20), "topics": asking(flow, per_second=20)}
    meter = start_meter(server, flows, tmp_path / "trial")
    until(lambda: count(meter, "topics", "") >= 25)
    known = by_flow(meter.snapshot())
    lines = read_lines(tmp_path / "trial" / "writes.jsonl")
    acknowledged = {line["id"]: line["at"] for line in lines if line.get("outcome") == "ok"}
    first = min(acknowledged.values())
    asked = sorted(known["topics"], key=lambda s: s.sent)
    # Before the first write was due nothing was asked, and no number was used up.
    assert [s.number for s in asked] == list(range(len(asked)))
    assert all(s.fresh == (s.number % FRESH_EVERY == 0) for s in asked)
    assert first + 0.3 <= asked[0].sent <= first + 0.3 + 0.2
    assert all(s.ok for s in asked)
    for s in asked:
        # At the moment of asking it was due, and no other one had been due for longer than a tick takes.
        assert acknowledged[s.followed] <= s.sent - 0.3
        younger = [at for at in acknowledged.values() if acknowledged[s.followed] < at <= s.sent - 0.35]
        assert not younger
    # Nothing new comes in for a while: the newest one is asked about again and again.
    server.tell("answer", status=503, every=1)
    until(lambda: count(meter, "submit", "status 503") >= 20)
    server.tell("normal")
    mark = meter.snapshot()[-1].done
    until(lambda: count(meter, "topics", "", since=mark) >= 10)
    meter.stop()
    kept = samples.read(tmp_path / "trial" / "samples.jsonl")
    assert {s.followed for s in kept if s.flow == "topics"} == {
        s.followed for s in meter.snapshot() if s.flow == "topics"
    }


def test_late_answers_are_measured_as_such(
    server: Any, start_meter: Start, flow: Make, writing_flow: Make, until: Until
) -> None:
    topics = asking(flow, per_second=20)
    meter = start_meter(server, {"submit": writing_flow(per_second=20), "topics": topics})
    until(lambda: count(meter, "topics", "") >= 10)
    stopped = server.tell("show", first=server.tell("count")["stored"])  # nothing new is worked on from here
    until(lambda: count(meter, "topics", "late", since=stopped["ended"]) >= 15)
    hurt = [s for s in meter.snapshot(stopped["ended"]) if s.flow == "topics"]
    assert intervals.impact_of(hurt, topics.slo) is Impact.LATE
    mended = server.tell("show")
    until(lambda: count(meter, "topics", "", since=mended["ended"]) >= 15)
    assert {s.why for s in meter.snapshot(mended["ended"]) if s.flow == "topics"} == {""}
    found = intervals.outage([s for s in meter.snapshot() if s.flow == "topics"])
    assert found is not None
    assert found.recovery is not None
    assert found.recovery.earliest <= mended["ended"]
    assert found.recovery.latest >= mended["began"]


@pytest.mark.parametrize(
    ("told", "why", "impact"),
    [("first", "stale", Impact.STALE), ("hide", "wrong", Impact.WRONG)],
    ids=["stale", "wrong"],
)
def test_what_is_shown_is_held_against_what_was_written(
    server: Any, start_meter: Start, flow: Make, writing_flow: Make, until: Until, told: str, why: str,
    impact: Impact, tmp_path: Path,
) -> None:  # fmt: skip
    look = looking(flow, per_second=20)
    meter = start_meter(server, {"submit": writing_flow(per_second=20), "look": look}, tmp_path / "trial")
    until(lambda: count(meter, "look", "") >= 20)
    stored = server.tell("count")["stored"]
    spoilt = server.tell("show", **{told: stored if told == "first" else stored // 2})
    until(lambda: count(meter, "look", why, since=spoilt["ended"]) >= 15)
    mended = server.tell("show")
    until(lambda: count(meter, "look", "", since=mended["ended"]) >= 10)
    of = [s for s in meter.snapshot() if s.flow == "look"]
    assert {s.why for s in of} == {"", why}
    hurt = [s for s in of if spoilt["ended"] + 0.7 <= s.sent and s.done <= mended["began"]]
    assert intervals.impact_of(hurt, look.slo) is impact
    assert {s.why for s in hurt} == {why}
    meter.stop()
    kept = {s.number: s.shown for s in samples.read(tmp_path / "trial" / "samples.jsonl") if s.flow == "look"}
    assert kept == {s.number: s.shown for s in of} | {
        n: kept[n] for n in kept if n > max(s.number for s in of)
    }
    assert all(isinstance(n, int) for n in kept.values())


def test_a_page_that_cannot_be_read_is_wrong(
    server: Any, start_meter: Start, flow: Make, writing_flow: Make, until: Until
) -> None:
    look = looking(flow, per_second=20, request={"path": "/look"})
    meter = start_meter(server, {"submit": writing_flow(per_second=5), "look": look})
    until(lambda: count(meter, "look", "wrong") >= 5)
    assert all(s.shown is None for s in meter.snapshot() if s.flow == "look")


@pytest.mark.parametrize("field", ["follows", "fresh"])
def test_a_flow_that_leans_on_one_that_does_not_write(flow: Make, tmp_path: Path, field: str) -> None:
    made = asking(flow) if field == "follows" else looking(flow)
    with pytest.raises(UsageError, match="submit"):
        Meter({"submit": flow(), "other": made}, "http://127.0.0.1:1", None, tmp_path, "run-1")


def test_a_cycle_counts_up_and_begins_anew(flow: Make) -> None:
    from chaos_ext.meter.template import CompiledRequest

    made = flow(request={"path": "/s?n=${cycle}", "method": "POST", "json": {"n": "${cycle}"}, "cycle": 3})
    compiled = CompiledRequest("look", made, "http://h", "cycle", "w")
    ready = [compiled.prepare(n) for n in range(7)]
    assert [str(r.url) for r in ready] == [f"http://h/s?n={n % 3}" for n in range(7)]
    assert [json.loads(r.body or b"") for r in ready] == [{"n": str(n % 3)} for n in range(7)]
