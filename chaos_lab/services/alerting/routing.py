"""Who is told of which alert: the first route of which every label matches decides. No I/O.

routes: [{receiver: sre-pager, match: {severity: page, team: sre}}, {receiver: everybody}]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chaos_lab.services.process import BadConfig

OTHERWISE = "on-call"  # who is told where no route matches


@dataclass(frozen=True)
class Route:
    """Alerts with all of these labels go to `receiver`."""

    receiver: str
    match: dict[str, str]


class Routes:
    """All routes, in their order."""

    def __init__(self, routes: Sequence[Route] = ()) -> None:
        self._routes = tuple(routes)

    @property
    def receivers(self) -> tuple[str, ...]:
        """Everybody who may be told."""
        return tuple(dict.fromkeys((*(route.receiver for route in self._routes), OTHERWISE)))

    def of(self, labels: dict[str, str]) -> str:
        """Who is told of an alert with these labels."""
        for route in self._routes:
            if all(labels.get(name, "") == value for name, value in route.match.items()):
                return route.receiver
        return OTHERWISE


def parse_routes(entries: Any) -> Routes:
    """Routes of the configuration. Raises BadConfig."""
    found = []
    for entry in entries:
        receiver = entry.get("receiver") if isinstance(entry, dict) else None
        match = entry.get("match", {}) if isinstance(entry, dict) else None
        if not isinstance(receiver, str) or not receiver or not isinstance(match, dict):
            raise BadConfig(
                f"routes: got {entry!r}, expected a route with a receiver, and labels under match"
            )
        found.append(Route(receiver, {str(name): str(value) for name, value in match.items()}))
    return Routes(found)
