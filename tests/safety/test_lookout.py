"""Whoever watches for a reason to stop does not stop watching unheard."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chaos_ext.errors import Blocked
from chaos_ext.safety import lookout
from chaos_ext.safety.abort import Abort
from chaos_ext.safety.conditions import Reached
from chaos_ext.safety.lookout import Lookout


@pytest.fixture
def watch() -> Iterator[Callable[..., Abort]]:
    started: list[Lookout] = []

    def start(look: Callable[[], Iterator[Reached]], meter: Callable[[], str | None] = lambda: None) -> Abort:
        abort = Abort()
        started.append(Lookout(abort, look, meter))
        return abort

    yield start
    for each in started:
        each.close()


def _cannot_tell() -> Iterator[Reached]:
    raise KeyError("flow")
    yield


def _cannot_read() -> Iterator[Reached]:
    raise Blocked("x.jsonl:1: damaged")
    yield


def test_a_look_that_fails_in_a_way_nobody_thought_of_stops_the_run(watch) -> None:
    abort = watch(_cannot_tell)
    assert abort.wait(20)
    assert abort.asked is not None
    assert abort.asked.by == "record"
    assert abort.why == "the conditions that stop a run cannot be looked at any more: KeyError: 'flow'"


def test_a_meter_that_cannot_say_how_it_is_stops_the_run(watch) -> None:
    def meter() -> str | None:
        raise RuntimeError("no meter")

    abort = watch(lambda: iter(()), meter)
    assert abort.wait(20)
    assert "RuntimeError: no meter" in abort.why


def test_what_cannot_be_read_for_long_stops_the_run(watch, monkeypatch) -> None:
    monkeypatch.setattr(lookout, "BLIND_S", 0.5)
    abort = watch(_cannot_read)
    assert abort.wait(20)
    assert "x.jsonl:1: damaged" in abort.why


def test_what_cannot_be_read_once_does_not(watch) -> None:
    """A look that comes through is a look: the time without one begins anew."""
    looks: list[int] = []

    def look() -> Iterator[Reached]:
        looks.append(1)
        if len(looks) == 1:
            raise Blocked("a moment, please")
        if len(looks) == 3:
            yield Reached("limits_passed", "too many")

    abort = watch(look)
    assert abort.wait(20)
    assert abort.asked is not None
    assert (abort.why, abort.asked.condition, len(looks)) == ("too many", "limits_passed", 3)
