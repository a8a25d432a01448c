"""Losses, duplicates, changes, late arrivals and doubtful answers, planted into a real server and found exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from meter.looking import Make, Start, Until, seen

from chaos_ext.meter import samples
from chaos_ext.meter.account import WriteAccount, account_of_all
from chaos_ext.meter.reads import READS, read_reads, reads_of
from chaos_ext.meter.writelog import pairs, read_lines

EVERY, LATE_S = 20, 1.5
# Of every twenty submissions, by their place in the order in which the server got them.
FATES: dict[str, dict[str, Any]] = {
    "2": {"lose": ["intake", "insight"]},
    "4": {"lose": ["insight"]},
    "6": {"twice": ["insight"]},
    "8": {"change": ["intake"]},
    "10": {"late_s": LATE_S},
    "12": {"answer": 503},  # stored, and nobody knows
    "13": {"answer": 503, "lose": ["intake", "insight"]},  # not stored, and nobody knows
    "15": {"answer": "none"},
    "17": {"answer": 400},  # refused, and stored all the same
    "18": {"answer": 400, "lose": ["intake", "insight"]},
}


def planted(fates: list[dict[str, Any]], store: str) -> dict[str, set[str]]:
    there = [f for f in fates if store not in f.get("lose", ())]
    answer = {f["id"]: f.get("answer", 201) for f in fates}
    return {
        "lost": {f["id"] for f in fates if answer[f["id"]] == 201 and f not in there},
        "recovered": {f["id"] for f in there if answer[f["id"]] in (503, "none")},
        "duplicated": {f["id"] for f in there if store in f.get("twice", ())},
        "unexpected": {f["id"] for f in there if answer[f["id"]] == 400},
        "changed": {f["id"] for f in there if store in f.get("change", ())},
    }


def test_what_was_planted_is_found_exactly(
    server: Any, start_meter: Start, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    place = {
        "read_back": "/responses",
        "list_at": "responses",
        "id": "id",
        "content": "text",
        "watch": "200ms",
    }
    also = {"insight": {**place, "read_back": "/insight", "list_at": "analyses", "watch": "100ms"}}
    flows = {"submit": writing_flow(deadline="500ms", write={**place, "store": "intake", "also": also})}
    server.tell("plant", every=EVERY, fates=FATES)
    meter = start_meter(server, flows, tmp_path / "trial")
    until(seen(meter, 3 * EVERY))
    # What came last may be late: it is waited for, as long as it may take.
    got = meter.read_back(settle_s=LATE_S + 0.5)
    assert got.readable, got.why
    fates = server.tell("fates")["fates"]
    assert len(fates) == got.attempted

    for one in got.stores:
        truth = planted(fates, one.store)
        assert {name: set(getattr(one, name)) for name in truth} == truth, one.store
    intake, insight = got.stores
    assert (intake.store, insight.store) == ("intake", "insight")
    assert len(insight.lost) > len(intake.lost) > 0
    for name in ("lost", "recovered", "duplicated", "unexpected", "changed"):
        assert set(getattr(got, name)) == set(getattr(intake, name)) | set(getattr(insight, name))
        assert getattr(got, name), f"nothing {name} was planted"
    assert got.oldest_lost_acknowledged_at == min(
        w.over_at for w in pairs(read_lines(tmp_path / "trial" / "writes.jsonl")).values() if w.id in got.lost
    )

    # Late: every one of them was missed by a look, and the truth lies in what the looks say.
    late = {f["id"] for f in fates if f.get("late_s")}
    assert late <= set(insight.stale)
    assert insight.stale_for is not None
    assert intake.stale_for is not None
    acknowledged = {w.id: w.over_at for w in pairs(read_lines(tmp_path / "trial" / "writes.jsonl")).values()}
    really = max(f["at"] + LATE_S - (acknowledged[f["id"]] or 0.0) for f in fates if f["id"] in late)
    assert insight.stale_for.earliest <= really <= insight.stale_for.latest
    assert intake.stale_for.latest < insight.stale_for.latest

    assert_made_again(got, flows, tmp_path / "trial")


def assert_made_again(got: WriteAccount, flows: dict[str, Any], trial: Path) -> None:
    """What was kept says the same whenever it is asked."""
    again = account_of_all(
        flows,
        read_lines(trial / "writes.jsonl"),
        samples.json_lines(trial / "readback.jsonl"),
        read_reads(trial / READS),
        samples.read(trial / "samples.jsonl"),
    )
    assert again == got
    assert again.as_dict() == got.as_dict()


def test_a_store_that_gives_no_answer_is_told_and_the_other_is_read(
    server: Any, start_meter: Start, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    place = {"read_back": "/responses", "list_at": "responses", "id": "id"}
    also = {"gone": {**place, "read_back": "/elsewhere", "watch": "100ms"}}
    flows = {"submit": writing_flow(write={**place, "also": also})}
    meter = start_meter(server, flows, tmp_path / "trial")
    until(seen(meter, 10, ok=True))
    got = meter.read_back(within_s=0.3)
    assert not got.readable
    assert "/elsewhere: no 'responses' in the answer" in got.why
    assert [(one.store, one.readable, one.lost) for one in got.stores] == [
        ("shop", True, ()),
        ("gone", False, ()),
    ]
    lines = read_reads(tmp_path / "trial" / READS)
    assert reads_of(lines, "submit", "gone") == []
    assert any(line["store"] == "gone" and "why" in line for line in lines)


def test_an_answer_that_shows_old_writes_tells_how_old(
    server: Any, start_meter: Start, flow: Make, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    fresh = {"of": "submit", "within": "1s", "newest": "newest.id", "count": "responses"}
    flows = {"submit": writing_flow(), "look": flow(request={"path": "/summary"}, fresh=fresh)}
    meter = start_meter(server, flows, tmp_path / "trial")
    until(seen(meter, 20, flow="submit", ok=True))
    server.tell("show", first=10)
    until(seen(meter, 20, flow="look", why="stale"))
    shown_again = server.tell("show")
    until(seen(meter, 10, since=shown_again["ended"], flow="look", ok=True))
    [shown] = meter.read_back().shown
    looks = [s for s in meter.snapshot() if s.flow == "look"]
    assert (shown.flow, shown.of, shown.reads) == ("look", "submit", len(looks))
    assert shown.stale >= 20
    assert shown.stale_for is not None
    # Until the last answer without it, the 11th that the server stored was missing.
    eleventh = server.tell("fates")["fates"][10]["id"]
    acknowledged_at = pairs(read_lines(tmp_path / "trial" / "writes.jsonl"))[eleventh].over_at
    assert acknowledged_at is not None
    last = [s for s in looks if s.why == "stale"][-1]
    assert 0 < shown.stale_for.earliest <= last.done - acknowledged_at
    assert shown.stale_for.latest >= last.sent - acknowledged_at
