"""What a toxic is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from chaos_lab.services.faultproxy.stage import Stage

Attributes = dict[str, int]


def fine(attributes: Attributes) -> str:
    """No further rule."""
    return ""


@dataclass(frozen=True)
class Kind:
    """A kind of toxic: its attributes (whole numbers, zero when not given) and what it does with a stage.

    `pipe` returns when the stream ends, after which the stage passes the end on.
    """

    pipe: Callable[[Stage, Attributes], Awaitable[None]]
    attributes: tuple[str, ...] = ()
    buffer: int = 0  # chunks that may wait before the toxic without slowing the sender down
    wrong: Callable[[Attributes], str] = field(default=fine)  # what is wrong with the attributes, or ""
    closes_when_removed: bool = False  # it has lost data, so the connection cannot go on
