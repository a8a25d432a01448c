"""Prometheus' text format, written by the services and read by the alerting.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Protocol

from aiohttp import web

Labels = tuple[tuple[str, str], ...]  # sorted by name
Series = tuple[str, Labels]

LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0, 2.0, 2.5, 5.0)


class Metric(Protocol):
    """One metric with all its series."""

    def lines(self) -> Iterator[str]: ...


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _labels(names: Iterable[str], values: Iterable[str]) -> str:
    inside = ",".join(f'{name}="{_escape(value)}"' for name, value in zip(names, values, strict=True))
    return f"{{{inside}}}" if inside else ""


class Counter:
    """Counts up from zero at the start of the process, one series for each set of label values."""

    kind = "counter"

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self.name, self.text, self.labels = name, text, labels
        self.values: dict[tuple[str, ...], float] = {}

    def add(self, *values: str, amount: float = 1) -> None:
        self.values[values] = self.values.get(values, 0) + amount

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.text}"
        yield f"# TYPE {self.name} {self.kind}"
        for values, number in self.values.items():
            yield f"{self.name}{_labels(self.labels, values)} {number:.17g}"


class Gauge(Counter):
    """A number that goes up and down."""

    kind = "gauge"

    def set(self, number: float, *values: str) -> None:
        self.values[values] = number


class Histogram:
    """How many observations were at most so large, in seconds."""

    def __init__(
        self, name: str, text: str, *labels: str, buckets: tuple[float, ...] = LATENCY_BUCKETS_S
    ) -> None:
        self.name, self.text, self.labels, self.buckets = name, text, labels, buckets
        self.counts: dict[tuple[str, ...], list[int]] = {}
        self.sums: dict[tuple[str, ...], float] = {}

    def observe(self, number: float, *values: str) -> None:
        counts = self.counts.get(values)
        if counts is None:
            counts = self.counts[values] = [0] * (len(self.buckets) + 1)
        counts[bisect_left(self.buckets, number)] += 1
        self.sums[values] = self.sums.get(values, 0.0) + number

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.text}"
        yield f"# TYPE {self.name} histogram"
        for values, counts in self.counts.items():
            total = 0
            for bound, count in zip((*map(str, self.buckets), "+Inf"), counts, strict=True):
                total += count
                yield f"{self.name}_bucket{_labels((*self.labels, 'le'), (*values, bound))} {total}"
            yield f"{self.name}_sum{_labels(self.labels, values)} {self.sums[values]:.17g}"
            yield f"{self.name}_count{_labels(self.labels, values)} {total}"


def page(*metrics: Metric) -> web.Response:
    """The answer to GET /metrics."""
    text = "".join(f"{line}\n" for metric in metrics for line in metric.lines())
    return web.Response(
        body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )


_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPE = re.compile(r"\\(.)")


def parse_labels(inside: str) -> Labels:
    """The labels written between the braces. Raises ValueError."""
    found: dict[str, str] = {}
    at = 0
    while at < len(inside) and inside[at:].strip():
        match = _LABEL.match(inside, at)
        if match is None:
            raise ValueError(f'got {inside[at:]!r}, expected name="value"')
        found[match[1]] = _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], match[2])
        at = match.end()
    return tuple(sorted(found.items()))


def parse_selector(text: str) -> Series:
    """``name{label="value",…}`` as rules write it. Raises ValueError."""
    match = re.fullmatch(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?\s*", text)
    if match is None:
        raise ValueError(f'got {text!r}, expected a metric such as name{{label="value"}}')
    return match[1], parse_labels(match[2] or "")


def parse(text: str) -> dict[Series, float]:
    """All samples on a /metrics page. Raises ValueError at a line that is not in the format."""
    samples: dict[Series, float] = {}
    for line in text.split("\n"):  # not splitlines(): a label may hold any other separator
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _SAMPLE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f'got {line!r}, expected a sample such as name{{label="value"}} 1')
        samples[match[1], parse_labels(match[2] or "")] = float(match[3])
    return samples
