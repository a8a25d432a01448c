"""What counts as the expected output."""

from __future__ import annotations

import pytest

from chaos_ext.runbook.expect import mismatch
from chaos_ext.runbook.model import Expectation


@pytest.mark.parametrize(
    ("how", "wanted", "output", "why"),
    [
        ("contains", ["b", "d"], "a\nb\nc\nd\n", None),
        ("contains", ["ell"], "hello\n", None),
        ("contains", ["d", "b"], "a\nb\nc\nd\n", "does not contain 'b'"),
        ("contains", ["h.*o (re)"], "hello\n", None),
        ("contains", ["ell (re)"], "hello\n", "does not contain 'ell (re)'; it is 'hello'"),
        ("contains", ["x"], "", "it is empty"),
        ("lines", ["b", "a"], "a\nb\n", None),
        ("lines", ["a", "a"], "a\nb\n", "no line of the output is 'a'"),
        ("lines", ["a"], "a\nb\n", "a line that was not expected: 'b'"),
        ("lines", ["* (glob)", "a"], "a\nb\n", None),
        ("exact", ["a", "b"], "a\nb\n", None),
        ("exact", ["a", "b"], "b\na\n", "line 1 of the output is 'b', expected 'a'"),
        ("exact", ["a", "b"], "a\n", "1 lines, expected 2"),
        ("exact", ["a"], "a\nb\n", "2 lines, expected 1"),
        ("exact", ["pg-? (glob)", "[0-9]+ (re)"], "pg-a\n17\n", None),
    ],
)
def test_output(how: str, wanted: list[str], output: str, why: str | None) -> None:
    got = mismatch(Expectation(1, how, tuple(wanted)), output)
    if why is None:
        assert got is None
    else:
        assert got
        assert why in got
