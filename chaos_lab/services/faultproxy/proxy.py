"""A proxy: a listening address, the address behind it, and the distance and the toxics between."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import socket

from chaos_lab.services.faultproxy.connection import Connection
from chaos_lab.services.faultproxy.stage import Toxic
from chaos_lab.services.process import address, log

CONNECT_S = 10.0  # to the upstream; a caller that does not want to wait so long hangs up itself


class Proxy:
    """One arrow of the lab's network. Changes are made one after the other, under `lock`.

    `distance_ms` is how long the wire takes in each direction: a property of it, no toxic.
    """

    def __init__(self, name: str, listen: str, upstream: str, distance_ms: int = 0) -> None:
        address(listen), address(upstream)  # raises BadConfig before anything is changed
        self.name, self.listen, self.upstream = name, listen, upstream
        self.distance_ms = distance_ms
        self.enabled = False
        self.toxics: list[Toxic] = []
        self.lock = asyncio.Lock()
        self._listener: socket.socket | None = None
        self._connections: set[Connection] = set()
        self._connecting: set[asyncio.Task[None]] = set()

    def shown(self) -> dict[str, object]:
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            # Toxiproxy does not know it, so only where there is one.
            **({"distance_ms": self.distance_ms} if self.distance_ms else {}),
            "toxics": [toxic.shown() for toxic in self.toxics],
        }

    def toxic(self, name: str) -> Toxic | None:
        return next((toxic for toxic in self.toxics if toxic.name == name), None)

    async def start(self) -> None:
        """Listens. Raises OSError when the address is busy."""
        if self.enabled:
            return
        family, where = await _resolve(self.listen)
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setblocking(False)
            listener.bind(where)
            listener.listen(512)
        except OSError as error:
            listener.close()
            raise OSError(
                error.errno, f"listen tcp {self.listen}: bind: {os.strerror(error.errno or 0).lower()}"
            ) from None
        host, port = listener.getsockname()[:2]
        self.listen = f"[{host}]:{port}" if family == socket.AF_INET6 else f"{host}:{port}"
        self._listener = listener
        self.enabled = True
        asyncio.get_running_loop().add_reader(listener.fileno(), self._accept, listener)

    def stop(self) -> None:
        """Down: refuses new connections and closes those it has."""
        self.enabled = False
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None
        for task in list(self._connecting):
            task.cancel()
        for connection in list(self._connections):
            connection.close()

    async def change(self, listen: str, upstream: str, enabled: bool) -> None:
        """Moves it, which closes its connections, or takes it down or up. Raises OSError, BadConfig."""
        address(listen), address(upstream)
        if (listen, upstream) != (self.listen, self.upstream):
            self.stop()
            self.listen, self.upstream = listen, upstream
        if enabled:
            await self.start()
        else:
            self.stop()

    async def add(self, toxic: Toxic) -> None:
        """The toxic works on open connections too."""
        self.toxics.append(toxic)
        for connection in list(self._connections):
            connection.lines[toxic.stream].add(toxic)

    async def update(self, toxic: Toxic) -> None:
        for connection in list(self._connections):
            await connection.lines[toxic.stream].update(toxic)

    async def remove(self, toxic: Toxic) -> None:
        self.toxics.remove(toxic)
        for connection in list(self._connections):
            await connection.lines[toxic.stream].remove(toxic)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    log("too-many-open-files", level="error", proxy=self.name)
                return
            client.setblocking(False)
            task = asyncio.create_task(self._connect(client))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, client: socket.socket) -> None:
        server: socket.socket | None = None
        try:
            async with asyncio.timeout(CONNECT_S):
                family, where = await _resolve(self.upstream)
                server = socket.socket(family, socket.SOCK_STREAM)
                server.setblocking(False)
                await asyncio.get_running_loop().sock_connect(server, where)
                # The client's handshake was with us: what it says may set out only after the way there and back.
                await asyncio.sleep(2 * self.distance_ms / 1000)
            for end in (client, server):
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException as error:
            # The client was accepted before we knew: all that is left is to close, as Toxiproxy does.
            client.close()
            if server is not None:
                server.close()
            if isinstance(error, OSError):  # TimeoutError too
                log(
                    "upstream-refused", level="debug", proxy=self.name, upstream=self.upstream, why=str(error)
                )
                return
            raise
        connection = Connection(client, server, self._connections.discard)
        self._connections.add(connection)
        connection.start(self.toxics, self.distance_ms)


async def _resolve(text: str) -> tuple[socket.AddressFamily, tuple[str, int]]:
    host, port = address(text)
    host = host.strip("[]")
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return found[0][0], found[0][4][:2]  # type: ignore[return-value]
    return socket.AF_INET6 if version == 6 else socket.AF_INET, (host, port)
