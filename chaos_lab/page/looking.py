"""What the page shows: parts, alerts, and the arrows between the parts, asked for now."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import Any

from chaos_lab import asking, guests, parts
from chaos_lab.places import Lab

_PATIENCE_S = 1.0
TAIL_BYTES = 64 * 1024


@dataclass(frozen=True)
class Arrow:
    """A way from a caller to what it calls."""

    name: str
    up: bool
    distance_ms: int
    toxics: list[dict[str, Any]]

    @property
    def disturbed(self) -> bool:
        return bool(self.toxics) or not self.up


@dataclass(frozen=True)
class Look:
    """A lab at one moment. A list that nobody could give is None."""

    status: dict[str, Any]
    alerts: list[dict[str, Any]] | None
    arrows: list[Arrow] | None
    gone: bool = field(default=False)


def look(lab: Lab) -> Look:
    """Everything at once; a lab that is gone is one that nobody can look at any more."""
    state = lab.state()
    if state is None:
        return Look({"name": lab.name, "parts": {}, "primaries": [], "healthy": False}, None, None, gone=True)
    ports = state.get("ports") or {}
    alerts = _get(ports.get("alerting"), "/api/v2/alerts?silenced=false")
    proxies = _get(ports.get("faultproxy"), "/proxies")
    return Look(
        asking.status(lab),
        sorted(alerts, key=lambda alert: str(alert["startsAt"])) if isinstance(alerts, list) else None,
        [_arrow(proxy) for proxy in proxies.values()] if isinstance(proxies, dict) else None,
    )


def logs(lab: Lab) -> list[str]:
    """The logs that may be read: one for each part, and the supervisor's."""
    return [
        name
        for name in (*parts.PARTS, *(guest.name for guest in guests.of(lab)), "supervisord")
        if (lab.logs / f"{name}.log").is_file()
    ]


def tail(lab: Lab, name: str) -> str | None:
    """The end of a log, from a whole line on; None when there is no such log."""
    if name not in logs(lab):  # names, not paths: nothing else of the lab or the machine can be asked for
        return None
    with (lab.logs / f"{name}.log").open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL_BYTES))
        end = file.read(TAIL_BYTES)
    if size > TAIL_BYTES:
        end = end.partition(b"\n")[2]
    return end.decode("utf-8", errors="replace")


def _arrow(proxy: dict[str, Any]) -> Arrow:
    return Arrow(
        str(proxy["name"]), bool(proxy["enabled"]), int(proxy.get("distance_ms", 0)), list(proxy["toxics"])
    )


def _get(port: int | None, path: str) -> Any:
    if port is None:
        return None
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        return json.loads(response.read()) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
