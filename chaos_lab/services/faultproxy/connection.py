"""A client's connection through a proxy: two lines, one each way, straight or through toxics.

The straight way is one receive and one send for each piece of data, into one buffer that all share:
without toxics the proxy must not be felt.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterable

from chaos_lab.services.faultproxy.stage import Chunk, Sink, Stage, Toxic
from chaos_lab.services.faultproxy.toxics import latency

MOST_LEFT_BYTES = 64 * 1024  # waiting for a slow receiver, before those behind must wait too

_buffer = memoryview(bytearray(256 * 1024))  # read and passed on before anyone else runs


class Line:
    """One direction of a connection. It is also the last sink of its stages: the receiver's socket."""

    def __init__(self, connection: Connection, source: socket.socket, receiver: socket.socket) -> None:
        self.connection = connection
        self.source, self.receiver = source, receiver
        self.stages: list[Stage] = []
        self.ended = False  # the source has ended
        self.done = False  # the receiver knows
        self._left = bytearray()  # what the receiver's socket has not taken yet
        self._end: tuple[bool | None] | None = None  # how to end when nothing is left
        self._reading = self._writing = False
        self._room = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def start(self, toxics: Iterable[Toxic]) -> None:
        for toxic in toxics:
            self.add(toxic)
        self.look()

    def look(self) -> None:
        """Reads from the source or lets it wait, as there is room."""
        wanted = not self.ended and not self.connection.closed
        if wanted:
            wanted = not self.stages[0].full() if self.stages else not self._left
        if wanted is not self._reading:
            self._reading = wanted
            if wanted:
                self._loop.add_reader(self.source.fileno(), self._readable)
            else:
                self._loop.remove_reader(self.source.fileno())

    def _readable(self) -> None:
        try:
            size = self.source.recv_into(_buffer)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._source_ended(reset=False)  # broken, not ended: no half-open connection from here on
            return
        if size == 0:
            self._source_ended(reset=None)
        elif self.stages:
            self.stages[0].put(Chunk(bytes(_buffer[:size]), time.monotonic()))
            self.look()
        else:
            self._send(_buffer[:size])

    def _source_ended(self, *, reset: bool | None) -> None:
        self.ended = True
        self.look()
        first: Sink = self.stages[0] if self.stages else self
        first.end(reset=reset)

    def _send(self, data: bytes | memoryview) -> None:
        if not self._left:
            try:
                sent = self.receiver.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                self.connection.close()
                return
            if sent == len(data):
                return
            data = data[sent:]
        self._left += data
        self._write_later()

    def _write_later(self) -> None:
        if not self._writing:
            self._writing = True
            self._room.clear()
            self._loop.add_writer(self.receiver.fileno(), self._writable)
            self.look()

    def _writable(self) -> None:
        try:
            sent = self.receiver.send(self._left)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.connection.close()
            return
        del self._left[:sent]
        if len(self._left) <= MOST_LEFT_BYTES:
            self._room.set()
        if not self._left:
            self._writing = False
            self._loop.remove_writer(self.receiver.fileno())
            self.look()
            if self._end is not None:
                self.end(reset=self._end[0])

    # As a sink.

    def put(self, chunk: Chunk) -> None:
        if not self.connection.closed:
            self._send(chunk.data)

    async def room(self) -> None:
        while len(self._left) > MOST_LEFT_BYTES and not self.connection.closed:
            self._room.clear()
            await self._room.wait()

    def end(self, *, reset: bool | None = None) -> None:
        """See Sink.end. When one side has ended, the other may still answer; Toxiproxy closes both."""
        if self.done or self.connection.closed:
            return
        if self._left and not reset:
            self._end = (reset,)
            return
        self.done = True
        if reset is not None or self.connection.done():
            self.connection.close(reset=bool(reset))
            return
        try:
            self.receiver.shutdown(socket.SHUT_WR)
        except OSError:
            self.connection.close()

    # The chain of toxics.

    def add(self, toxic: Toxic) -> None:
        """Puts a toxic at the end of the chain."""
        if self.done or self._end is not None:
            return  # nothing will pass here any more
        stage = Stage(toxic, self, self.look)
        if self.stages:
            self.stages[-1].onward = stage
        elif self.ended:
            return
        self.stages.append(stage)
        stage.start()
        self.look()

    async def update(self, toxic: Toxic) -> None:
        """Lets the toxic begin again with its new attributes; what it counted stays."""
        for stage in self.stages:
            if stage.toxic is toxic and not stage.closed:
                await stage.stop()
                stage.start()

    async def remove(self, toxic: Toxic) -> None:
        """Takes a toxic out; what waited in it goes on at once."""
        for stage in [stage for stage in self.stages if stage.toxic is toxic]:
            if stage.closed:
                continue
            await stage.stop()
            if stage.hit and toxic.kind.closes_when_removed:
                self.connection.close()
            if self.connection.closed:
                return
            at = self.stages.index(stage)
            if at:
                self.stages[at - 1].onward = stage.onward
            self.stages.remove(stage)
            while stage.inbox:
                stage.onward.put(stage.inbox.popleft())
            if stage.ended:
                stage.onward.end(reset=stage.reset)
            stage.wake()
            self.look()

    def cut(self) -> None:
        """The connection closes."""
        self.look()
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self.receiver.fileno())
        for stage in self.stages:
            stage.cancel()
        self._room.set()


class Connection:
    """Two sockets and the two lines between them."""

    def __init__(
        self, client: socket.socket, server: socket.socket, forget: Callable[[Connection], None]
    ) -> None:
        self.closed = False
        self._sockets = (client, server)
        self._forget = forget
        self.lines = {"upstream": Line(self, client, server), "downstream": Line(self, server, client)}

    def start(self, toxics: Iterable[Toxic], distance_ms: int = 0) -> None:
        """Lets data through. The distance comes before the toxics and stays when they go."""
        for stream, line in self.lines.items():
            if distance_ms:
                attributes = {"latency": distance_ms, "jitter": 0}
                line.add(Toxic("distance", latency.KIND, stream, attributes=attributes))
            line.start(toxic for toxic in toxics if toxic.stream == stream)

    def done(self) -> bool:
        return all(line.done for line in self.lines.values())

    def close(self, *, reset: bool = False) -> None:
        """Closes both sides; with `reset` both get a TCP reset instead of an end."""
        if self.closed:
            return
        self.closed = True
        for line in self.lines.values():
            line.cut()
        for end in self._sockets:
            if reset:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()
        self._forget(self)
