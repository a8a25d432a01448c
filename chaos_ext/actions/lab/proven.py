"""Which lab an activity acts on, and that it is really that one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from chaoslib.exceptions import ActivityFailed

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.safety import guard

_thread = threading.local()


@contextmanager
def as_it_really_is(real: Mapping[str, Any]) -> Iterator[None]:
    """While inside, a probe of this thread that is given other facts is believed: `real` is what is proven instead.

    For probes alone, to see what they say of a source that is empty, gone, or another. Nothing that changes something
    is ever run inside: it would act on a place that nobody proved.
    """
    _thread.real = real
    try:
        yield
    finally:
        _thread.real = None


def facts(configuration: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the lab's `up` said, from ``configuration["chaos_facts"]``; the lab proves that it is that one.

    Raises ActivityFailed when there are none, or another lab answers.
    """
    found = (configuration or {}).get("chaos_facts")
    if not isinstance(found, dict) or not found.get("marker") or not found.get("dir"):
        raise ActivityFailed(
            t(
                "configuration.chaos_facts: got no lab, expected the facts of a running one. "
                "Activities of the lab run through chaos_ext.actions.fault.inject, which hands "
                "them over."
            )
        )
    real = getattr(_thread, "real", None) or found
    try:
        guard.prove_identity({"lab": {"marker": real["marker"], "directory": real["dir"]}}, real)
    except Blocked as error:
        raise ActivityFailed(str(error)) from error
    return found
