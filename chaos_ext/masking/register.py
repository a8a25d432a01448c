"""The secrets that this process knows, and what hides them in everything that goes out of it.

Whoever learns a secret calls `remember` before anybody can say it. From then on `hide` and `hidden` take it out of
texts and of data; the log of every library and our own terminal do so by themselves.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, TypeVar

from chaos_ext.masking import logs
from chaos_ext.masking.forms import is_a_setting, is_too_short
from chaos_ext.masking.masker import MASK, Masker

T = TypeVar("T")

_lock = threading.Lock()
_values: frozenset[str] = frozenset()
_masker = Masker()


def remember(values: Iterable[str]) -> None:
    """Hide `values` from now on, for as long as this process lives. Too short ones and settings are left out."""
    global _values, _masker
    with _lock:
        new = _values | {value for value in values if not (is_too_short(value) or is_a_setting(value))}
        if new == _values:
            return
        _values, _masker = new, Masker(new)
        logs.install(hide)


def remember_all(value: Any) -> None:
    """Like `remember`, for each text in nested data, such as the secrets of an experiment."""
    remember(_texts(value))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)


def values() -> frozenset[str]:
    """What is hidden. For the pipe to a process of ours that must hide it too, and for nothing else."""
    return _values


def stream() -> Masker:
    """A masker for text that arrives in pieces."""
    return _masker.another()


def hide(text: str) -> str:
    """`text` with every secret replaced by ``***``; itself, sentence or not, when there is none in it."""
    shown = _masker.whole(text)
    return text if shown == text else shown


def hidden(value: T) -> T:
    """Data like `value` with its secrets hidden, in keys too; `value` itself when there is none in it."""
    return _hidden(value) if _values else value


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, dict):
        return {_hidden(key): _hidden(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        inner = [_hidden(each) for each in value]
        return inner if isinstance(value, list) else tuple(inner)
    if isinstance(value, bytes):
        return _hidden(value.decode(errors="replace"))
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return MASK if str(value) in _values else value
    shown = hide(str(value))  # what JSON does not know is written as its text
    return value if shown == str(value) else shown


def forget() -> None:
    """Know no secret any more: for tests, which share a process."""
    global _values, _masker
    with _lock:
        _values, _masker = frozenset(), Masker()
        logs.uninstall()
