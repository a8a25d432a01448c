"""The accidents of a cache."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "prefix: got {prefix!r} with keys under it, expected none": "prefix: {prefix!r}の下にすでにキーがあります。空であることが必要です",
    "cache: got {policy}, expected a limit and noeviction: it would never refuse": (
        "cache: 設定は{policy}です。上限とnoevictionが必要です（このままでは書き込みを拒否しません）"
    ),
    "cache: got {count} values in it, expected it to fill up": "cache: {count}件を書き込みましたが、いっぱいになりません",
    "nothing is under {prefix}": "{prefix}の下には何もありません",
    "{count} keys under {prefix} removed": "{prefix}の下の{count}件のキーを削除しました",
    "cache: got no key in it, expected some to lose": "cache: キーがありません。失われるキーが必要です",
    "{count} keys are there again": "{count}件のキーが戻っています",
    "cache warm: got '{said}', expected a warm cache": "cache warm: 「{said}」。キャッシュが温まっている必要があります",
    "prefix: got {prefix!r}, expected the beginning of keys, without a pattern": (
        "prefix: {prefix!r}です。パターンを含まない、キーの先頭部分が必要です"
    ),
}
