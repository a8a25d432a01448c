"""What a prober is."""

from __future__ import annotations

from typing import ClassVar, Protocol

from chaos_lab.services.metrics import Series

Found = dict[Series, float]


class NoAnswer(Exception):
    """The target did not answer as it should; the message says what came instead."""


class Prober(Protocol):
    """Looks at one target. It is asked again and again, never twice at the same time."""

    every: ClassVar[int]  # it looks in every n-th period: dear looks are rare
    name: str  # of the target, in logs and as a source of samples

    async def look(self) -> Found:
        """What is to be seen now. Raises NoAnswer or OSError; is cancelled when it takes too long."""

    def failed(self) -> Found:
        """What a look that brought nothing says; what nobody can know now is left out."""


def series(name: str, **labels: str) -> Series:
    """One series by name and labels."""
    return name, tuple(sorted(labels.items()))
