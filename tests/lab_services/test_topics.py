from __future__ import annotations

import pytest

from chaos_lab import schema
from chaos_lab.services import topics


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The new desk booking works well.", ["tools", "workplace"]),
        ("LUNCH is better since spring.", ["food"]),
        ("会議が多すぎます。集中できる時間がほしいです。", ["meetings", "workload"]),
        ("Our managers' deskside chats", ["management", "workplace"]),
        ("still, a trainer", ["commute"]),  # "ill" stands alone, "train*" does not
        ("", []),
    ],
)
def test_topics_by_words(text, found):
    assert topics.find(text) == found


@pytest.mark.parametrize(("text", "found"), schema._SAID)
def test_what_a_lab_starts_with_is_what_insight_would_have_found(text, found):
    assert set(topics.find(text)) == set(found)
