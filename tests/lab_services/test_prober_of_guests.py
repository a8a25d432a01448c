"""part_up: what is asked of a program of others, over real sockets."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator

import pytest
import requests

from chaos_lab.services.alerting.probers import guests
from chaos_lab.services.alerting.probers.prober import NoAnswer
from chaos_lab.services.metrics import parse_selector

STATUS = {"/well": 200, "/ill": 503, "/made": 201}


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(STATUS[self.path])
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_page_that_answers_200_is_up(address: str) -> None:
    found = asyncio.run(guests.Guest("kinto", f"{address}/well").look())
    assert found == {("part_up", (("part", "kinto"),)): 1.0}


@pytest.mark.parametrize("path", ["/ill", "/made"])
def test_any_other_answer_is_none(address: str, path: str) -> None:
    with pytest.raises(NoAnswer, match=f"GET {address}{path} answers {STATUS[path]}"):
        asyncio.run(guests.Guest("kinto", f"{address}{path}").look())


def test_nobody_there_is_said_and_the_part_is_down(free_port) -> None:
    prober = guests.Guest("kinto", f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(NoAnswer, match="onnect"):
        asyncio.run(prober.look())
    assert prober.failed() == {("part_up", (("part", "kinto"),)): 0.0}


def test_an_alert_of_a_guest_fires_and_ends(parts, free_port, wait_for, answers) -> None:
    """Through alerting itself, with the guest a real process that is stopped and started."""
    listen, where = f"127.0.0.1:{free_port()}", free_port()
    rule = {"metric": 'part_up{part="web"}', "below": 1, "for": "200ms"}
    config = {
        "listen": listen,
        "every_s": 0.1,
        "scrape": {},
        "postgresql": {},
        "user": "app",
        "dbname": "survey",
        "guests": {"web": f"http://127.0.0.1:{where}/"},
        "rules": [{"name": "WebDown", "runbook_url": "u", "summary": "s", "rule": rule}],
    }
    parts.start("alerting", config)

    def firing() -> list[str]:
        found = requests.get(f"http://{listen}/api/v2/alerts", timeout=5).json()
        return [one["labels"]["alertname"] for one in found if one["status"]["state"] == "active"]

    wait_for("alerting listens", lambda: answers(f"http://{listen}/healthz"))
    wait_for("it fires", lambda: firing() == ["WebDown"])
    STATUS["/"] = 200
    server = http.server.ThreadingHTTPServer(("127.0.0.1", where), Page)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        wait_for("it ends", lambda: firing() == [])
    finally:
        server.shutdown()
        server.server_close()
    wait_for("it fires again", lambda: firing() == ["WebDown"])


def test_no_guests_no_probers() -> None:
    assert guests.of_config({}) == []
    assert parse_selector('part_up{part="web"}')  # the name that rules use
