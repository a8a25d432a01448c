"""Differences in sentences."""

from __future__ import annotations

import json
from typing import Any

from chaos_ext.language import Said, t
from chaos_ext.restored.compare import ABSENT, Difference

_SHOWN = 100  # characters of a value that a sentence repeats


def shown(value: Any) -> str:
    """A value as a sentence shows it: on one line, nothing long."""
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def said(difference: Difference) -> Said:
    """What it is, what it was before, what it is now."""
    if difference.before is ABSENT:
        template = t(
            "{path}: was not there before the fault, is {after} now",
            path=difference.path,
            after=shown(difference.after),
        )
    elif difference.after is ABSENT:
        template = t(
            "{path}: was {before} before the fault, is not there now",
            path=difference.path,
            before=shown(difference.before),
        )
    else:
        template = t(
            "{path}: was {before} before the fault, is {after} now",
            path=difference.path,
            before=shown(difference.before),
            after=shown(difference.after),
        )
    return template


def read(fields: dict[str, Any]) -> Difference:
    """A difference as an event holds it."""
    return Difference(str(fields.get("path", "?")), fields.get("before", ABSENT), fields.get("after", ABSENT))


def to_do(mode: str, *, disposable: bool) -> Said:
    """What is done about differences that nobody said."""
    if disposable:
        return t(
            "The lab is thrown away, so nothing has to be put back by hand; elsewhere it would stay. Correct the "
            "fault's undo or the runbook; when the difference is right, say so under 'leaves' of {mode}.",
            mode=mode,
        )
    return t(
        "Put it back by hand before anything else runs here. Then correct the fault's undo or the runbook; when the "
        "difference is right, say so under 'leaves' of {mode}.",
        mode=mode,
    )
