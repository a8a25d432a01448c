"""What differs between two looks at a place, and what of it the mode says is left. Pure.

A look is a nested mapping; a difference is named by the keys that lead to it, such as
``postgresql/roles/batch/connections_at_most``. Only mappings are gone into: a list differs as a whole, and so does
what is there only once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from chaos_ext.model import Left

ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT", "__bool__": lambda self: False})()
_ANY_DEPTH = "**"


@dataclass(frozen=True)
class Difference:
    """One place that is not as it was. `before` or `after` is ABSENT when nothing was, or is, there."""

    path: str
    before: Any
    after: Any

    def as_dict(self) -> dict[str, Any]:
        """As an event holds it: a key that is missing was absent."""
        said = {"path": self.path}
        values = {"before": self.before, "after": self.after}
        return said | {key: value for key, value in values.items() if value is not ABSENT}


@dataclass(frozen=True)
class Remains:
    """What is not as it was after a trial. Restored: nothing `unexpected`."""

    unexpected: tuple[Difference, ...]
    left: tuple[tuple[Difference, Left], ...]  # as the mode says, each with the entry that says so
    unmatched: tuple[Left, ...]  # entries of the mode that nothing was found for


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Everything that differs, in the order of its path."""
    return tuple(_between(before, after, ()))


def _between(before: Any, after: Any, at: tuple[str, ...]) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _between(before.get(key, ABSENT), after.get(key, ABSENT), (*at, str(key)))
    elif not _same(before, after):
        yield Difference("/".join(at), before, after)


def _same(before: Any, after: Any) -> bool:
    """As JSON has it: True is not 1, but 1 is 1.0; and what is no number stays none."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return before.keys() == after.keys() and all(_same(before[key], after[key]) for key in before)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_same, before, after))
    if _is_number(before) and _is_number(after):
        return bool(before == after) or (before != before and after != after)
    return type(before) is type(after) and bool(before == after)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def covers(pattern: str, path: str) -> bool:
    """Whether `path` is one of those that `pattern` means: `*` within a step, `**` for any number of steps."""
    return _covers(tuple(pattern.split("/")), tuple(path.split("/")))


@lru_cache(maxsize=4096)
def _covers(pattern: tuple[str, ...], steps: tuple[str, ...]) -> bool:
    if not pattern:
        return not steps
    if pattern[0] == _ANY_DEPTH:
        return any(_covers(pattern[1:], steps[skipped:]) for skipped in range(len(steps) + 1))
    return bool(steps) and fnmatchcase(steps[0], pattern[0]) and _covers(pattern[1:], steps[1:])


def too_wide(pattern: str) -> bool:
    """Whether `pattern` would excuse a whole look, or is no path at all."""
    first, *rest = pattern.split("/")
    named = first and not any(sign in first for sign in "*?[")
    return not named or "" in rest or (bool(rest) and all(not step.strip("*") for step in rest))


def remains(found: Iterable[Difference], leaves: Sequence[Left], *, followed: bool) -> Remains:
    """What of `found` nobody said, and what the mode's `leaves` say.

    `followed`: whether the runbook was; when nobody acted, only what the fault itself leaves may be left.
    """
    may_be = [entry for entry in leaves if followed or entry.by == "fault"]
    unexpected: list[Difference] = []
    left: list[tuple[Difference, Left]] = []
    for difference in found:
        entry = next((each for each in may_be if covers(each.path, difference.path)), None)
        if entry is None:
            unexpected.append(difference)
        else:
            left.append((difference, entry))
    unmatched = [
        entry for entry in may_be if not any(covers(entry.path, difference.path) for difference, _ in left)
    ]
    return Remains(tuple(unexpected), tuple(left), tuple(unmatched))
