"""What differs between two looks, and what of it a mode leaves. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.model import Left
from chaos_ext.restored import ABSENT, Difference, covers, differences, remains
from chaos_ext.restored.compare import too_wide
from chaos_ext.restored.words import read, said

CASES: list[tuple[str, Any, Any, list[Difference]]] = [
    ("nothing", {"a": {"b": 1}}, {"a": {"b": 1}}, []),
    ("a value", {"a": {"b": 1}}, {"a": {"b": 2}}, [Difference("a/b", 1, 2)]),
    ("true is not one", {"a": True}, {"a": 1}, [Difference("a", True, 1)]),
    ("true is not one, in a list", {"a": [True]}, {"a": [1]}, [Difference("a", [True], [1])]),
    ("one is one, however it is written", {"a": 1, "b": [{"c": 2.0}]}, {"a": 1.0, "b": [{"c": 2}]}, []),
    ("no number stays no number", {"a": float("nan")}, {"a": float("nan")}, []),
    ("an order", {"a": [1, 2]}, {"a": [2, 1]}, [Difference("a", [1, 2], [2, 1])]),
    ("what is new, as a whole", {}, {"a": {"b": 1}}, [Difference("a", ABSENT, {"b": 1})]),
    ("what is gone, as a whole", {"a": {"b": {"c": 1}}}, {"a": {}}, [Difference("a/b", {"c": 1}, ABSENT)]),
    ("nothing said is not absent", {"a": None}, {}, [Difference("a", None, ABSENT)]),
    ("a node that went down", {"n": {"role": "x"}}, {"n": "down"}, [Difference("n", {"role": "x"}, "down")]),
    (
        "several, by path",
        {"b": 1, "a": {"z": 1, "y": 1}},
        {"b": 2, "a": {"z": 2, "y": 2}},
        [Difference("a/y", 1, 2), Difference("a/z", 1, 2), Difference("b", 1, 2)],
    ),
]


@pytest.mark.parametrize(("before", "after", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_differences(before: Any, after: Any, expected: list[Difference]) -> None:
    assert list(differences(before, after)) == expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/*", "a/b", True),
        ("a/*", "a/b/c", False),
        ("a/*/c", "a/b/c", True),
        ("a/b*", "a/b.lost", True),
        ("a/**", "a/b/c", True),
        ("a/b/**", "a/b", True),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/b/d/c", True),
        ("a/**/c", "a/b/d", False),
        ("a/B", "a/b", False),
    ],
)
def test_paths(pattern: str, path: str, expected: bool) -> None:
    assert covers(pattern, path) is expected


@pytest.mark.parametrize("pattern", ["**", "*", "*/a", "", "a/**", "a/*", "a/*/**", "a//b", "/a", "[a]/b"])
def test_a_path_that_would_excuse_everything(pattern: str) -> None:
    assert too_wide(pattern)


@pytest.mark.parametrize("pattern", ["a", "a/b", "a/b/**", "a/*/role", "a/*.lost"])
def test_a_path_that_names_something(pattern: str) -> None:
    assert not too_wide(pattern)


def left(path: str, by: str = "runbook") -> Left:
    return Left.model_validate({"path": path, "why": "so", "by": by})


def test_what_the_mode_leaves_is_no_surprise_and_what_it_does_not_is() -> None:
    found = (Difference("a/limit", 1, 2), Difference("a/disk", ABSENT, "x"), Difference("a/role", 1, 2))
    leaves = (left("a/limit"), left("a/disk", by="fault"), left("a/never"))

    followed = remains(found, leaves, followed=True)
    assert followed.unexpected == (found[2],)
    assert followed.left == ((found[0], leaves[0]), (found[1], leaves[1]))
    assert followed.unmatched == (leaves[2],)


def test_when_nobody_acted_a_runbook_leaves_nothing() -> None:
    found = (Difference("a/limit", 1, 2), Difference("a/disk", ABSENT, "x"))
    leaves = (left("a/limit"), left("a/disk", by="fault"))

    alone = remains(found, leaves, followed=False)
    assert alone.unexpected == (found[0],)
    assert alone.unmatched == ()


@pytest.mark.parametrize(
    "difference", [Difference("a", 1, ABSENT), Difference("a", ABSENT, [2]), Difference("a", None, 1)]
)
def test_an_event_holds_a_difference_whole(difference: Difference) -> None:
    assert read(difference.as_dict()) == difference


def test_a_long_value_is_cut_and_absence_is_a_word() -> None:
    told = said(Difference("a/b", "x" * 500, ABSENT))
    assert told.startswith("a/b: was 'xxx")
    assert told.endswith("… before the fault, is not there now")
    assert len(told) < 200


leaves_ = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers(), max_size=3)
keys = st.text("abc", min_size=1, max_size=3)
trees = st.recursive(leaves_, lambda inner: st.dictionaries(keys, inner, max_size=4), max_leaves=12)
looks = st.dictionaries(keys, trees, max_size=4)


@given(looks, looks)
def test_differences_are_there_just_when_something_differs(before: Any, after: Any) -> None:
    found = differences(before, after)
    assert bool(found) == (before != after or repr(_sorted(before)) != repr(_sorted(after)))
    assert not differences(before, before)
    back = [(d.path, d.after, d.before) for d in differences(after, before)]
    assert back == [(d.path, d.before, d.after) for d in found]


def _sorted(value: Any) -> Any:
    return {k: _sorted(value[k]) for k in sorted(value)} if isinstance(value, dict) else value
