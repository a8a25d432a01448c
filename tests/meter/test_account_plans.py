"""Random plans of what is written and what stores do with it: the account is exactly what was planted.

A plan says of every write when it was sent, what became of it, and what each store did with it: lost it, kept it twice,
changed it, showed it late, hid it for a while; which strangers it holds; and when somebody looked. The truth is worked
out from the plan, look by look and write by write, in the plainest way that there is.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos_ext.meter.account import WriteAccount, account_of_all
from chaos_ext.model import Flow

END = 1000.0


@dataclass(frozen=True)
class Planned:
    """One write."""

    id: str
    text: str
    sent: float
    outcome: str | None  # None: sent, and the meter never knew
    over: float


@dataclass(frozen=True)
class Kept:
    """What one store did with one id."""

    copies: int
    text: str
    visible: tuple[tuple[float, float], ...]  # from … until

    def at(self, instant: float) -> bool:
        return any(begin <= instant < end for begin, end in self.visible)


@dataclass(frozen=True)
class Look:
    sent: float
    instant: float  # when the store really looked
    done: float


@dataclass(frozen=True)
class Shelf:
    """One store of one flow."""

    kept: dict[str, Kept]
    looks: tuple[Look, ...]


@dataclass(frozen=True)
class Plan:
    writes: dict[str, list[Planned]]  # by flow
    shelves: dict[tuple[str, str], Shelf]


def make_plan(seed: int) -> Plan:
    """A plan; times are quarters of a second, so that they often fall together."""
    of = random.Random(seed)

    def quarters(low: float, high: float) -> float:
        return of.randint(int(low * 4), int(high * 4)) / 4

    writes: dict[str, list[Planned]] = {"submit": [], "order": []}
    for flow, planned in writes.items():
        at = 0.0
        for number in range(of.choice((0, 1, 3, 12))):
            at += quarters(0, 2)
            outcome = of.choice(("ok", "ok", "ok", "failed", "indeterminate", None))
            planned.append(Planned(f"{flow}-{number}", of.choice("ab"), at, outcome, at + quarters(0, 3)))
    shelves = {}
    for flow, store in (("submit", "shop"), ("submit", "insight"), ("order", "shop")):
        kept = {}
        for write in writes[flow]:
            there = {"ok": 0.8, "failed": 0.2}.get(str(write.outcome), 0.5)
            if of.random() > there:
                continue
            came = write.sent + quarters(0, of.choice((0, 1, 12)))
            visible: tuple[tuple[float, float], ...] = ((came, END),)
            if of.random() < 0.2:  # hidden for a while, as behind a replica that lags
                hidden = came + quarters(0, 4)
                visible = ((came, hidden), (hidden + quarters(0, 4), END))
            if of.random() < 0.1:  # taken away for good
                visible = ((came, came + quarters(0, 4)),)
            text = write.text if of.random() < 0.8 else "changed"
            kept[write.id] = Kept(of.choice((1, 1, 1, 2, 3)), text, visible)
        for number in range(of.choice((0, 0, 0, 2))):
            kept[f"stranger-{number}"] = Kept(1, "a", ((quarters(0, 9), END),))
        looks, at = [], 0.0
        for _ in range(of.choice((0, 1, 5, 12))):
            sent = at + quarters(0, 3)
            instant = sent + quarters(0, 1)
            at = instant + quarters(0, 1)
            looks.append(Look(sent, instant, at))
        looks.append(Look(at + 20, at + 21, at + 22))  # the last one
        shelves[flow, store] = Shelf(kept, tuple(looks))
    return Plan(writes, shelves)


# --- what the checker gets -----------------------------------------------------------------------


def log_of(plan: Plan) -> list[dict[str, Any]]:
    lines: list[tuple[float, int, dict[str, Any]]] = []
    for flow, planned in plan.writes.items():
        for w in planned:
            lines.append((w.sent, 0, {"id": w.id, "flow": flow, "text": w.text, "at": w.sent}))
            if w.outcome is not None:
                lines.append((w.over, 1, {"id": w.id, "outcome": w.outcome, "at": w.over}))
    return [line for _, _, line in sorted(lines, key=lambda each: each[:2])]


def reads_of(plan: Plan) -> list[dict[str, Any]]:
    found = []
    for (flow, store), shelf in plan.shelves.items():
        before: set[str] = set()
        for look in shelf.looks:
            now = {i for i, kept in shelf.kept.items() if kept.at(look.instant)}
            found.append(
                {"flow": flow, "store": store, "sent": look.sent, "done": look.done}
                | {"new": sorted(now - before), "gone": sorted(before - now)}
            )
            found.append({"flow": flow, "store": store, "sent": look.done, "done": look.done, "why": "503"})
            before = now
    return found


def given_back(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "flow": flow,
            "store": store,
            "items": [
                {"id": i, "text": kept.text}
                for i, kept in shelf.kept.items()
                if kept.at(shelf.looks[-1].instant)
                for _ in range(kept.copies)
            ],
        }
        for (flow, store), shelf in plan.shelves.items()
    ]


# --- the truth ------------------------------------------------------------------------------------


@dataclass
class Truth:
    lost: set[str]
    recovered: set[str]
    duplicated: set[str]
    unexpected: set[str]
    changed: set[str]
    stale: set[str]
    oldest_lost: float | None
    stale_for: tuple[float, float] | None


def truth_of(plan: Plan, flow: str, store: str) -> Truth:
    shelf, by_id = plan.shelves[flow, store], {w.id: w for w in plan.writes[flow]}
    last = shelf.looks[-1]
    there = {i: kept for i, kept in shelf.kept.items() if kept.at(last.instant)}
    truth = Truth(set(), set(), set(), set(), set(), set(), None, None)
    for i, kept in there.items():
        if kept.copies > 1:
            truth.duplicated.add(i)
        if i not in by_id or by_id[i].outcome == "failed":
            truth.unexpected.add(i)
        if i in by_id and kept.text != by_id[i].text:
            truth.changed.add(i)
        if i in by_id and by_id[i].outcome in ("indeterminate", None):
            truth.recovered.add(i)
    spans = []
    for w in plan.writes[flow]:
        if w.outcome != "ok":
            continue
        if w.id not in there:
            truth.lost.add(w.id)
            truth.oldest_lost = w.over if truth.oldest_lost is None else min(truth.oldest_lost, w.over)
            continue
        seen = [shelf.kept[w.id].at(look.instant) for look in shelf.looks]
        missed = [
            look for look, was in zip(shelf.looks, seen, strict=True) if not was and look.sent >= w.over
        ]
        if missed:
            truth.stale.add(w.id)
        shown_for_good = next(n for n in range(len(seen)) if all(seen[n:]))
        low = missed[-1].sent - w.over if missed else 0.0
        spans.append((low, max(0.0, shelf.looks[shown_for_good].done - w.over)))
        if len(shelf.kept[w.id].visible) == 1:  # then what really happened is one number, and lies within
            really = max(0.0, shelf.kept[w.id].visible[0][0] - w.over)
            assert low <= really <= spans[-1][1]
    if spans:
        truth.stale_for = max(low for low, _ in spans), max(high for _, high in spans)
    return truth


def compare(got: WriteAccount, truth: Truth) -> None:
    for name in ("lost", "recovered", "duplicated", "unexpected", "changed", "stale"):
        ids = getattr(got, name)
        assert set(ids) == getattr(truth, name), name
        assert len(set(ids)) == len(ids), name
    assert got.oldest_lost_acknowledged_at == truth.oldest_lost
    spelled = got.stale_for and (got.stale_for.earliest, got.stale_for.latest)
    assert spelled == truth.stale_for


def check(seed: int, flows: dict[str, Flow]) -> None:
    plan = make_plan(seed)
    got = account_of_all(flows, log_of(plan), given_back(plan), reads_of(plan))
    assert [(one.flow, one.store) for one in got.stores] == list(plan.shelves)
    truths = [truth_of(plan, one.flow, one.store) for one in got.stores]
    for one, truth in zip(got.stores, truths, strict=True):
        compare(one, truth)
        planned = plan.writes[one.flow]
        assert one.attempted == len(planned) == one.acknowledged + one.failed + one.indeterminate
        assert one.acknowledged == sum(w.outcome == "ok" for w in planned)
        assert one.failed == sum(w.outcome == "failed" for w in planned)
    for name in ("lost", "recovered", "duplicated", "unexpected", "changed", "stale"):
        assert set(getattr(got, name)) == set().union(*(getattr(truth, name) for truth in truths))
    oldest = [truth.oldest_lost for truth in truths if truth.oldest_lost is not None]
    assert got.oldest_lost_acknowledged_at == min(oldest, default=None)
    assert got.attempted == sum(len(planned) for planned in plan.writes.values())


@pytest.fixture(scope="module")
def flows(writing_flow: Callable[..., Flow]) -> dict[str, Flow]:
    place = {"read_back": "/r", "id": "id", "content": "text"}
    return {
        "submit": writing_flow(write={**place, "also": {"insight": place}}),
        "order": writing_flow(write=place),
    }


@given(st.integers(0, 2**64))
@settings(max_examples=1000)
def test_the_account_is_exactly_what_was_planted(flows: dict[str, Flow], seed: int) -> None:
    check(seed, flows)


def test_plans_hold_everything_that_can_happen() -> None:
    """A plan that never loses anything would prove nothing."""
    found = {
        name
        for seed in range(60)
        for flow, store in make_plan(seed).shelves
        for name, ids in vars(truth_of(make_plan(seed), flow, store)).items()
        if ids
    }
    assert found == set(Truth.__annotations__)
