"""What a rehearsal's cloud has before anything is broken: calls of AWS' own API, written as data.

    {"service": "s3", "call": "create_bucket", "with": {"Bucket": "exports"}, "as": "bucket"}

In texts below ``with``, ``${bucket.Location}`` is a field of what an earlier call answered (numbers choose from lists),
and ``${file:policy.json}`` the content of a file beside the calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Client = Callable[[str], Any]
_GAP = re.compile(r"\$\{(file:)?([^{}]+)\}")


class CannotSeed(Exception):
    """A call that is written wrongly, or that the cloud refuses."""


def seed(calls: list[dict[str, Any]], files: Path, client: Client) -> None:
    """Make every call in its order. Raises CannotSeed with the number of the one that does not work."""
    answers: dict[str, Any] = {}
    for number, call in enumerate(calls, 1):
        where = f"{call.get('from', 'calls')}: call {number} ({call.get('service')} {call.get('call')})"
        try:
            made = getattr(client(call["service"]), call["call"])
            answer = made(**_filled(call.get("with") or {}, answers, files))
        except Exception as error:
            raise CannotSeed(f"{where}: {type(error).__name__}: {error}") from error
        if name := call.get("as"):
            answers[str(name)] = answer


def _filled(value: Any, answers: Mapping[str, Any], files: Path) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, answers, files) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, answers, files) for inner in value]
    if not isinstance(value, str):
        return value
    return _GAP.sub(lambda gap: _one(gap[2], bool(gap[1]), answers, files), value)


def _one(name: str, is_file: bool, answers: Mapping[str, Any], files: Path) -> str:
    if is_file:
        return (files / Path(name).name).read_text(encoding="utf-8")
    found: Any = answers
    for step in name.split("."):
        found = found[int(step)] if isinstance(found, list) else found[step]
    return str(found)
