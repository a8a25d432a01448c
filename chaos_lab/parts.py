"""What a lab consists of: its parts, the arrows between them, and the ports they need. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaos_lab.postgresql import NODES

REPLICAS = {  # service: its processes
    "intake": ("intake-1", "intake-2"),
    "insight": ("insight",),
    "dashboard": ("dashboard",),
}
ROUTED = {"/responses": "intake", "/dashboard": "dashboard"}  # what the edge passes on to whom
CACHE = "valkey"
PLATFORM = ("cloud", "providers", "faultproxy", "edge")
SERVICES = (*PLATFORM, *(name for names in REPLICAS.values() for name in names), "alerting")
STORES = (*NODES, CACHE)  # they stay down until somebody decides what to do
PARTS = (*STORES, *SERVICES)
WRITERS = (CACHE,)  # they write files of their own, in a volume each
VOLUME_BYTES = 32 * 1024**2
PRIMARY = "pg-a"

# Names that callers use, by the part that is behind them; every node is known by its own.
BEHIND = {
    "cache": CACHE,
    "queue": "cloud",
    "storage": "cloud",
    "secrets": "cloud",
    "identity": "providers",
    "mail": "providers",
}
_NEEDS = {
    "intake": ("queue", "mail", "secrets"),
    "insight": ("queue", "storage", "secrets"),
    "dashboard": ("cache", "storage", "identity", "secrets"),
}
DISTANCE_MS = {"dashboard": 10}  # each way from a caller to the nodes: they are in another region

_DATABASE = {
    "connect_timeout_s": 1,
    "query_timeout_s": 1.5,
    "pool_size": 4,
    "connection_lifetime_s": 2,
}
_RELEASE_CONFIG: dict[str, dict[str, Any]] = {
    "intake": {"database": PRIMARY, **_DATABASE},
    "insight": {"database": PRIMARY, **_DATABASE},
    "dashboard": {
        "database": "pg-c",
        **_DATABASE,
        "report_pool_size": 2,
        "live_ttl_s": 1,
        "benchmark_ttl_s": 600,
        "coalesce": False,
    },
}


def arrows() -> list[tuple[str, str]]:
    """Who calls whom, by the name the caller uses: every pair goes through a proxy of its own."""
    to_replicas = [("edge", replica) for service in ROUTED.values() for replica in REPLICAS[service]]
    to_stores = [
        (replica, target)
        for service, replicas in REPLICAS.items()
        for replica in replicas
        for target in (*NODES, *_NEEDS[service])
    ]
    between_nodes = [(one, other) for one in NODES for other in NODES if one != other]
    return to_replicas + to_stores + between_nodes


def service_of_part() -> dict[str, str]:
    """Every part, and the service that it is a replica of; the others stand for themselves."""
    replicas = {name: service for service, names in REPLICAS.items() for name in names}
    return {part: replicas.get(part, part) for part in PARTS}


def port_names() -> list[str]:
    """Everything that listens. `a->b` is the proxy on the way from a to b."""
    return [*PARTS, "edge-metrics", *(f"{caller}->{target}" for caller, target in arrows())]


def release_config(service: str) -> dict[str, Any]:
    """The configuration of a service's first release."""
    return dict(_RELEASE_CONFIG[service])


def address(ports: Mapping[str, int], name: str) -> str:
    """Where a part, or what is behind a name, listens itself: the way of operators and of the prober."""
    return f"127.0.0.1:{ports[BEHIND.get(name, name)]}"


def names(ports: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """The resolver map: under which address a caller finds a target."""
    found: dict[str, dict[str, str]] = {}
    for caller, target in arrows():
        found.setdefault(caller, {})[target] = f"127.0.0.1:{ports[f'{caller}->{target}']}"
    return found


def distance_ms(caller: str, target: str) -> int:
    """How long a byte needs from a caller to a target, each way, when nothing is wrong."""
    return DISTANCE_MS.get(caller, 0) if target in NODES else 0


def health_url(ports: Mapping[str, int], part: str) -> str:
    """Where an HTTP part says whether it is usable."""
    return f"http://{address(ports, 'edge-metrics' if part == 'edge' else part)}/healthz"
