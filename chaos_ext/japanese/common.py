"""What every room says: the shape of a problem."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "{where}: got {got}, expected {expected}. {hint}": "{where}: 実際: {got}、期待: {expected}。{hint}",
    "{where}: got {got}, expected {expected}.": "{where}: 実際: {got}、期待: {expected}。",
    # a wrong command line
    "Usage: {usage}": "使い方: {usage}",
    "Try '{command} {option}' for help.": "「{command} {option}」で説明を表示します。",
    "Error: {message}": "エラー: {message}",
    "Did you mean '{near}'?": "「{near}」のことですか？",
}
