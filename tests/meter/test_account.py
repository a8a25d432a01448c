"""The account of what was written: nothing acknowledged is forgotten, nothing unknown is called lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chaos_ext.meter.account import (
    WriteAccount,
    account,
    account_of_all,
    observed_rpo,
    together,
    unread,
)
from chaos_ext.meter.reads import Read
from chaos_ext.model import Flow, Interval, Store

STORE = Store.model_validate({"read_back": "/responses", "id": "id", "content": "text"})


def before(write_id: str, text: str = "hello", at: float = 1.0) -> dict[str, Any]:
    return {"id": write_id, "flow": "submit", "text": text, "at": at}


def after(write_id: str, outcome: str = "ok", at: float = 2.0) -> dict[str, Any]:
    return {"id": write_id, "outcome": outcome, "at": at}


def item(write_id: str, text: str = "hello") -> dict[str, Any]:
    return {"id": write_id, "text": text, "score": 4}


def look(sent: float, new: tuple[str, ...] = (), gone: tuple[str, ...] = ()) -> Read:
    return Read("submit", "shop", sent, sent + 0.25, new, gone)


@pytest.mark.parametrize(
    ("lines", "items", "expected"),
    [
        pytest.param(
            [before("a"), after("a")],
            [item("a")],
            WriteAccount(attempted=1, acknowledged=1, read=1),
            id="acknowledged-and-read",
        ),
        pytest.param(
            [before("a"), after("a", at=7.0), before("b"), after("b", at=5.0)],
            [],
            WriteAccount(attempted=2, acknowledged=2, lost=("a", "b"), oldest_lost_acknowledged_at=5.0),
            id="lost",
        ),
        pytest.param(
            [before("a"), after("a", "indeterminate"), before("b"), after("b", "indeterminate")],
            [item("a")],
            WriteAccount(attempted=2, indeterminate=2, read=1, recovered=("a",)),
            id="indeterminate-may-be-there-or-not",
        ),
        pytest.param(
            [before("a"), before("b")],
            [item("b")],
            WriteAccount(attempted=2, indeterminate=2, read=1, recovered=("b",)),
            id="sent-and-then-the-meter-was-killed",
        ),
        pytest.param(
            [before("a"), after("a", "failed")],
            [],
            WriteAccount(attempted=1, failed=1),
            id="failed-and-not-there",
        ),
        pytest.param(
            [before("a"), after("a", "failed")],
            [item("a")],
            WriteAccount(attempted=1, failed=1, read=1, unexpected=("a",)),
            id="failed-and-there-all-the-same",
        ),
        pytest.param(
            [before("a"), after("a")],
            [item("a"), item("a"), item("x")],
            WriteAccount(attempted=1, acknowledged=1, read=1, duplicated=("a",), unexpected=("x",)),
            id="twice-and-a-stranger",
        ),
        pytest.param(
            [before("a", "会議"), after("a")],
            [item("a", "??")],
            WriteAccount(attempted=1, acknowledged=1, read=1, changed=("a",)),
            id="changed",
        ),
        pytest.param([], [], WriteAccount(), id="nothing"),
    ],
)
def test_account(lines: list[Any], items: list[Any], expected: WriteAccount) -> None:
    assert account(lines, items, STORE) == expected


@pytest.mark.parametrize(
    ("reads", "stale", "stale_for"),
    [
        pytest.param([look(2.5, ("a",))], False, (0.0, 0.75), id="seen-at-the-first-look-after-it"),
        pytest.param([look(1.0, ("a",))], False, (0.0, 0.0), id="seen-before-it-was-acknowledged"),
        pytest.param([look(1.9), look(3.0, ("a",))], False, (0.0, 1.25), id="missed-only-before"),
        pytest.param([look(2.0), look(2.5, ("a",))], True, (0.0, 0.75), id="missed-right-after"),
        pytest.param([look(3.0), look(3.5), look(9.0, ("a",))], True, (1.5, 7.25), id="missed-twice"),
        pytest.param(
            [look(2.0, ("a",)), look(3.0, (), ("a",)), look(4.0, ("a",))], True, (1.0, 2.25), id="gone-again"
        ),
    ],
)
def test_stale_is_an_interval(reads: list[Read], stale: bool, stale_for: tuple[float, float]) -> None:
    got = account([before("a"), after("a")], [item("a")], STORE, reads)
    assert got.stale == (("a",) if stale else ())
    assert got.stale_for is not None
    assert (got.stale_for.earliest, got.stale_for.latest) == stale_for


def test_what_is_not_there_at_last_is_lost_and_not_stale() -> None:
    reads = [look(2.5, ("a",)), look(3.0, (), ("a",))]
    got = account([before("a"), after("a")], [], STORE, reads)
    assert (got.lost, got.stale, got.stale_for) == (("a",), (), None)


def test_no_data_without_an_acknowledged_write() -> None:
    lines = [before("a"), after("a", "indeterminate")]
    assert account(lines, [item("a")], STORE).no_data
    assert not account([before("a"), after("a")], [item("a")], STORE).no_data
    assert unread([before("a"), after("a")], "no answer").no_data


def test_unread_says_nothing_about_loss() -> None:
    got = unread([before("a"), after("a"), before("b")], "status 503")
    assert got == WriteAccount(attempted=2, acknowledged=1, indeterminate=1, readable=False, why="status 503")


def test_together_counts_a_write_once_and_loses_it_when_one_store_has() -> None:
    intake = WriteAccount("submit", "intake", attempted=2, acknowledged=2, read=2)
    insight = replace(intake, store="insight", read=1, lost=("a",), oldest_lost_acknowledged_at=5.0)
    orders = WriteAccount(
        "order", "shop", attempted=1, acknowledged=1, lost=("b",), oldest_lost_acknowledged_at=3.0
    )
    all_of_them = together([intake, insight, orders])
    assert (all_of_them.attempted, all_of_them.acknowledged, all_of_them.read) == (3, 3, 1)
    assert (all_of_them.lost, all_of_them.oldest_lost_acknowledged_at) == (("a", "b"), 3.0)
    assert all_of_them.readable
    assert not together([intake, WriteAccount(readable=False, why="no answer")]).readable
    assert together([]) == WriteAccount()


def test_a_store_that_was_not_read_back_makes_it_unreadable(writing_flow: Callable[..., Flow]) -> None:
    also = {"insight": {"read_back": "/insight", "id": "id"}}
    flow = writing_flow(write={"read_back": "/responses", "id": "id", "also": also})
    kept = [{"flow": "submit", "store": "shop", "items": [item("a")]}]
    got = account_of_all({"submit": flow}, [before("a"), after("a")], kept)
    assert [(one.store, one.readable) for one in got.stores] == [("shop", True), ("insight", False)]
    assert not got.readable
    assert got.why == "submit in insight was not read back"
    assert [one.acknowledged for one in got.stores] == [1, 1]


def test_what_was_kept_before_stores_had_names_is_the_flows_first(writing_flow: Callable[..., Flow]) -> None:
    kept = [{"flow": "submit", "items": [item("a")]}]
    got = account_of_all({"submit": writing_flow()}, [before("a"), after("a")], kept)
    assert (got.readable, got.lost, got.stores[0].store) == (True, (), "shop")
    assert got.stores[0].stale_for is None  # nobody looked while it ran


@pytest.mark.parametrize(
    ("acknowledged_at", "expected"),
    [
        pytest.param(None, None, id="nothing-lost"),
        pytest.param(3.0, (7.0, 9.0), id="before-the-fault"),
        pytest.param(11.0, (0.0, 1.0), id="while-it-went-in"),
        pytest.param(15.0, (0.0, 0.0), id="behind-it"),
    ],
)
def test_observed_rpo(acknowledged_at: float | None, expected: tuple[float, float] | None) -> None:
    got = observed_rpo(acknowledged_at, Interval(10.0, 12.0))
    assert (None if got is None else (got.earliest, got.latest)) == expected
    assert observed_rpo(acknowledged_at, None) is None


@pytest.mark.parametrize(
    "items",
    [pytest.param([{"text": "no id"}], id="no-id"), pytest.param(["a"], id="no-object")],
)
def test_an_item_that_is_no_write_is_refused(items: list[Any]) -> None:
    with pytest.raises(ValueError, match="an item without"):
        account([], items, STORE)
