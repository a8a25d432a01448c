"""Toxiproxy's API: fields, codes and messages as its clients expect them."""

from __future__ import annotations

import socket

import pytest
import requests


def test_shows_a_proxy(proxy):
    shown = proxy.call("GET", "/proxies/it")
    host, port = proxy.where
    assert shown == {
        "name": "it",
        "listen": f"{host}:{port}",
        "upstream": proxy.upstream.address,
        "enabled": True,
        "toxics": [],
    }
    assert proxy.call("GET", "/proxies") == {"it": shown}


def test_creates_shows_changes_and_removes_a_toxic(proxy):
    made = proxy.call("POST", "/proxies/it/toxics", {"type": "latency", "attributes": {"latency": 5}})
    assert made == {
        "attributes": {"latency": 5, "jitter": 0},
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1.0,
    }
    path = "/proxies/it/toxics/latency_downstream"
    assert proxy.call("GET", path) == made
    assert proxy.call("GET", "/proxies/it/toxics") == [made]
    changed = made | {"attributes": {"latency": 5, "jitter": 3}, "toxicity": 0.5}
    assert proxy.call("POST", path, {"attributes": {"jitter": 3}, "toxicity": 0.5}) == changed
    assert proxy.call("GET", "/proxies/it")["toxics"] == [changed]
    proxy.call("DELETE", path, status=204)
    assert proxy.call("GET", "/proxies/it/toxics") == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "why"),
    [
        ("GET", "/proxies/no", None, 404, "proxy not found"),
        ("DELETE", "/proxies/no", None, 404, "proxy not found"),
        ("POST", "/proxies/no/toxics", {"type": "latency"}, 404, "proxy not found"),
        ("GET", "/proxies/it/toxics/no", None, 404, "toxic not found"),
        ("DELETE", "/proxies/it/toxics/no", None, 404, "toxic not found"),
        ("PATCH", "/proxies/it/toxics/no", {}, 404, "toxic not found"),
        ("POST", "/proxies", {"name": "it", "upstream": "127.0.0.1:1"}, 409, "proxy already exists"),
        ("POST", "/proxies", {"upstream": "127.0.0.1:1"}, 400, "missing required field: name"),
        ("POST", "/proxies", {"name": "x"}, 400, "missing required field: upstream"),
        ("POST", "/proxies", {"name": "x", "upstream": "nowhere"}, 400, "bad request body: got 'nowhere'"),
        (
            "POST",
            "/proxies",
            {"name": "x", "upstream": "127.0.0.1:1", "distance_ms": -1},
            400,
            "bad request body: distance_ms: got -1",
        ),
        ("POST", "/proxies", [], 400, "bad request body: got list"),
        ("POST", "/proxies/it", {"enabled": "no"}, 400, "bad request body: enabled: got 'no'"),
        ("POST", "/proxies/it", {"listen": "nowhere"}, 400, "bad request body: got 'nowhere'"),
        ("POST", "/proxies/it/toxics", {"type": "magic"}, 400, "invalid toxic type"),
        ("POST", "/proxies/it/toxics", {}, 400, "invalid toxic type"),
        (
            "POST",
            "/proxies/it/toxics",
            {"type": "latency", "stream": "side"},
            400,
            "stream was invalid, can be either upstream or downstream",
        ),
        (
            "POST",
            "/proxies/it/toxics",
            {"type": "latency", "attributes": {"latency": "1s"}},
            400,
            "bad request body: attributes.latency: got '1s'",
        ),
        ("POST", "/proxies/it/toxics", {"type": "timeout", "attributes": {"timeout": -1}}, 400, "at least 0"),
        ("POST", "/proxies/it/toxics", {"type": "slicer"}, 400, "average_size: got 0"),
        ("POST", "/proxies/it/toxics", {"type": "timeout", "toxicity": 2}, 400, "toxicity: got 2"),
        ("POST", "/populate", {}, 400, "bad request body: got dict"),
        ("POST", "/populate", [{"name": "x"}], 400, "missing required field: upstream at proxy 1"),
    ],
)
def test_errors(proxy, method, path, body, status, why):
    answer = proxy.call(method, path, body, status)
    assert why in answer["error"]
    assert answer["status"] == status
    assert set(proxy.call("GET", "/proxies")) == {"it"}


def test_a_second_toxic_of_the_same_name_is_refused(proxy):
    proxy.add("latency")
    answer = proxy.call("POST", "/proxies/it/toxics", {"name": "toxic", "type": "timeout"}, 409)
    assert answer["error"] == "toxic already exists"


def test_a_busy_address_is_refused(proxy):
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        answer = proxy.call(
            "POST", "/proxies", {"name": "x", "listen": listen, "upstream": "127.0.0.1:1"}, 500
        )
    assert answer["error"] == f"listen tcp {listen}: bind: address already in use"
    assert set(proxy.call("GET", "/proxies")) == {"it"}


def test_not_json(proxy):
    response = requests.post(f"{proxy.url}/proxies", data="{", timeout=20)
    assert response.status_code == 400
    assert response.json()["error"].startswith("bad request body: ")


def test_populate_makes_replaces_and_keeps(proxy):
    client, server = proxy.connect()
    it = proxy.call("GET", "/proxies/it")
    made = proxy.call(
        "POST",
        "/populate",
        [
            {"name": "it", "listen": it["listen"], "upstream": it["upstream"]},
            {"name": "new", "listen": "127.0.0.1:0", "upstream": it["upstream"], "enabled": False},
        ],
        201,
    )
    assert [one["name"] for one in made["proxies"]] == ["it", "new"]
    assert made["proxies"][1]["enabled"] is False
    client.sendall(b"x")  # what did not change kept its connections
    assert server.recv(1) == b"x"
    proxy.call("POST", "/populate", [{"name": "it", "listen": it["listen"], "upstream": "127.0.0.1:1"}], 201)
    assert client.recv(1) == b""


def test_version_and_health(proxy):
    assert proxy.call("GET", "/version")["version"].startswith("2.")
    assert proxy.call("GET", "/healthz")["status"] == "ok"


def test_refuses_browsers(proxy):
    response = requests.post(f"{proxy.url}/reset", headers={"User-Agent": "Mozilla/5.0"}, timeout=20)
    assert response.status_code == 403


def test_proxies_of_the_configuration_are_there_from_the_start(parts, free_port, wait_for, answers, proxy):
    listen, way = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    proxies = [{"name": "intake-1->pg-a", "listen": way, "upstream": proxy.upstream.address}]
    parts.start("faultproxy", {"listen": listen, "proxies": proxies})
    wait_for("it listens", lambda: answers(f"http://{listen}/healthz"))
    # A name with an arrow, as clients write it into a path.
    assert requests.get(f"http://{listen}/proxies/intake-1-%3Epg-a", timeout=20).json()["listen"] == way


def test_a_busy_port_in_the_configuration_ends_it_with_one_clear_line(parts, free_port, proxy):
    way = "{}:{}".format(*proxy.where)
    proxies = [{"name": "it", "listen": way, "upstream": proxy.upstream.address}]
    part = parts.start("faultproxy", {"listen": f"127.0.0.1:{free_port()}", "proxies": proxies})
    parts.all.remove(part)
    assert part.process.wait(20) == 1
    [line] = part.events("cannot-start")
    assert way in line["why"]
    assert "in use" in line["why"]
