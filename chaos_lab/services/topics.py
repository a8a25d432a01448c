"""What a response is about: topics by the words in it, English and Japanese."""

from __future__ import annotations

import re

_WORDS: dict[str, tuple[str, ...]] = {
    "benefits": ("benefit*", "holiday*", "insurance", "休暇", "福利厚生", "保険"),
    "communication": ("communicat*", "feedback", "inform*", "連絡", "情報", "共有", "コミュニケーション"),
    "commute": ("commut*", "parking", "remote*", "train*", "通勤", "在宅", "リモート", "駐車場"),
    "culture": ("culture", "atmosphere", "team spirit", "雰囲気", "社風", "文化"),
    "food": ("lunch", "canteen", "coffee", "food", "昼食", "食堂", "ランチ", "コーヒー"),
    "growth": ("career", "learn*", "promotion*", "skill*", "研修", "成長", "昇進", "キャリア"),
    "health": ("health*", "stress*", "sleep", "ill", "健康", "ストレス", "体調"),
    "management": ("manager*", "boss", "leadership", "上司", "経営", "マネージャー"),
    "meetings": ("meeting*", "会議", "ミーティング", "打ち合わせ"),
    "pay": ("pay", "salary", "salaries", "bonus*", "給料", "給与", "賞与", "ボーナス"),
    "recognition": ("recogni*", "thank*", "praise*", "感謝", "評価", "表彰"),
    "tools": ("booking", "software", "laptop*", "tool*", "system*", "ツール", "システム", "パソコン"),
    "workload": ("workload", "overtime", "deadline*", "focus", "残業", "忙し*", "集中", "締め切り"),
    "workplace": ("desk*", "office*", "lift*", "building*", "room*", "オフィス", "座席", "席", "部屋"),
}
TOPICS = tuple(_WORDS)


def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """English words stand alone, `*` for any ending; Japanese ones stand anywhere."""
    choices = [
        rf"\b{re.escape(word.rstrip('*'))}{'' if word.endswith('*') else chr(92) + 'b'}"
        if word.isascii()
        else re.escape(word.rstrip("*"))
        for word in words
    ]
    return re.compile("|".join(choices), re.IGNORECASE)


_PATTERNS = {topic: _pattern(words) for topic, words in _WORDS.items()}


def find(text: str) -> list[str]:
    """The topics of a text, in alphabetical order.

    >>> find("Please repair the lift in building B.")
    ['workplace']
    >>> find("会議が多すぎます。集中できる時間がほしいです。")
    ['meetings', 'workload']
    """
    return [topic for topic, pattern in _PATTERNS.items() if pattern.search(text)]
