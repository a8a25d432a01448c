"""One step of a direction of a connection: chunks wait here, and a toxic passes them on in its own way.

What a toxic is stands here too: neither can be said without the other.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from chaos_lab.services.process import log

Attributes = dict[str, int]


class Chunk(NamedTuple):
    """Bytes, and when they came in (monotonic), so that two delays in a row are not counted twice."""

    data: bytes
    at: float


class Sink(Protocol):
    """Where a stage passes its chunks on to: the next stage, or the socket."""

    def put(self, chunk: Chunk) -> None: ...

    async def room(self) -> None:
        """Waits until more may be put."""

    def end(self, *, reset: bool | None = None) -> None:
        """No more will be put. `reset`: None passes the other side's orderly end on, False closes the
        connection, True breaks it with a TCP reset."""


def fine(attributes: Attributes) -> str:
    """No further rule."""
    return ""


@dataclass(frozen=True)
class Kind:
    """A kind of toxic: its attributes (whole numbers, zero when not given) and what it does with a stage.

    `pipe` returns when the stream ends, after which the stage passes the end on.
    """

    name: str
    pipe: Callable[[Stage, Attributes], Awaitable[None]]
    attributes: tuple[str, ...] = ()
    buffer: int = 0  # chunks that may wait before the toxic without slowing the sender down
    wrong: Callable[[Attributes], str] = field(default=fine)  # what is wrong with the attributes, or ""
    closes_when_removed: bool = False  # it has lost data, so the connection cannot go on


@dataclass
class Toxic:
    """One toxic of a proxy, as the API shows it."""

    name: str
    kind: Kind
    stream: str  # upstream: from the client to the server; downstream: back
    toxicity: float = 1.0  # share of connections that are hit
    attributes: Attributes = field(default_factory=dict)

    def shown(self) -> dict[str, object]:
        return {
            "attributes": dict(self.attributes),
            "name": self.name,
            "type": self.kind.name,
            "stream": self.stream,
            "toxicity": self.toxicity,
        }


class Stage:
    """A toxic at work on one direction of one connection.

    A toxic sees ``read()``, ``write()``, ``sleep()``, ``drop()``, ``close()`` and ``state``. What it has
    read and not yet written stays in ``hand``, so that it can be interrupted at any await and
    nothing gets lost.
    """

    def __init__(self, toxic: Toxic, onward: Sink, ready: Callable[[], None]) -> None:
        self.toxic = toxic
        self.onward = onward
        self.inbox: deque[Chunk] = deque()
        self.hand: Chunk | None = None
        self.state: dict[str, Any] = {}
        self.ended = False  # nothing more comes in
        self.closed = False  # nothing more goes out
        self.reset: bool | None = None  # how the side before us ended
        self._some = asyncio.Event()
        self._space = asyncio.Event()
        self.hit = False  # whether the toxic works on this connection: its toxicity is a share of them
        self._ready = ready  # tells the reader of the socket that there is room again
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins work, or begins again after a change. Whether this connection is hit is drawn anew."""
        self.hit = random.random() < self.toxic.toxicity
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Interrupts the toxic. What it held comes first again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self.hand is not None:
            self.inbox.appendleft(self.hand)
            self.hand = None

    def cancel(self) -> None:
        """The connection is gone."""
        self.closed = True
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            if self.hit:
                await self.toxic.kind.pipe(self, self.toxic.attributes)
            else:
                while await self.read():
                    await self.write()
        except Exception as error:  # noqa: BLE001 - a task of its own: nobody else would see the bug
            log("bug", level="error", error=error, toxic=self.toxic.name)
            self.close()
        self.close(reset=self.reset)

    # For the side before.

    def put(self, chunk: Chunk) -> None:
        self.inbox.append(chunk)
        self._some.set()

    def full(self) -> bool:
        return len(self.inbox) > self.toxic.kind.buffer and not self.closed

    async def room(self) -> None:
        while self.full():
            self._space.clear()
            await self._space.wait()

    def end(self, *, reset: bool | None = None) -> None:
        self.ended = True
        self.reset = reset
        self._some.set()

    def wake(self) -> None:
        """After the chain changed: whoever waits looks again."""
        self._space.set()

    # For the toxic.

    async def read(self) -> Chunk | None:
        """The next chunk, or None at the end. A chunk still in hand comes again."""
        if self.hand is not None:
            return self.hand
        while not self.inbox:
            if self.ended:
                return None
            self._some.clear()
            await self._some.wait()
        self.hand = self.inbox.popleft()
        if not self.full():
            self._space.set()
            self._ready()
        return self.hand

    async def write(self, size: int | None = None, at: float | None = None) -> None:
        """Passes the first `size` bytes in hand on (default: all), as having come in at `at` (default: as they did)."""
        while True:
            onward = self.onward  # it may be another one after the wait
            await onward.room()
            if onward is self.onward:
                break
        assert self.hand is not None
        data, came_at = self.hand
        size = len(data) if size is None else size
        self.hand = Chunk(data[size:], came_at) if size < len(data) else None
        if size:
            onward.put(Chunk(data[:size], came_at if at is None else at))

    def drop(self) -> None:
        """Loses what is in hand."""
        self.hand = None

    def close(self, *, reset: bool | None = False) -> None:
        """Ends this direction; see Sink.end."""
        if not self.closed:
            self.closed = True
            self.inbox.clear()
            self.hand = None
            self._space.set()
            self._ready()
            self.onward.end(reset=reset)
