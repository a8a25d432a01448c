"""The lab's alerting and its pager as processes, before a /metrics page that a test writes."""

from __future__ import annotations

from typing import Any

import requests
from lab_services.support.pages import Page
from lab_services.support.parts import IDENTITY, Parts
from waiting import answers, free_port, wait_for

from chaos_lab.configs import ACCOUNTS

LINK = "https://example.org/runbooks/down.md"
RULE = {"metric": "up_now", "below": 1, "for": "400ms", "labels": {"team": "sre", "severity": "page"}}


class Telling:
    """Whoever writes ``up_now 0`` on the page sees the alert `Down` pending, firing, and told to somebody."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self.page = parts, Page()
        self.page.text = "up_now 1"
        self.url, self.pager = "", f"http://127.0.0.1:{free_port()}/pager"

    def start_pager(self) -> None:
        listen = self.pager.removeprefix("http://").removesuffix("/pager")
        self.providers = self._parts.start(
            "providers", {"listen": listen, "identity": {**IDENTITY, "accounts": ACCOUNTS}}
        )
        wait_for("the pager is there", lambda: answers(f"http://{listen}/healthz"))

    def start(self, link: str = LINK, pager: bool = True, **rule: Any) -> None:
        if pager:
            self.start_pager()
        listen = f"127.0.0.1:{free_port()}"
        self.url = f"http://{listen}"
        config = {
            "listen": listen,
            "every_s": 0.1,
            "scrape": {"page": self.page.url},
            "postgresql": {},
            "user": "app",
            "dbname": "survey",
            "rules": [
                {"name": "Down", "runbook_url": link, "summary": "It is down", "rule": {**RULE, **rule}}
            ],
            "routes": [
                {"receiver": "sre-pager", "match": {"team": "sre", "severity": "page"}},
                {"receiver": "shop-pager", "match": {"team": "shop"}},
            ],
            "pager": self.pager,
        }
        self._parts.start("alerting", config)
        wait_for("alerting looks", lambda: answers(f"{self.url}/healthz"))

    def down(self) -> None:
        self.page.text = "up_now 0"

    def up(self) -> None:
        self.page.text = "up_now 1"

    def firing(self) -> list[dict[str, Any]]:
        return requests.get(f"{self.url}/api/v2/alerts", timeout=5).json()

    def holding(self) -> list[dict[str, Any]]:
        said = requests.get(f"{self.url}/api/v1/alerts", timeout=5).json()
        assert said["status"] == "success"
        return said["data"]["alerts"]

    def arrived(self) -> list[tuple[str, str]]:
        return [(each["receiver"], each["status"]) for each in self.notifications()]

    def notifications(self) -> list[dict[str, Any]]:
        return requests.get(f"{self.pager}/notifications", timeout=5).json()["notifications"]
