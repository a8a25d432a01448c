"""One line of a story, before it is painted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One line and how it is meant: plain, good, bad, strong or dim."""

    text: str
    style: str = "plain"
