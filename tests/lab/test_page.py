"""The page that shows a lab, over HTTP as a browser gets it."""

from __future__ import annotations

import dataclasses
import http.client
import itertools
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import requests

from chaos_lab.page import html, looking, words
from chaos_lab.page.looking import Arrow, Look
from chaos_lab.page.serving import Server
from chaos_lab.page.style import STYLE
from chaos_lab.places import Lab

EVIL = "<script>alert('\"&')</script>"


@pytest.fixture
def serve(running_lab: dict[str, Any]) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def serve(**options: Any) -> Server:
        server = Server(Lab(Path(running_lab["dir"])), **options)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def page(serve: Callable[..., Server]) -> Server:
    return serve()


def get(server: Server, path: str = "", **headers: str) -> requests.Response:
    return requests.get(server.url + path, headers=headers, timeout=20)


def test_shows_every_part_and_what_disturbs_the_network(running_lab: dict[str, Any], page: Server) -> None:
    proxy = f"{running_lab['faultproxy']['url']}/proxies/intake-1->pg-b"
    toxic = {"name": "slow", "type": "latency", "attributes": {"latency": 300}}
    requests.post(f"{proxy}/toxics", json=toxic, timeout=5).raise_for_status()
    try:
        text = get(page).text
    finally:
        requests.delete(f"{proxy}/toxics/slow", timeout=5).raise_for_status()
    for part in running_lab["parts"]:
        assert f'<th scope="row">{part}' in text
        assert f'href="logs/{part}"' in text
    assert "pg-a (primary)" in text
    assert f'data-label="Port">{running_lab["postgresql"]["nodes"]["pg-a"]["port"]}<' in text
    disturbed = text.partition("<details")[0].partition("Network")[2]
    assert "intake-1 → pg-b" in disturbed
    assert "latency 300 (to the client)" in disturbed
    assert "10 ms each way" in text.partition("<details")[2]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ja", "ja"),
        ("ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        ("en-GB,en;q=0.9,ja;q=0.8", "en"),
        ("fr, ja;q=0.5, en;q=0.4", "ja"),
        ("ja;q=0, en;q=0.1", "en"),
        ("ja;q=x", "en"),
        ("*", "en"),
        ("jam", "en"),
    ],
)
def test_the_browser_chooses_the_language(header: str, language: str) -> None:
    assert words.preferred(header) == language


def test_speaks_japanese(page: Server, serve: Callable[..., Server]) -> None:
    assert '<html lang="ja">' in get(page, **{"Accept-Language": "ja"}).text
    assert "構成要素" in get(page, **{"Accept-Language": "ja"}).text
    assert "構成要素" in get(serve(language="ja"), **{"Accept-Language": "en"}).text


def test_a_log_is_the_end_of_the_file(running_lab: dict[str, Any], page: Server) -> None:
    log = Path(running_lab["logs"]) / "intake-1.log"
    last = log.read_text(encoding="utf-8").splitlines()[-1]
    assert html.esc(last) in get(page, "logs/intake-1").text
    fragment = get(page, "tail/intake-1").text
    assert html.esc(last) in fragment
    assert "<html" not in fragment


@pytest.mark.parametrize(
    "path",
    [
        "logs/",
        "logs/nobody",
        "logs/../lab.json",
        "logs/../conf/passwords/app",
        "logs/..%2fconf%2fpasswords%2fapp",
        "logs/%2e%2e/conf/passwords/app",
        "logs//etc/passwd",
        "logs/intake-1.log",
        "logs/intake-1/../../lab.json",
        "tail/../facts.json",
        "conf/passwords/app",
        "../",
    ],
)
def test_nothing_else_can_be_read(page: Server, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", page.server_port, timeout=20)
    connection.request("GET", page.base + path)  # requests would tidy the path up
    response = connection.getresponse()
    assert (response.status, response.read()) == (404, b"There is no such page.\n")
    connection.close()


def test_only_who_knows_the_path_and_our_name_gets_anything(page: Server) -> None:
    port = page.server_port
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=5).status_code == 404
    assert get(page, Host=f"localhost:{port}").status_code == 200
    assert get(page, Host="rebound.example.org").status_code == 403
    assert requests.post(page.url, timeout=5).status_code == 501
    assert requests.head(page.url, timeout=20).text == ""


