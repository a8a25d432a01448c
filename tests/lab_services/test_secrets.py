"""A service that needs a password waits for the secret store, and for nothing longer than it must."""

from __future__ import annotations

import requests

NOWHERE = "127.0.0.1:1"


def test_a_service_waits_for_its_secret_and_does_not_listen_before(postgresql, parts, wait_for, answers):
    names = parts.names(pg_a=postgresql.port, secrets=NOWHERE)
    parts.release("intake")
    source = parts.folder / "releases" / "intake" / "current" / "intake.py"
    part, url = parts.serve("intake-1", source, names, healthy=False)
    wait_for("it says what it waits for", lambda: part.events("waits-for-secret"))
    assert not answers(f"{url}/healthz")
    parts.names(pg_a=postgresql.port)
    wait_for("it is ready", lambda: answers(f"{url}/readyz"))
    parts.names(pg_a=postgresql.port, secrets=NOWHERE)  # read once
    body = {"id": "r-1", "survey": "s-1", "text": "t"}
    assert requests.post(f"{url}/responses", json=body, timeout=5).status_code == 201


def test_a_service_that_waits_for_its_secret_can_be_stopped(parts, wait_for):
    names = parts.names(pg_a=1, secrets=NOWHERE)
    part, _ = parts.serve("insight", parts.release("insight"), names, healthy=False)
    wait_for("it waits", lambda: part.events("waits-for-secret"))
    assert part.stop() == 0
