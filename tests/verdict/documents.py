"""What people wrote of the place that is simulated: a failure mode, the services, the environment."""

from __future__ import annotations

from typing import Any

MODE: dict[str, Any] = {
    "schema": 1,
    "id": "store-down",
    "title": "The store is down",
    "product": "Store",
    "category": "single-point-of-failure",
    "event": "It dies.",
    "impact": {"flows": {"submit": "outage"}, "summary": "Nobody can submit."},
    "severity": 3,
    "likelihood": 2,
    "detectability": 1,
    "detection": {"alert": "StoreDown"},
    "recovery": "runbook",
    "runbook": "runbooks/store-down.md",
    "objectives": {
        "default": {"detect_within": "5s", "recover_within": "10s", "lost_acknowledged_writes": 0}
    },
    "reproduce": {
        "lab": [
            {
                "name": "kill-store",
                "provider": {"type": "python", "module": "m", "func": "f", "arguments": {}},
                "in_force": {"type": "probe", "name": "store-is-dead", "provider": {}},
                "undo": {"type": "action", "name": "start-store", "provider": {}},
            }
        ]
    },
    "reverify_every": "90d",
    "owner": "sre",
}
SERVICES: dict[str, Any] = {
    "schema": 1,
    "services": {"intake": {"title": "Intake", "owner": "sre"}},
    "flows": {
        "submit": {
            "title": "Submit",
            "service": "intake",
            "slo": {"success": "99%", "latency": "800ms", "percentile": 95},
            "deadline": "2s",
            "per_second": 10,
            "request": {"method": "POST", "path": "/r"},
            "write": {"read_back": "/r", "id": "id"},
        },
        "read": {
            "title": "Read",
            "service": "intake",
            "slo": {"success": "99%", "latency": "800ms", "percentile": 95},
            "deadline": "2s",
            "per_second": 30,
            "request": {"path": "/s"},
        },
    },
}
ENVIRONMENT: dict[str, Any] = {
    "schema": 1,
    "name": "lab",
    "title": "Lab",
    "platform": "lab",
    "disposable": False,
    "identity": {"lab": {"marker": "m", "directory": "/lab"}},
    "base_url": "http://127.0.0.1:1",
    "alerts": {
        "source": "alertmanager",
        "url": "http://127.0.0.1:2",
        "poll": "250ms",
        "runbook_base_url": "https://example.com/",
        "rules": [],
    },
    "targets": {},
    "windows": {"baseline": "3s", "stable": "3s"},
    "limits": {"targets": 1, "longest_fault": "2m"},
}
SEEN: dict[str, Any] = {"store": {"primary": "a", "roles": {"batch": {"login": True}}}}


def changed(document: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**document, **fields}