class Outside(HTMLParser):
    """What a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if (
                name in ("src", "srcset", "style")
                or name.startswith("on")
                or tag in ("link", "img", "iframe")
            ):
                self.found.append((tag, f"{name}={value}"))


def test_loads_nothing_from_anywhere_and_runs_only_its_own(page: Server) -> None:
    response = get(page)
    outside = Outside()
    outside.feed(response.text)
    assert outside.found == []
    assert "http:" not in STYLE
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    nonces = set(re.findall(r"'nonce-([^']+)'", policy)) | set(re.findall(r'nonce="([^"]+)"', response.text))
    assert len(nonces) == 1
    assert get(page).headers["Content-Security-Policy"] != policy  # a new one each time
    assert response.headers["X-Content-Type-Options"] == "nosniff"


PART = {
    "state": EVIL,
    "healthy": False,
    "why": EVIL,
    "pid": 1,
    "port": 2,
    "since": "2026-01-31T12:00:00Z",
    "restarts": 3,
    "release": EVIL,
}
LOOK = Look(
    {"name": "l", "why": EVIL, "parts": {"p": PART}, "primaries": ["p"], "healthy": False},
    [
        {
            "labels": {"alertname": EVIL},
            "annotations": {"summary": EVIL, "runbook_url": "javascript:alert(1)"},
            "startsAt": "2026-01-31T12:00:01.5Z",
        },
        {
            "labels": {},
            "annotations": {"runbook_url": 'https://example.org/"x'},
            "startsAt": "2026-01-31T12:00:02Z",
        },
    ],
    [
        Arrow(
            f"a->{EVIL}", False, 0, [{"type": EVIL, "stream": "x", "attributes": {EVIL: 1}, "toxicity": 0.5}]
        )
    ],
)
NOW = datetime(2026, 1, 31, 13, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_texts_from_outside_stay_texts(language: words.Language) -> None:
    text = html.lab(language, LOOK, ["p", "supervisord"], NOW) + html.log(language, "p", EVIL)
    text += html.document(language, EVIL, "", f"</script>{EVIL}", "n")
    assert EVIL not in text
    assert "<script>alert" not in text
    assert text.count("</script>") == 1
    assert "javascript:" not in text
    assert 'href="https://example.org/&quot;x"' in text
    assert html.esc(EVIL) in text


def test_what_it_says() -> None:
    text = html.lab("en", LOOK, ["p", "supervisord"], NOW)
    assert "1 h 1 min" in text
    assert '<time datetime="2026-01-31T12:00:01.5Z">12:00:01 UTC</time>' in text
    assert "50%" in text
    assert 'href="logs/supervisord"' in text
    nobody = dataclasses.replace(LOOK, alerts=None, arrows=None)
    assert html.lab("en", nobody, [], NOW).count("so nobody knows") == 2
    quiet = html.lab("en", dataclasses.replace(LOOK, alerts=[], arrows=[]), [], NOW)
    assert "No alert fires." in quiet
    assert "Nothing disturbs the network." in quiet


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3700, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_uptimes(seconds: float, text: str) -> None:
    assert words.uptime("en", seconds) == text
    assert words.uptime("ja", seconds)[0] == text[0]


def test_every_sentence_is_said_with_the_same_values_in_japanese() -> None:
    fields = re.compile(r"\{(\w+)\}")
    for english, japanese in words._JAPANESE.items():
        assert sorted(fields.findall(english)) == sorted(fields.findall(japanese))


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio of two colours."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    bright, dark = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_the_contrast_is_enough_in_light_and_dark() -> None:
    blocks = [
        dict(re.findall(r"--([\w-]+): (#\w{6})", block))
        for block in re.findall(r":root \{(.*?)\}", STYLE, re.S)
    ]
    assert len(blocks) == 2
    for colours in blocks:
        for ink, paper in [
            *itertools.product(("ink", "quiet", "link"), ("paper",)),
            ("good-ink", "good"),
            ("bad-ink", "bad"),
        ]:
            assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_a_lab_that_is_gone(tmp_path: Path) -> None:
    look = looking.look(Lab(tmp_path / "gone"))
    assert look.gone
    assert "chaos lab up" in html.lab("en", look, [], NOW)


def test_the_command_serves_until_ctrl_c(running_lab: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "chaos_lab", "open", running_lab["dir"], "--no-browser", "--lang", "ja"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert "構成要素" in requests.get(url, timeout=20).text
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
