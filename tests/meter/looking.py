"""What tests of the meter's client wait for, and how a flow is handed to a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chaos_ext.meter.client import Meter
from chaos_ext.model import Flow

Start = Callable[..., Meter]
Until = Callable[..., None]
Make = Callable[..., Flow]


def seen(meter: Meter, n: int, since: float | None = None, **like: Any) -> Callable[[], bool]:
    """Whether at least `n` operations that were sent since then look like that."""
    return lambda: sum(all(getattr(s, k) == v for k, v in like.items()) for s in meter.snapshot(since)) >= n


def as_written(flow: Flow) -> str:
    """The flow as a file of services would hold it."""
    return flow.model_dump_json(by_alias=True)
