"""The configuration file of each service, by part. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaos_lab import cloud_names, parts
from chaos_lab.parts import address
from chaos_lab.postgresql import APP, DATABASE, NODES, PROBER

# Who may sign in to the dashboard, at the identity provider.
ACCOUNTS = {"analyst": "analyst-of-the-lab", "manager": "manager-of-the-lab"}
CLIENT = {"client_id": "dashboard", "issuer": "https://login.example.co.jp"}


def of_services(
    ports: Mapping[str, int],
    *,
    tls: Path,
    conf: Path,
    names_file: Path,
    passwords: Path,
    orchestrator_log: Path,
    alerts: Mapping[str, Any],
    guests: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """What every part of ours is started with. `alerts`: rules and routes. `guests`: for each the
    page that says whether it is usable.
    """
    aws = {
        "region": cloud_names.REGION,
        "access_key": cloud_names.ACCESS_KEY,
        "secret_key": cloud_names.SECRET_KEY,
        "queue_url": cloud_names.queue_url(address(ports, "queue"), cloud_names.QUEUE),
        "bucket": cloud_names.BUCKET,
        "secret": cloud_names.SECRET,
    }
    configs: dict[str, dict[str, Any]] = {
        "cloud": {
            "listen": address(ports, "cloud"),
            "exports_policy": str(conf / "exports-policy.json"),
            "database_user": APP,
            "database_password_file": str(passwords / APP),
        },
        "providers": {
            "listen": address(ports, "providers"),
            "identity": {**CLIENT, "accounts": ACCOUNTS},
        },
        "edge": {
            "listen": address(ports, "edge"),
            "certificate": str(tls / "edge.pem"),
            "key": str(tls / "edge-key.pem"),
            "routes": [{"prefix": prefix, "service": service} for prefix, service in parts.ROUTED.items()],
            "services": {
                service: [
                    {"name": replica, "url": f"http://{address(ports, f'edge->{replica}')}"}
                    for replica in parts.REPLICAS[service]
                ]
                for service in parts.ROUTED.values()
            },
            "timeout_s": 2.5,
            "health_every_s": 0.25,
            "health_path": "/healthz",
            "metrics": address(ports, "edge-metrics"),
        },
        "faultproxy": {
            "listen": address(ports, "faultproxy"),
            "proxies": [_proxy(ports, caller, target) for caller, target in parts.arrows()],
        },
        "alerting": {
            "listen": address(ports, "alerting"),
            "every_s": 0.5,
            "scrape": {
                "edge": f"http://{address(ports, 'edge-metrics')}/metrics",
                **{
                    replica: f"http://{address(ports, replica)}/metrics"
                    for replicas in parts.REPLICAS.values()
                    for replica in replicas
                },
            },
            "postgresql": {node: address(ports, node) for node in NODES},
            "user": PROBER,
            "password_file": str(passwords / PROBER),
            "dbname": DATABASE,
            "rules": alerts.get("rules", []),
            "routes": alerts.get("routes", []),
            "pager": f"http://{address(ports, 'providers')}/pager",
            # What a black-box prober looks at besides, each at its own address.
            "direct": {name: address(ports, name) for name in (*parts.BEHIND, "edge")},
            "aws": {
                **aws,
                "dead_letter_url": cloud_names.queue_url(
                    address(ports, "queue"), cloud_names.DEAD_LETTER_QUEUE
                ),
            },
            "orchestrator": {
                "log": str(orchestrator_log),
                "parts": {**parts.service_of_part(), **{guest: guest for guest in guests}},
            },
            "guests": dict(guests),
        },
    }
    for service, replicas in parts.REPLICAS.items():
        for replica in replicas:
            configs[replica] = {
                "name": replica,
                "listen": address(ports, replica),
                "names": str(names_file),
                "password_file": str(passwords / APP),
                "user": APP,
                "dbname": DATABASE,
                "aws": aws,
                **({"identity": CLIENT} if service == "dashboard" else {}),
            }
    return configs


def _proxy(ports: Mapping[str, int], caller: str, target: str) -> dict[str, Any]:
    proxy: dict[str, Any] = {
        "name": f"{caller}->{target}",
        "listen": f"127.0.0.1:{ports[f'{caller}->{target}']}",
        "upstream": address(ports, target),
    }
    if distance := parts.distance_ms(caller, target):
        proxy["distance_ms"] = distance
    return proxy


def of_cache(ports: Mapping[str, int], directory: Path) -> str:
    """valkey.conf: a cache that says no instead of throwing away what it was given to keep."""
    return "".join(
        f"{line}\n"
        for line in (
            "bind 127.0.0.1",
            f"port {ports[parts.CACHE]}",
            "protected-mode yes",
            f'dir "{directory}"',
            'save ""',
            "appendonly no",
            "maxmemory 16mb",
            "maxmemory-policy noeviction",
            "databases 1",
            "daemonize no",
            "set-proc-title no",  # it would write over its environment, by which the lab knows its processes
            "loglevel notice",
        )
    )
