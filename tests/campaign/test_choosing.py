"""Which failure modes are meant by a word, and what is said when none is."""

from __future__ import annotations

import dataclasses

import pytest

from chaos_ext.campaign.choosing import choose, split
from chaos_ext.catalog.load import Catalog
from chaos_ext.model import Environment, FailureMode


@pytest.fixture
def five(catalog: Catalog) -> Catalog:
    """Five ids, one of which has no fault in a lab."""
    like = catalog.modes["service-bad-release"]

    def mode(mode_id: str, platform: str = "lab") -> FailureMode:
        return like.model_copy(update={"id": mode_id, "reproduce": {platform: like.reproduce["lab"]}})

    ids = ("pg-down", "pg-lag", "pg-lock", "queue-poison")
    modes = {each: mode(each) for each in ids} | {"pg-zone": mode("pg-zone", "aws")}
    return dataclasses.replace(catalog, modes=modes, sources={})


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        pytest.param(("a",), ["a"], id="one"),
        pytest.param(("a,b", "c"), ["a", "b", "c"], id="a list and a word"),
        pytest.param((" a , b,",), ["a", "b"], id="blanks and a comma too many"),
        pytest.param(("a b",), ["a", "b"], id="a list with blanks, as make gives it"),
        pytest.param((",", ""), [], id="nothing"),
    ],
)
def test_lists_are_taken_apart(words: tuple[str, ...], parts: list[str]) -> None:
    assert split(words) == parts


@pytest.mark.parametrize(
    ("words", "modes", "skipped"),
    [
        pytest.param(
            ("queue-poison", "pg-lag"), ["queue-poison", "pg-lag"], [], id="in the order of the words"
        ),
        pytest.param(("all",), ["pg-down", "pg-lag", "pg-lock", "queue-poison"], ["pg-zone"], id="all"),
        pytest.param(("pg-l*",), ["pg-lag", "pg-lock"], [], id="a pattern"),
        pytest.param(("pg-l?ck", "pg-l[ao]*"), ["pg-lock", "pg-lag"], [], id="patterns that meet the same"),
        pytest.param(
            ("pg-lag", "pg-*"), ["pg-lag", "pg-down", "pg-lock"], ["pg-zone"], id="an id and a pattern"
        ),
        pytest.param(
            ("pg-zone", "pg-*"), ["pg-zone", "pg-down", "pg-lag", "pg-lock"], [], id="named, so kept"
        ),
    ],
)
def test_what_is_chosen(
    five: Catalog, lab: Environment, words: tuple[str, ...], modes: list[str], skipped: list[str]
) -> None:
    chosen = choose(words, five, lab)
    assert [mode.id for mode in chosen.modes] == modes
    assert chosen.skipped == skipped
    assert chosen.problems == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param((), "nothing", id="nothing"),
        pytest.param(("redis-*",), "'redis-*', which no id matches", id="a pattern that matches nothing"),
        pytest.param(("pg-lagg",), "Did you mean 'pg-lag'?", id="an unknown id"),
        pytest.param(("pg-lag,pg-lag",), "'pg-lag' 2 times", id="two equal ids"),
        pytest.param(
            ("pg-z*",), "no fault for platform 'lab' (pg-zone)", id="only modes of another platform"
        ),
    ],
)
def test_what_is_wrong_is_told(five: Catalog, lab: Environment, words: tuple[str, ...], told: str) -> None:
    (problem,) = choose(words, five, lab).problems
    assert told in str(problem)
    assert str(problem).startswith("EXP: got ")


def test_everything_that_is_wrong_is_told_at_once(five: Catalog, lab: Environment) -> None:
    chosen = choose(("nope", "redis-*", "pg-lag", "pg-lag"), five, lab)
    assert len(chosen.problems) == 3
    assert [mode.id for mode in chosen.modes] == ["pg-lag"]
