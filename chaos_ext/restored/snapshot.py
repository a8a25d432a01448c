"""One look at a place: all its probes at once, each with a deadline."""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from chaos_ext.language import t
from chaos_ext.masking.register import hidden
from chaos_ext.model import Activity
from chaos_ext.safety import execute
from chaos_ext.safety.bounded import Bounded
from chaos_ext.safety.identity.proof import Identity

LIMIT_S = 5.0  # longest time for one look; the lab's takes a tenth of it
# What comes with an answer and is another each time.
_NOT_LOOKED_AT = {"http": "headers", "process": "stderr"}


@dataclass(frozen=True)
class Snapshot:
    """What the probes saw, by their names, and why some saw nothing."""

    seen: dict[str, Any]
    failed: dict[str, str]
    seconds: float


def take(
    looks: Sequence[Activity],
    facts: Mapping[str, Any],
    limit_s: float = LIMIT_S,
    identity: Identity | None = None,
) -> Snapshot:
    """Run every probe in a thread of its own. A probe that fails or takes too long is told, never raised.

    `facts`: what the place says of itself, for ``configuration["chaos_facts"]``; `identity`: what was proven of it,
    whose credentials the probes get. Secrets that this process knows are hidden, so that what is compared is what is
    recorded. Changes nothing.
    """
    began = time.monotonic()
    configuration = {"chaos_facts": dict(facts)}
    seen: dict[str, Any] = {}
    failed: dict[str, str] = {}
    under_way: dict[str, Bounded[Any]] = {}
    for look in looks:
        name = execute.describe(look)
        try:
            under_way[name] = Bounded(
                f"look at {name}", partial(_seen, _ending(look, limit_s), configuration, identity)
            )
        except RuntimeError as error:  # the interpreter ends, or there are no more threads
            failed[name] = str(error)
    for name, work in under_way.items():
        try:
            seen[name] = hidden(work.wait(max(0.0, began + limit_s - time.monotonic())))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            failed[name] = hidden(str(error) or type(error).__name__)
    return Snapshot(seen, failed, round(time.monotonic() - began, 3))


def _ending(look: Activity, limit_s: float) -> Activity:
    """The look with an end of its own, so that no command and no connection outlives the deadline."""
    provider = look["provider"]
    if provider["type"] not in _NOT_LOOKED_AT or "timeout" in provider:
        return look
    return {**look, "provider": {**provider, "timeout": limit_s}}


def _seen(look: Activity, configuration: dict[str, Any], identity: Identity | None) -> Any:
    value = execute.run(look, configuration, identity=identity)
    if value is None:
        raise ValueError(t("got nothing, expected what is to be as it was"))
    aside = _NOT_LOOKED_AT.get(look["provider"]["type"])
    if aside is not None and isinstance(value, dict):
        return {key: inner for key, inner in value.items() if key != aside}
    return value


def preload(looks: Sequence[Activity]) -> None:
    """Import what the looks need, so that the first one costs no more than the others. Never raises."""
    for look in looks:
        with suppress(Exception):
            execute.preload(look)
            module = importlib.import_module(look["provider"]["module"])
            for needed in getattr(module, "NEEDS", ()):
                importlib.import_module(needed)
