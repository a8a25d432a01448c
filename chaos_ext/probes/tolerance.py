"""The one tolerance that compiled experiments use. Total: no value can make it raise.

Chaos Toolkit loses the journal and the rollbacks when a tolerance raises TypeError, so there is
nothing in here that could.
"""

from typing import Any

__all__ = ["holds"]


def holds(value: Any = None) -> bool:
    """Whether a probe's output says that it holds: ``{"holds": true, …}`` and nothing else does."""
    return isinstance(value, dict) and value.get("holds") is True
