"""The toxics by Toxiproxy's names. To add one: a module with `KIND`, and its name here."""

from __future__ import annotations

from chaos_lab.services.faultproxy.stage import Kind
from chaos_lab.services.faultproxy.toxics import (
    bandwidth,
    latency,
    limit_data,
    reset_peer,
    slicer,
    slow_close,
    timeout,
)

_MODULES = (bandwidth, latency, limit_data, reset_peer, slicer, slow_close, timeout)
KINDS: dict[str, Kind] = {module.KIND.name: module.KIND for module in _MODULES}
