"""Sentences that remember how they were made, and what becomes of them on their way to a screen."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from chaos_ext import language
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import chosen, listed, say, t

_WORDS = {
    "{flow} was hurt for {seconds:.1f} s: {why}": "{flow}への影響は{seconds:.1f}秒でした: {why}",
    "got exit code {exit}": "終了コード{exit}",
    "flow": "フロー",
}


@pytest.fixture(autouse=True)
def _few_words(monkeypatch):
    language._patterns.cache_clear()
    language._recognised.cache_clear()
    monkeypatch.setattr(language, "_translations", lambda: _WORDS)
    yield
    monkeypatch.undo()
    language._patterns.cache_clear()
    language._recognised.cache_clear()


SENTENCE = t(
    "{flow} was hurt for {seconds:.1f} s: {why}",
    flow="submit",
    seconds=3.21,
    why=t("got exit code {exit}", exit=1),
)
IN_JAPANESE = "submitへの影響は3.2秒でした: 終了コード1"


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE,
        str(SENTENCE),
        str(ValueError(SENTENCE)),
        str(UsageError(SENTENCE)),
        Problem("EXP", "", SENTENCE, "").got,
        copy.deepcopy(SENTENCE),
        pickle.loads(pickle.dumps(SENTENCE)),
        json.loads(json.dumps({"why": SENTENCE}))["why"],
        ValueError(SENTENCE),
    ],
)  # fmt: skip
def test_a_sentence_can_be_said_in_japanese_wherever_it_went(text):
    assert say(text, "ja") == IN_JAPANESE
    assert say(text, "en") == "submit was hurt for 3.2 s: got exit code 1"


def test_a_value_inside_is_said_too_even_where_the_sentence_has_no_translation():
    assert say(t("oh, {why}", why=SENTENCE), "ja") == f"oh, {IN_JAPANESE}"
    assert say(t("oh, {why}", why=ValueError(SENTENCE)), "ja") == f"oh, {IN_JAPANESE}"


def test_a_list_is_said_part_by_part():
    parts = listed([SENTENCE, "a name"])
    assert parts == f"{SENTENCE}, a name"
    assert say(parts, "ja") == say(pickle.loads(pickle.dumps(parts)), "ja") == f"{IN_JAPANESE}、a name"


def test_several_sentences_below_each_other_are_recognised():
    assert say(f"{SENTENCE}\n1: other\n{SENTENCE}", "ja") == f"{IN_JAPANESE}\n1: other\n{IN_JAPANESE}"


def test_a_single_word_is_somebody_s_value_unless_it_was_made_here():
    assert say("flow", "ja") == "flow"
    assert say(t("flow"), "ja") == "フロー"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.eucJP"}, "ja"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": ""}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "CHAOS_LANG": "en"}, "en"),
        ({"LC_ALL": "C", "CHAOS_LANG": "ja"}, "ja"),
    ],
)
def test_the_locale_decides_and_the_option_overrides(environ, expected):
    assert chosen(environ=environ) == expected
    assert chosen("ja", environ) == "ja"
