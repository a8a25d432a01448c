"""Numbers as people read them."""

from __future__ import annotations

from chaos_ext.model import Interval


def seconds(value: object) -> str:
    """``3.2 s``, ``80 ms`` under a tenth of a second, ``? s`` when it is not known."""
    if not isinstance(value, int | float):
        return "? s"
    return f"{value * 1000:.0f} ms" if 0 < value < 0.0995 else f"{value:.1f} s"


def milliseconds(value: object) -> str:
    """A latency: ``12 ms``, ``1.9 s`` from one second on, ``-`` when there is none."""
    if not isinstance(value, int | float):
        return "-"
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.1f} s"


def span(interval: Interval) -> str:
    """``3.1–3.3 s``, or ``3.1 s`` when both ends read the same."""
    low, high = f"{interval.earliest:.1f}", f"{interval.latest:.1f}"
    return f"{low} s" if low == high else f"{low}–{high} s"


def plainly(value: object) -> str:
    """A value of some evidence without the marks of a programming language."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return " / ".join(f"{key} {plainly(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return " / ".join(map(plainly, value)) or "none"
    return "none" if value is None else str(value)
