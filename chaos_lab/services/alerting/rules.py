"""Alert rules: what they say about the samples, and when that becomes an alert. No I/O.

    {metric: 'name{label="value"}', below: 1, for: 1s, labels: {…}}
    {ratio: {of: 'counter{…}', to: 'counter{…}', over: 5s}, above: 0.02, for: 500ms, labels: {…}}

A metric is the sum of its series. A ratio is the increase of one counter to that of another over a
window, as Prometheus' increase(), so a restart of the counting process does not matter.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from chaos_lab.services.metrics import Series, parse_selector
from chaos_lab.services.process import BadConfig

STALE_S = 2.0  # a sample older than this says nothing about now
MISSING_S = 5.0  # no data for so long is an alert of its own
KEEP_S = 60.0

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

Snapshot = dict[Series, float]


class Samples:
    """What each source said lately."""

    def __init__(self) -> None:
        self._sources: dict[str, deque[tuple[float, Snapshot]]] = {}

    def add(self, source: str, at: float, snapshot: Snapshot) -> None:
        history = self._sources.setdefault(source, deque())
        history.append((at, snapshot))
        while history[0][0] < at - KEEP_S:
            history.popleft()

    def current(self, selector: Series, now: float) -> float | None:
        """The metric's value now, None when nobody knows."""
        for history in self._sources.values():
            at, snapshot = history[-1]
            if at >= now - STALE_S and (found := list(_select(snapshot, selector))):
                return sum(value for _, value in found)
        return None

    def increases(self, of: Series, to: Series, over_s: float, now: float) -> tuple[float, float] | None:
        """How much the two counters of one source grew in the window, None when nobody knows."""
        for history in self._sources.values():
            if history[-1][0] < now - STALE_S or not any(_select(history[-1][1], to)):
                continue
            window = [snapshot for at, snapshot in history if at >= now - over_s]
            return _increase(window, of), _increase(window, to)
        return None


def _select(snapshot: Snapshot, selector: Series) -> Iterator[tuple[Series, float]]:
    name, wanted = selector
    for series, value in snapshot.items():
        if series[0] == name and all(label in series[1] for label in wanted):
            yield series, value


def _increase(window: list[Snapshot], selector: Series) -> float:
    total = 0.0
    for before, after in itertools.pairwise(window):
        for series, value in _select(after, selector):
            # A series that was not there began at zero, and one that fell began anew.
            grown = value - before.get(series, 0.0)
            total += grown if grown >= 0 else value
    return total


@dataclass(frozen=True)
class Reading:
    """What a rule sees: a value; nothing to judge (no traffic); or no data."""

    value: float | None
    missing: bool = False


@dataclass(frozen=True)
class Rule:
    """One rule, as the configuration says it."""

    name: str
    summary: str
    runbook_url: str
    labels: dict[str, str]
    bound: float
    side: Literal["below", "above"]
    for_s: float
    metric: Series | None = None
    ratio: tuple[Series, Series, float] | None = None
    written: dict[str, Any] = field(default_factory=dict)

    def read(self, samples: Samples, now: float) -> Reading:
        if self.metric is not None:
            value = samples.current(self.metric, now)
            return Reading(value, missing=value is None)
        assert self.ratio is not None
        grown = samples.increases(*self.ratio, now)
        if grown is None:
            return Reading(None, missing=True)
        of, to = grown
        return Reading(of / to if to > 0 else None)

    def broken(self, value: float | None) -> bool:
        if value is None:
            return False
        return value < self.bound if self.side == "below" else value > self.bound


class State:
    """A rule over time."""

    def __init__(self, rule: Rule, now: float) -> None:
        self.rule = rule
        self.reading = Reading(None)
        self.broken_since: float | None = None
        self.firing = False
        self.data_at = now  # when there was data last

    def evaluate(self, samples: Samples, now: float) -> None:
        """Without data a rule neither fires nor calms down; `missing` tells instead."""
        self.reading = self.rule.read(samples, now)
        if self.reading.missing:
            return
        self.data_at = now
        if not self.rule.broken(self.reading.value):
            self.broken_since, self.firing = None, False
            return
        if self.broken_since is None:
            self.broken_since = now
        self.firing = self.firing or now - self.broken_since >= self.rule.for_s

    def missing(self, now: float) -> bool:
        return now - self.data_at >= MISSING_S

    def shown(self, now: float) -> dict[str, Any]:
        state = "firing" if self.firing else "pending" if self.broken_since is not None else "inactive"
        return {
            "name": self.rule.name,
            "state": "no data" if self.missing(now) else state,
            "value": self.reading.value,
            "rule": self.rule.written,
        }


def parse_rule(entry: dict[str, Any]) -> Rule:
    """A rule of the configuration. Raises BadConfig."""
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name:
        raise BadConfig(f"rules: got {entry!r}, expected a rule with a name")
    try:
        rule = dict(entry["rule"])
        unknown = set(rule) - {"metric", "ratio", "below", "above", "for", "labels"}
        if unknown:
            raise ValueError(f"unknown {', '.join(sorted(unknown))}")
        sides = [side for side in ("below", "above") if side in rule]
        if len(sides) != 1:
            raise ValueError("expected either below or above")
        if ("metric" in rule) == ("ratio" in rule):
            raise ValueError("expected either metric or ratio")
        ratio = rule.get("ratio")
        return Rule(
            name=name,
            summary=_summary(entry.get("summary", "")),
            runbook_url=str(entry.get("runbook_url", "")),
            labels={str(key): str(value) for key, value in rule.get("labels", {}).items()},
            bound=float(rule[sides[0]]),
            side="below" if sides[0] == "below" else "above",
            for_s=seconds(rule.get("for", 0)),
            metric=parse_selector(rule["metric"]) if "metric" in rule else None,
            ratio=(parse_selector(ratio["of"]), parse_selector(ratio["to"]), seconds(ratio["over"]))
            if ratio
            else None,
            written=rule,
        )
    except KeyError as error:
        raise BadConfig(f"rules: {name}: {error} is missing") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise BadConfig(f"rules: {name}: {error}") from None


def seconds(value: object) -> float:
    """Seconds in ``500ms``, ``1s``, ``2m``, or in a bare number. Raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", str(value))
    if match is None:
        raise ValueError(f"got {value!r}, expected a duration such as '500ms' or '1s'")
    return float(match[1]) * _UNITS[match[2]]


def _summary(text: object) -> str:
    return str(text.get("en", "")) if isinstance(text, dict) else str(text)
