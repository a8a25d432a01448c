"""What the page says, in English and Japanese."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "ja"]

_JAPANESE = {
    "Lab {name}": "ラボ {name}",
    "healthy": "正常",
    "not healthy": "異常あり",
    "gone": "終了済み",
    "This lab is gone. A new one starts with: chaos lab up": (
        "このラボは終了しました。新しいラボは「chaos lab up」で起動します。"
    ),
    "Pause updates": "更新を止める",
    "Resume updates": "更新を再開する",
    "The command that serves this page has ended, or does not answer.": (
        "このページを表示しているコマンドが終了したか、応答していません。"
    ),
    "Updated every two seconds.": "2秒ごとに更新します。",
    "Alerts": "アラート",
    "No alert fires.": "発生中のアラートはありません。",
    "The alerting does not answer, so nobody knows.": "アラートの仕組みが応答しないため、分かりません。",
    "since {time}": "{time}から",
    "Runbook": "ランブック",
    "Parts": "構成要素",
    "Part": "構成要素",
    "State": "状態",
    "Uptime": "稼働時間",
    "Restarts": "再起動",
    "Release": "リリース",
    "Port": "ポート",
    "Process": "プロセス",
    "Log": "ログ",
    "Log of {part}": "{part}のログ",
    "usable": "利用可能",
    "primary": "プライマリ",
    "Network": "ネットワーク",
    "Nothing disturbs the network.": "ネットワークに異常はありません。",
    "The fault proxies do not answer, so nobody knows.": "障害注入プロキシが応答しないため、分かりません。",
    "All {number} arrows": "すべての経路（{number}本）",
    "Arrow": "経路",
    "What disturbs it": "乱しているもの",
    "down": "切断",
    "undisturbed": "異常なし",
    "{ms} ms each way": "片道{ms}ミリ秒",
    "to the server": "サーバー向き",
    "to the client": "クライアント向き",
    "Other logs": "ほかのログ",
    "Back to the lab": "ラボに戻る",
    "There is no such page.": "そのページはありません。",
    "The log is empty.": "ログは空です。",
    "{d} d {h} h": "{d}日{h}時間",
    "{h} h {m} min": "{h}時間{m}分",
    "{m} min {s} s": "{m}分{s}秒",
    "{s} s": "{s}秒",
}


def say(language: Language, template: str, **values: object) -> str:
    """The sentence in a language, filled in."""
    told = _JAPANESE[template] if language == "ja" else template
    return told.format(**values)


def uptime(language: Language, seconds: float) -> str:
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return say(language, "{d} d {h} h", d=days, h=hours)
    if hours:
        return say(language, "{h} h {m} min", h=hours, m=minutes)
    if minutes:
        return say(language, "{m} min {s} s", m=minutes, s=whole % 60)
    return say(language, "{s} s", s=whole)


def preferred(accept_language: str) -> Language:
    """The better of the two for a browser, by its Accept-Language header (RFC 9110, 12.5.4)."""
    best: tuple[float, Language] = (0.0, "en")
    for entry in accept_language.split(","):
        tag, *parameters = (part.strip().lower() for part in entry.split(";"))
        language: Language | None = (
            "ja" if tag.split("-")[0] == "ja" else "en" if tag.split("-")[0] in ("en", "*") else None
        )
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if language is not None and quality > best[0]:
            best = (quality, language)
    return best[1]
