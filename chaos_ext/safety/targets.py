"""What an activity hits: the resources that its arguments name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chaos_ext.model import Activity, Environment


def hit(activity: Activity, environment: Environment) -> list[str]:
    """What it hits, each once; an activity whose arguments name no resource is a target of its own."""
    arguments = activity.get("provider", {}).get("arguments", {})
    return named(activity, environment) or [json.dumps(arguments, sort_keys=True, ensure_ascii=False)]


def named(activity: Activity, environment: Environment) -> list[str]:
    """The resources that its arguments name, each once.

    A resource is what a role of the environment stands for, and what is listed beside one; where none is named,
    each item of a list.
    """
    arguments = activity.get("provider", {}).get("arguments", {})
    known = set(environment.targets.values())
    if not isinstance(arguments, Mapping):  # the words of a command
        words = arguments if isinstance(arguments, list) else str(arguments).split()
        return list(dict.fromkeys(str(word) for word in words if str(word) in known))
    found = list(_named(arguments, known)) or [item for listed in _lists(arguments) for item in listed]
    return list(dict.fromkeys(found))


def _named(value: Any, known: set[str]) -> Iterator[str]:
    """Resources at any depth of an argument, and their neighbours in lists."""
    if isinstance(value, str) and value in known:
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _named(each, known)
    elif isinstance(value, (list, tuple)):
        texts = [str(each) for each in value if not isinstance(each, (Mapping, list, tuple))]
        yield from texts if known.intersection(texts) else ()
        for each in value:
            if isinstance(each, (Mapping, list, tuple)):
                yield from _named(each, known)


def _lists(arguments: Mapping[str, Any]) -> Iterator[list[str]]:
    for value in arguments.values():
        if isinstance(value, (list, tuple)):
            yield [each if isinstance(each, str) else json.dumps(each, sort_keys=True) for each in value]
