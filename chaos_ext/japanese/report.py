"""The story of a run."""

from __future__ import annotations

WORDS: dict[str, str] = {}
