"""What a lab consists of: its parts, the arrows between them, and the ports they need. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaos_lab.postgresql import NODES

REPLICAS = {"intake": ("intake-1", "intake-2"), "dashboard": ("dashboard",)}  # service: its processes
SERVICES = ("faultproxy", "edge", *(name for names in REPLICAS.values() for name in names), "alerting")
PARTS = (*NODES, *SERVICES)
PRIMARY = "pg-a"

_RELEASE_CONFIG: dict[str, dict[str, Any]] = {
    "intake": {"database": PRIMARY, "connect_timeout_s": 1, "query_timeout_s": 1.5, "pool_size": 4},
    "dashboard": {"database": "pg-c", "connect_timeout_s": 1, "query_timeout_s": 1.5, "pool_size": 4},
}


def arrows() -> list[tuple[str, str]]:
    """Who calls whom: every pair goes through a proxy of its own."""
    to_replicas = [("edge", replica) for names in REPLICAS.values() for replica in names]
    to_nodes = [(replica, node) for names in REPLICAS.values() for replica in names for node in NODES]
    between_nodes = [(one, other) for one in NODES for other in NODES if one != other]
    return to_replicas + to_nodes + between_nodes


def port_names() -> list[str]:
    """Everything that listens. `a->b` is the proxy on the way from a to b."""
    return [*PARTS, "edge-metrics", *(f"{caller}->{target}" for caller, target in arrows())]


def release_config(service: str) -> dict[str, Any]:
    """The configuration of a service's first release."""
    return dict(_RELEASE_CONFIG[service])


def address(ports: Mapping[str, int], name: str) -> str:
    return f"127.0.0.1:{ports[name]}"


def names(ports: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """The resolver map: under which address a caller finds a target."""
    found: dict[str, dict[str, str]] = {}
    for caller, target in arrows():
        found.setdefault(caller, {})[target] = address(ports, f"{caller}->{target}")
    return found


def health_url(ports: Mapping[str, int], part: str) -> str:
    """Where an HTTP part says whether it is usable."""
    return f"http://{address(ports, 'edge-metrics' if part == 'edge' else part)}/healthz"


def service_configs(
    ports: Mapping[str, int],
    *,
    tls: Path,
    names_file: Path,
    passwords: Path,
    rules: list[Any],
) -> dict[str, dict[str, Any]]:
    """The configuration file of each service, by part."""
    login = {"password_file": str(passwords / "app"), "user": "app", "dbname": "survey"}
    configs: dict[str, dict[str, Any]] = {
        "edge": {
            "listen": address(ports, "edge"),
            "certificate": str(tls / "edge.pem"),
            "key": str(tls / "edge-key.pem"),
            "routes": [
                {"prefix": "/responses", "service": "intake"},
                {"prefix": "/dashboard", "service": "dashboard"},
            ],
            "services": {
                service: [
                    {"name": replica, "url": f"http://{address(ports, f'edge->{replica}')}"}
                    for replica in replicas
                ]
                for service, replicas in REPLICAS.items()
            },
            "timeout_s": 2.5,
            "health_every_s": 0.25,
            "health_path": "/healthz",
            "metrics": address(ports, "edge-metrics"),
        },
        "faultproxy": {
            "listen": address(ports, "faultproxy"),
            "proxies": [
                {
                    "name": f"{caller}->{target}",
                    "listen": address(ports, f"{caller}->{target}"),
                    "upstream": address(ports, target),
                }
                for caller, target in arrows()
            ],
        },
        "alerting": {
            "listen": address(ports, "alerting"),
            "every_s": 0.5,
            "scrape": {"edge": f"http://{address(ports, 'edge-metrics')}/metrics"},
            "postgresql": {node: address(ports, node) for node in NODES},
            "user": "prober",
            "password_file": str(passwords / "prober"),
            "dbname": "survey",
            "rules": rules,
        },
    }
    for replicas in REPLICAS.values():
        for replica in replicas:
            configs[replica] = {
                "name": replica,
                "listen": address(ports, replica),
                "names": str(names_file),
                **login,
            }
    return configs
