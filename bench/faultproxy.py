"""The fault proxy without toxics, against a direct connection: throughput and latency, in one run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from statistics import median

from bench.figures import figure

MEGABYTES = 256
PINGS = 2000


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _serve(listener: socket.socket) -> None:
    """Takes one byte that says what follows: `e` echoes, `s` swallows and answers one byte at the end."""
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            kind = peer.recv(1)
            while data := peer.recv(1 << 16):
                if kind == b"e":
                    peer.sendall(data)
            if kind == b"s":
                peer.sendall(b".")


def _throughput(port: int) -> float:
    """Megabytes a second until the last one arrived."""
    block = os.urandom(1 << 16)
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(b"s")
        started = time.perf_counter()
        for _ in range(MEGABYTES * 16):
            s.sendall(block)
        s.shutdown(socket.SHUT_WR)
        s.recv(1)
        return MEGABYTES / (time.perf_counter() - started)


def _round_trip_us(port: int) -> float:
    times = []
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.sendall(b"e")
        for _ in range(PINGS):
            started = time.perf_counter()
            s.sendall(b"x" * 64)
            got = 0
            while got < 64:
                got += len(s.recv(64))
            times.append(time.perf_counter() - started)
    return median(times) * 1e6


def main() -> None:
    """Measure direct, proxied, direct, proxied …; print both and their ratio."""
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.TemporaryDirectory() as folder:
        upstream = listener.getsockname()[1]
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        api, port = _free_port(), _free_port()
        config = Path(folder) / "faultproxy.json"
        config.write_text(json.dumps({
            "listen": f"127.0.0.1:{api}",
            "proxies": [{"name": "bench", "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{upstream}"}],
        }))  # fmt: skip
        proxy = subprocess.Popen(
            [sys.executable, "-m", "chaos_lab.services.faultproxy", "--config", str(config)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{api}/version", timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            direct = [_throughput(upstream) for _ in range(3)]
            proxied = [_throughput(port) for _ in range(3)]
            near, far = _round_trip_us(upstream), _round_trip_us(port)
        finally:
            proxy.terminate()
            proxy.wait(timeout=10)
    figure("throughput, direct", median(direct), "MB/s")
    figure("throughput, through the fault proxy", median(proxied), "MB/s")
    figure("  ratio", median(proxied) / median(direct), "")
    figure("round trip, direct (median)", near, "µs")
    figure("round trip, through the fault proxy", far, "µs")
    figure("  added latency", far - near, "µs")
