"""How the benchmarks print a series of measurements."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median


def series(name: str, values: Sequence[float], unit: str = "s", bound: str = "") -> None:
    """One line: minimum, median and maximum of `values`, and the bound that they are held against."""
    figures = f"min {min(values):.3f}  median {median(values):.3f}  max {max(values):.3f} {unit}"
    print(f"{name:<44} {figures}  (n={len(values)})" + (f"  bound {bound}" if bound else ""), flush=True)


def figure(name: str, value: float, unit: str = "s", bound: str = "") -> None:
    """One line: one figure."""
    print(f"{name:<44} {value:.3f} {unit}" + (f"  bound {bound}" if bound else ""), flush=True)
