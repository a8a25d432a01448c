"""Alert rules: what they say about the samples, and when that becomes an alert. No I/O.

    {metric: 'name{label="value"}', below: 1, for: 1s, labels: {…}}
    {min: 'name{label="value"}', below: 2, for: 1s, labels: {…}}
    {max: name, above: 2, labels: {…}}
    {ratio: {of: 'counter{…}', to: 'counter{…}', over: 5s}, above: 0.02, for: 500ms, labels: {…}}
    {increase: {of: 'counter{…}', over: 10s}, above: 0, labels: {…}}

A metric is the sum of its series, `min` the least of them and `max` the greatest: what is wrong with any one of
several nodes. An increase is what a counter grew by in a window that ends now, and a
ratio the increase of one counter to that of another.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from chaos_lab.services.alerting.samples import KEEP_S, Samples
from chaos_lab.services.metrics import Series, parse_selector
from chaos_lab.services.process import BadConfig

MISSING_S = 5.0  # no data for so long is an alert of its own
_KINDS = ("metric", "min", "max", "ratio", "increase")
_OF_SERIES: dict[str, Callable[[list[float]], float]] = {"metric": sum, "min": min, "max": max}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


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
    of_series: Callable[[list[float]], float] = sum  # what is made of the metric's series
    ratio: tuple[Series, Series, float] | None = None
    increase: tuple[Series, float] | None = None
    written: dict[str, Any] = field(default_factory=dict)

    def read(self, samples: Samples, now: float) -> Reading:
        if self.metric is not None:
            value = samples.current(self.metric, now, self.of_series)
            return Reading(value, missing=value is None)
        if self.increase is not None:
            value = samples.increase(*self.increase, now)
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
        unknown = set(rule) - {*_KINDS, "below", "above", "for", "labels"}
        if unknown:
            raise ValueError(f"unknown {', '.join(sorted(unknown))}")
        sides = [side for side in ("below", "above") if side in rule]
        if len(sides) != 1:
            raise ValueError("expected either below or above")
        if len([kind for kind in _KINDS if kind in rule]) != 1:
            raise ValueError("expected one of metric, min, max, ratio and increase")
        ratio, increase = rule.get("ratio"), rule.get("increase")
        current = next((kind for kind in _OF_SERIES if kind in rule), None)
        return Rule(
            name=name,
            summary=_summary(entry.get("summary", "")),
            runbook_url=str(entry.get("runbook_url", "")),
            labels={str(key): str(value) for key, value in rule.get("labels", {}).items()},
            bound=float(rule[sides[0]]),
            side="below" if sides[0] == "below" else "above",
            for_s=seconds(rule.get("for", 0)),
            metric=parse_selector(rule[current]) if current else None,
            of_series=_OF_SERIES[current or "metric"],
            ratio=(parse_selector(ratio["of"]), parse_selector(ratio["to"]), _window(ratio["over"]))
            if ratio is not None
            else None,
            increase=(parse_selector(increase["of"]), _window(increase["over"]))
            if increase is not None
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


def _window(value: object) -> float:
    over_s = seconds(value)
    if over_s > KEEP_S:
        raise ValueError(f"over: got {value!r}, expected at most {KEEP_S:g}s, which is what is remembered")
    return over_s


def _summary(text: object) -> str:
    return str(text.get("en", "")) if isinstance(text, dict) else str(text)
