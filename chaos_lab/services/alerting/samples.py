"""What each source said lately, and what that says about a metric now. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from chaos_lab.services.metrics import Labels, Series

STALE_S = 2.5  # a sample older than this says nothing about now; the slowest watch brings one every 2 s
KEEP_S = 60.0

Snapshot = dict[Series, float]
_ByName = dict[str, dict[Labels, float]]


class Samples:
    """The history of every source."""

    def __init__(self) -> None:
        self._sources: dict[str, deque[tuple[float, _ByName]]] = {}

    def add(self, source: str, at: float, snapshot: Snapshot) -> None:
        named: _ByName = {}
        for (name, labels), value in snapshot.items():
            named.setdefault(name, {})[labels] = value
        history = self._sources.setdefault(source, deque())
        history.append((at, named))
        while history[0][0] < at - KEEP_S:
            history.popleft()

    def current(
        self, selector: Series, now: float, of_series: Callable[[list[float]], float] = sum
    ) -> float | None:
        """The sum of the metric's series over all sources, or what else is made of them; None when nobody knows."""
        found = [
            value for history in self._fresh(now) for value in _select(history[-1][1], selector).values()
        ]
        return of_series(found) if found else None

    def increase(self, of: Series, over_s: float, now: float) -> float | None:
        """How much the counter grew in the window, over all sources that have it; None when none has.

        A series of it that is not there yet is one that has not begun to count.
        """
        grown = [
            _increase(history, of, now - over_s) for history in self._fresh(now) if of[0] in history[-1][1]
        ]
        return sum(grown) if grown else None

    def increases(self, of: Series, to: Series, over_s: float, now: float) -> tuple[float, float] | None:
        """How much two counters grew in the window, over all sources that have the second; None when none has."""
        histories = [history for history in self._fresh(now) if _select(history[-1][1], to)]
        if not histories:
            return None
        since = now - over_s
        return (
            sum(_increase(history, of, since) for history in histories),
            sum(_increase(history, to, since) for history in histories),
        )

    def _fresh(self, now: float) -> Iterator[deque[tuple[float, _ByName]]]:
        for history in self._sources.values():
            if history[-1][0] >= now - STALE_S:
                yield history


def _select(snapshot: _ByName, selector: Series) -> dict[Labels, float]:
    name, wanted = selector
    there = snapshot.get(name, {})
    if not wanted:
        return there
    return {labels: value for labels, value in there.items() if all(label in labels for label in wanted)}


def _increase(history: deque[tuple[float, _ByName]], selector: Series, since: float) -> float:
    """As Prometheus' increase(), so a restart of the counting process does not matter.

    A series that was gone for a while, since its target could not be asked, goes on where it was.
    """
    last: dict[Labels, float] = {}
    total, first = 0.0, True
    for at, snapshot in history:
        for labels, value in _select(snapshot, selector).items():
            # A series that was never there began at zero, and one that fell began anew. What the first
            # snapshot of all says was counted before anybody looked.
            grown = 0.0 if first else value - last.get(labels, 0.0)
            if at >= since:
                total += grown if grown >= 0 else value
            last[labels] = value
        first = False
    return total
