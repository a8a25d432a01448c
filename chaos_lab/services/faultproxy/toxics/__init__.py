"""The toxics by Toxiproxy's names. To add one: a module with `KIND`, and a line here."""

from __future__ import annotations

from dataclasses import dataclass, field

from chaos_lab.services.faultproxy.toxics import (
    bandwidth,
    latency,
    limit_data,
    reset_peer,
    slicer,
    slow_close,
    timeout,
)
from chaos_lab.services.faultproxy.toxics.kind import Kind

KINDS: dict[str, Kind] = {
    "bandwidth": bandwidth.KIND,
    "latency": latency.KIND,
    "limit_data": limit_data.KIND,
    "reset_peer": reset_peer.KIND,
    "slicer": slicer.KIND,
    "slow_close": slow_close.KIND,
    "timeout": timeout.KIND,
}


@dataclass
class Toxic:
    """One toxic of a proxy, as the API shows it."""

    name: str
    type: str
    stream: str  # upstream: from the client to the server; downstream: back
    toxicity: float = 1.0  # share of connections that are hit
    attributes: dict[str, int] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        return KINDS[self.type]

    def shown(self) -> dict[str, object]:
        return {
            "attributes": dict(self.attributes),
            "name": self.name,
            "type": self.type,
            "stream": self.stream,
            "toxicity": self.toxicity,
        }
