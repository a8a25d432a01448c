"""What an activity must be allowed to do where it runs, declared beside its code, or in a table for drivers' own.

    @needs(aws={"s3:PutBucketPolicy": "arn:aws:s3:::{bucket}"})
    def deny_objects(bucket: str, configuration: Configuration = None) -> dict[str, Any]:

A resource may name arguments of the activity, with a value for when they are not given: ``{ns=default}``.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
Cloud = Literal["aws", "gcp", "kubernetes"]
CLOUDS: tuple[Cloud, ...] = ("aws", "gcp", "kubernetes")
DRIVERS = ("chaosaws", "chaosgcp", "chaosk8s")
TABLE = Path(__file__).with_name("third_party.yaml")
ANYWHERE = "*"
_MARK = "_chaos_needs"
_ARGUMENT = re.compile(r"\{(\w+)(?:=([^{}]*))?\}")


@dataclass(frozen=True, order=True)
class Need:
    """One thing that must be allowed. `action` is in the platform's words, `where` in its own too.

    aws: ``s3:PutBucketPolicy``, an ARN · gcp: ``cloudsql.instances.failover``, the project ·
    kubernetes: ``delete pods`` or ``patch deployments.apps``, a namespace; "*" is the whole of it
    """

    cloud: Cloud
    action: str
    where: str = ANYWHERE


def needs(
    aws: Mapping[str, str] | None = None,
    gcp: Iterable[str] = (),
    kubernetes: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Declare what an activity needs; nothing given: it needs nothing, wherever it runs."""

    def declare(function: F) -> F:
        setattr(
            function,
            _MARK,
            tuple(_needs({"aws": aws or {}, "gcp": list(gcp), "kubernetes": kubernetes or {}})),
        )
        return function

    return declare


def declared(module: str, func: str) -> tuple[Need, ...] | None:
    """What an activity declares; None when it declares nothing. Raises ImportError when it is not there."""
    if module.split(".")[0] in DRIVERS:
        return third_party().get(f"{module}.{func}")
    found = getattr(importlib.import_module(module), func, None)
    mark = getattr(found, _MARK, None)
    return mark if isinstance(mark, tuple) else None


@lru_cache(maxsize=1)
def third_party() -> dict[str, tuple[Need, ...]]:
    """The table of drivers' activities."""
    import yaml

    table = yaml.load(TABLE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return {name: tuple(_needs(written or {})) for name, written in table.items()}


def _needs(written: Mapping[str, Any]) -> Iterator[Need]:
    for cloud in CLOUDS:
        given = written.get(cloud) or ()
        for action in given:
            where = given[action] if isinstance(given, Mapping) else ANYWHERE
            for each in where if isinstance(where, list) else [where]:
                yield Need(cloud, action, each)


def placed(need: Need, arguments: Mapping[str, Any], place: Mapping[str, str]) -> Iterator[Need]:
    """The need with its resource filled in from the arguments, or from what is known of the place.

    One for each item where an argument is a list; "*" where nothing is known.
    """
    wheres = [need.where]
    for match in _ARGUMENT.finditer(need.where):
        name, default = match[1], match[2]
        value = arguments.get(name) or place.get(name) or default or ANYWHERE
        values = value if isinstance(value, (list, tuple)) else [value]
        texts = [ANYWHERE if "${" in str(each) else str(each) for each in values]
        wheres = [where.replace(match[0], text) for where in wheres for text in texts]
    yield from (Need(need.cloud, need.action, where) for where in wheres)
