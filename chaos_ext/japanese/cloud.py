"""Accidents of the queue and of the object storage."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "{bucket} has another policy again": "{bucket}にはすでに別のポリシーが設定されています",
    "{path}: got no file, expected the policy that the lab keeps": (
        "{path}: ファイルがありません。ラボが保持するポリシーが必要です"
    ),
    "{bucket} has its own policy again": "{bucket}のポリシーを元に戻しました",
    "no malformed message is in the queue any more": "壊れたメッセージはもうキューにありません",
    "{count} malformed messages removed": "壊れたメッセージを{count}件取り除きました",
    "queue: got messages in flight for {seconds} s, expected them back": (
        "queue: {seconds}秒待っても処理中のメッセージが戻りません"
    ),
    "{node}: got no survey that people are answering: {said}": (
        "{node}: 回答中のアンケートがありません: {said}"
    ),
}
