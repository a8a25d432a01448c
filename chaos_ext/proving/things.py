"""What else is there of the same kind: what a thing may be mistaken for, read from looks at the place. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_MOST = 3  # other things that an argument is tried with


@dataclass(frozen=True)
class Things:
    """Names of a place by kind: each group holds what stands side by side, below the word that says what it is."""

    groups: tuple[tuple[str, frozenset[str]], ...]

    @staticmethod
    def seen(looks: Mapping[str, Any], siblings: Sequence[Sequence[str]]) -> Things:
        """The environment's siblings first, then whatever stands side by side in a look at the place."""
        return Things((*(("", frozenset(group)) for group in siblings), *dict.fromkeys(_groups(looks, ""))))

    def others(self, value: str, hit: Collection[str] = (), kind: str = "") -> list[str]:
        """Things of the kind of `value` that are none of `hit`, at most three; empty: no other is known.

        A prefix of keys ("benchmark:") and the end of an address (a queue's name) count as what they name. `kind`: what
        an argument calls it ("bucket"); when a group is called so and has it, only that group ("buckets") and siblings
        count.
        """
        start, name, end = _taken_apart(value)
        spared = {_taken_apart(each)[1] for each in hit} | {name}
        known = [(word, group) for word, group in self.groups if name in group]
        if kind and any(word.startswith(kind) for word, _ in known):
            known = [(word, group) for word, group in known if not word or word.startswith(kind)]
        found = next((others for _, group in known if (others := sorted(group - spared))), [])
        return [f"{start}{other}{end}" for other in found[:_MOST]]


def _taken_apart(value: str) -> tuple[str, str, str]:
    """What stands before a name, the name, what stands behind it."""
    if "://" in value and "/" in value.partition("://")[2]:
        start, _, name = value.rpartition("/")
        return f"{start}/", name, ""
    if value.endswith(":"):
        return "", value.rstrip(":"), ":"
    return "", value, ""


def _groups(value: Any, word: str) -> Iterator[tuple[str, frozenset[str]]]:
    if not isinstance(value, Mapping):
        return
    yield word, frozenset(str(key) for key in value)
    for key, each in value.items():
        yield from _groups(each, str(key))


def texts(value: Any) -> list[str]:
    """Every text in an argument, at any depth."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in texts(each)]
    if isinstance(value, (list, tuple)):
        return [text for each in value for text in texts(each)]
    return []


def mistaken(arguments: Mapping[str, Any], things: Things) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each way to mistake one thing that these arguments name for another that none of them names."""
    hit = texts(arguments)
    for key, value in arguments.items():
        for one, at in _places(value):
            for other in things.others(one, hit, key.removesuffix("s")):
                yield f"{key}: {one} -> {other}", {**arguments, key: _put(value, at, other)}


_At = tuple[Any, ...]


def _places(value: Any, at: _At = ()) -> Iterator[tuple[str, _At]]:
    if isinstance(value, str):
        yield value, at
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _places(each, (*at, key))
    elif isinstance(value, (list, tuple)):
        for index, each in enumerate(value):
            yield from _places(each, (*at, index))


def _put(value: Any, at: _At, new: str) -> Any:
    if not at:
        return new
    if isinstance(value, Mapping):
        return {key: _put(each, at[1:], new) if key == at[0] else each for key, each in value.items()}
    return [_put(each, at[1:], new) if index == at[0] else each for index, each in enumerate(value)]
