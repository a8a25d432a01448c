"""A small HTTP(S) server to be measured: a process of its own, told over stdin how to behave, one JSON object a line.

    python tiny_server.py [--tls DIR]        → {"port": …, "pid": …, "ca_file": …}
    {"do": "close"}    closes the listener and cuts every connection     {"do": "listen"}  opens it again
    {"do": "answer", "status": 500, "every": 5, "delay_s": 0.2, "swallow": true}   every n-th operation is hurt
    {"do": "show", "first": 40, "hide": 3}   what was stored is shown only up to the 40th, or without 3 old ones; {} all
    {"do": "plant", "every": 40, "fates": {"7": {"lose": ["insight"], "answer": 503}}}   of 40 submissions the 7th …
    {"do": "normal"}   {"do": "expire"} (the certificate)   {"do": "store", "items": [...]}  {"do": "count"}

A fate may say: `answer` (a status, or "none"), `lose` (the stores that do not get it), `twice` and `change` (the stores
that get it so), `late_s` (after how many seconds insight has it). {"do": "fates"} tells which submission got which.

Each is answered by {"began": …, "ended": …} on the monotonic clock, which processes of one machine share.
POST /responses stores the JSON body and answers 201; GET /responses answers all; GET /known/ID answers 404 for what
is not shown; GET /summary says how many are shown and which is the newest; GET /insight what the second store has by
now; any other path answers 200.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import ipaddress
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def certificate(directory: Path, days: int = 1) -> Path:
    """A certificate for 127.0.0.1 and its key in one PEM file, signed by DIR/ca.pem. Negative days: it has expired."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    ca_path, ca_key_path, path = directory / "ca.pem", directory / "ca-key.pem", directory / "server.pem"
    now = datetime.datetime.now(datetime.UTC)
    end = now + datetime.timedelta(days=days)
    pem = serialization.Encoding.PEM
    plain = (pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def builder(subject: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named("tiny authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, end) - datetime.timedelta(days=2))
        )

    if ca_path.exists():
        loaded = serialization.load_pem_private_key(ca_key_path.read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        ca_key = loaded
    else:
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca_key_path.write_bytes(ca_key.private_bytes(*plain))
        ca = (
            builder("tiny authority", ca_key)
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
            .sign(ca_key, hashes.SHA256())
        )
        ca_path.write_bytes(ca.public_bytes(pem))
    key = ec.generate_private_key(ec.SECP256R1())
    own = (
        builder("tiny server", key)
        .not_valid_after(end)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(ca_key, hashes.SHA256())
    )
    path.write_bytes(own.public_bytes(pem) + key.private_bytes(*plain))
    return path


class Server:
    """The state that all connections share."""

    def __init__(self, tls: Path | None) -> None:
        self.tls = tls
        self.context: ssl.SSLContext | None = None
        self.port = 0
        self.listener: asyncio.Server | None = None
        self.connections: set[asyncio.Transport] = set()
        self.stored: list[dict[str, Any]] = []
        self.hurt: dict[str, Any] = {}
        self.shows: dict[str, Any] = {}
        self.plan: dict[str, Any] = {"every": 1, "fates": {}}
        self.fates: list[dict[str, Any]] = []  # of every submission, in their order
        self.insight: list[tuple[float, dict[str, Any]]] = []  # since when the second store has it
        self.served = 0
        self.accepted = 0
        if tls is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate(tls))

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        self.listener = await loop.create_server(
            lambda: Connection(self), "127.0.0.1", self.port, ssl=self.context, backlog=512
        )
        self.port = self.listener.sockets[0].getsockname()[1]

    def shown(self) -> list[dict[str, Any]]:
        """What readers see of what was stored."""
        visible = self.stored[: self.shows.get("first", len(self.stored))]
        return visible[self.shows.get("hide", 0) :]

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        what = order["do"]
        if what == "close":
            assert self.listener is not None
            self.listener.close()
            for transport in list(self.connections):
                transport.abort()
        elif what == "listen":
            await self.listen()
        elif what == "answer":
            self.hurt = order
            self.served = 0
        elif what == "show":
            self.shows = order
        elif what == "plant":
            self.plan = order
        elif what == "fates":
            return {"fates": self.fates}
        elif what == "normal":
            self.hurt = {}
        elif what == "store":
            self.stored = order["items"]
        elif what == "expire":
            assert self.context is not None
            assert self.tls is not None
            self.context.load_cert_chain(certificate(self.tls, days=-1))
        return {"stored": len(self.stored), "accepted": self.accepted, "served": self.served}

    def submitted(self, body: dict[str, Any]) -> int | None:
        """Store it as its fate says; returns the status to answer, None for no answer."""
        fate = self.plan["fates"].get(str(len(self.fates) % self.plan["every"]), {})
        now = time.monotonic()
        self.fates.append({**fate, "id": body["id"], "at": now})
        for store in ("intake", "insight"):
            if store in fate.get("lose", ()):
                continue
            kept = {**body, "text": "changed"} if store in fate.get("change", ()) else body
            for _ in range(2 if store in fate.get("twice", ()) else 1):
                if store == "intake":
                    self.stored.append(kept)
                else:
                    self.insight.append((now + fate.get("late_s", 0.0), kept))
        status = fate.get("answer", 201)
        return None if status == "none" else int(status)


class Connection(asyncio.Protocol):
    """HTTP/1.1, as much as a meter needs: requests one after another, bodies by Content-Length."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.connections.add(transport)
        self.server.accepted += 1

    def connection_lost(self, error: Exception | None) -> None:
        self.server.connections.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].decode("latin-1")
            lines = head.split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(self.data) < whole:
                return
            body, self.data = self.data[end + 4 : whole], self.data[whole:]
            method, target, _ = lines[0].split(" ")
            self.serve(method, target, body, headers)

    def serve(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> None:
        server, hurt = self.server, self.server.hurt
        server.served += 1
        hit = bool(hurt) and server.served % hurt.get("every", 1) == 0
        if hit and hurt.get("swallow"):
            return
        close = headers.get("connection", "").lower() == "close"
        result = self.result(method, target, body)
        if result is None:
            return
        status, answer = result
        if hit and "status" in hurt:
            status, answer = hurt["status"], hurt.get("body", "{}").encode()
        if hit and "delay_s" in hurt:
            asyncio.get_running_loop().call_later(hurt["delay_s"], self.answer, status, answer, close)
        else:
            self.answer(status, answer, close)

    def result(self, method: str, target: str, body: bytes) -> tuple[int, bytes] | None:
        if target.startswith("/insight"):
            now = time.monotonic()
            there = [kept for since, kept in self.server.insight if since <= now]
            return 200, json.dumps({"analyses": there}).encode()
        if target.startswith("/responses"):
            if method == "POST":
                if self.server.hurt.get("status") is None or self.server.hurt.get("stores"):
                    status = self.server.submitted(json.loads(body))
                    return None if status is None else (status, b"{}")
                return 201, b"{}"
            return 200, json.dumps({"responses": self.server.stored}).encode()
        shown = self.server.shown()
        if target.startswith("/known/"):
            known = any(item["id"] == target.rpartition("/")[2] for item in shown)
            return (200, b"{}") if known else (404, b"{}")
        if target.startswith("/summary"):
            newest = {"id": shown[-1]["id"]} if shown else None
            return 200, json.dumps({"responses": len(shown), "newest": newest}).encode()
        return 200, b'{"ok": true}'

    def answer(self, status: int, body: bytes, close: bool) -> None:
        if self.transport.is_closing():
            return
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        if status == 302:
            head += "Location: /elsewhere\r\n"
        if close:
            head += "Connection: close\r\n"
        self.transport.write(head.encode() + b"\r\n" + body)
        if close:
            self.transport.close()


class TinyServer:
    """The process, seen by who started it; `tell` gives an order and waits until it is carried out."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self.stdin = self._process.stdin
        facts = self.answer()
        scheme = "https" if "ca_file" in facts else "http"
        self.url = f"{scheme}://127.0.0.1:{facts['port']}"
        self.ca_file: str | None = facts.get("ca_file")

    def tell(self, do: str, **how: Any) -> dict[str, Any]:
        self.stdin.write(json.dumps({"do": do, **how}) + "\n")
        self.stdin.flush()
        return self.answer()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self._process.kill()
        self._process.wait(20)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def answer(self) -> dict[str, Any]:
        """What it says to the oldest order that has no answer yet."""
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", type=Path)
    server = Server(parser.parse_args().tls)
    await server.listen()
    facts = {"port": server.port, "pid": os.getpid()}
    if server.tls is not None:
        facts["ca_file"] = str(server.tls / "ca.pem")  # type: ignore[assignment]
    print(json.dumps(facts), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():  # the end of stdin ends the server, so that it outlives nobody
        began = time.monotonic()
        facts = await server.obey(json.loads(line))
        print(json.dumps({**facts, "began": began, "ended": time.monotonic()}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
