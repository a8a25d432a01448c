from __future__ import annotations

import pytest

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
