"""What a problem repeats of what people wrote is cut to a readable length, and moves no cursor."""

from __future__ import annotations

import pytest

from chaos_ext.errors import Problem, did_you_mean
from chaos_ext.language import say, t


def test_a_problem_is_no_longer_than_a_person_reads():
    problem = Problem("x.yaml:1", "title", f"'{'x' * 100_000}'", t("at least one"))
    assert len(str(problem)) < 400
    assert str(problem).endswith("x…, expected at least one.")


@pytest.mark.parametrize("character", ["\x1b", "\n", "\u202e", "\ud800", "\u3000"], ids=ascii)
def test_what_cannot_be_seen_is_written_out(character):
    problem = Problem("x.yaml:1", "title", f"'a{character}b'", "a text")
    assert str(problem).isprintable()
    assert character not in str(problem)


def test_a_sentence_stays_one():
    problem = Problem(
        "x.yaml:1", "", t("the unknown key '{key}'", key="\x1b" * 9 + "y" * 999), t("a known one")
    )
    said = say(problem.said(), "ja")
    assert "未知のキー" in said or "キー" in said
    assert "\x1b" not in said
    assert len(said) < 600


def test_names_of_any_length_are_compared_in_no_time():
    long = "a-" * 100_000
    assert did_you_mean(long, [long + "x", "b"]) == ""
    assert did_you_mean("shrt", [long, "short"]) == "Did you mean 'short'?"
