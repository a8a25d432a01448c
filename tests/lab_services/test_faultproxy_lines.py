"""What goes through a proxy without toxics must come out as it went in."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading

import pytest


def receive(end, size):
    """Exactly so many bytes."""
    data = b""
    while len(data) < size:
        part = end.recv(min(size - len(data), 1 << 20))
        assert part, f"ended after {len(data)} of {size} bytes"
        data += part
    return data


def test_both_ways(proxy):
    client, server = proxy.connect()
    client.sendall(b"question")
    assert receive(server, 8) == b"question"
    server.sendall(b"answer")
    assert receive(client, 6) == b"answer"


@pytest.mark.parametrize("toxic", [False, True])
def test_a_long_stream_to_a_slow_reader_is_whole_and_makes_the_sender_wait(proxy, wait_for, toxic):
    if toxic:
        proxy.add("slicer", average_size=60_000, size_variation=10_000)
    client, server = proxy.connect()
    data = os.urandom(1 << 20) * 32
    sent = []
    sender = threading.Thread(target=lambda: sent.append(server.sendall(data)), daemon=True)
    sender.start()
    wait_for("the sender has to wait", lambda: not select.select([], [server], [], 0.2)[1])
    assert not sent
    assert receive(client, len(data)) == data
    sender.join(20)
    assert sent


def test_one_side_may_end_and_still_get_its_answer(proxy):
    client, server = proxy.connect()
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    assert receive(server, 8) == b"question"
    assert server.recv(1) == b""
    server.sendall(b"answer")
    server.close()
    assert receive(client, 6) == b"answer"
    assert client.recv(1) == b""


def test_the_last_data_before_a_close_arrives(proxy):
    client, server = proxy.connect()
    data = os.urandom(3_000_000)

    def answer():
        server.sendall(data)
        server.close()

    threading.Thread(target=answer, daemon=True).start()
    assert receive(client, len(data)) == data
    assert client.recv(1) == b""


def test_a_broken_connection_ends_on_the_other_side(proxy):
    client, server = proxy.connect()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert server.recv(1) == b""


def test_a_server_that_refuses_closes_the_client(proxy, free_port):
    proxy.call("POST", "/proxies", {"name": "dead", "upstream": f"127.0.0.1:{free_port()}"}, 201)
    host, port = proxy.call("GET", "/proxies/dead")["listen"].split(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        assert client.recv(1) == b""


def test_a_server_by_name(proxy):
    upstream = f"localhost:{proxy.upstream.port}"
    proxy.call("POST", "/proxies/it", {"upstream": upstream, "listen": "localhost:0"})
    client, server = proxy.connect()
    client.sendall(b"x")
    assert receive(server, 1) == b"x"


def test_down_closes_and_refuses_and_up_lets_through_again(proxy):
    client, server = proxy.connect()
    where = proxy.where
    shown = proxy.call("POST", "/proxies/it", {"enabled": False})
    assert shown["enabled"] is False
    assert client.recv(1) == b""
    assert server.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where, timeout=20)
    assert proxy.call("PATCH", "/proxies/it", {"enabled": True})["enabled"] is True
    assert proxy.where == where
    client, server = proxy.connect()
    client.sendall(b"x")
    assert receive(server, 1) == b"x"


def test_leaves_no_connection_behind(proxy, wait_for):
    import psutil

    process = psutil.Process(proxy.part.process.pid)
    before = process.num_fds()
    for _ in range(20):
        client, server = proxy.connect()
        client.sendall(b"x")
        receive(server, 1)
        client.close()
        server.close()
    wait_for("all are closed", lambda: process.num_fds() <= before)
