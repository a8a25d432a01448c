"""Looks at a small real place: a server on loopback, a command, a function, and a trial around them."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from chaos_ext.errors import Blocked
from chaos_ext.masking import register
from chaos_ext.model import Left
from chaos_ext.restored import of_trial
from chaos_ext.restored.snapshot import take


class Place:
    """A service that says what it is, over HTTP."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"primary": "a", "roles": {"batch": {"login": True}}}
        place = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(place.state).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Request", str(time.monotonic()))  # another each time
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/state"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def look(self) -> dict[str, Any]:
        return {"type": "probe", "name": "store", "provider": {"type": "http", "url": self.url, "timeout": 2}}


@pytest.fixture
def place() -> Iterator[Place]:
    opened = Place()
    yield opened
    opened.close()


def python(name: str, module: str, func: str, **arguments: Any) -> dict[str, Any]:
    provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
    return {"type": "probe", "name": name, "provider": provider}


def test_what_is_another_each_time_is_not_looked_at(place: Place) -> None:
    words = {
        "type": "process",
        "path": sys.executable,
        "arguments": ["-c", "import sys; print(1); sys.stderr.write('x')"],
    }
    looks = [place.look, {"type": "probe", "name": "words", "provider": words}]

    first, second = take(looks, {}), take(looks, {})

    assert first.failed == {}
    assert first.seen == second.seen
    assert first.seen["store"] == {"status": 200, "body": place.state}
    assert first.seen["words"] == {"status": 0, "stdout": "1\n"}


def test_a_look_that_hangs_or_fails_is_told_and_the_others_are_seen(place: Place) -> None:
    looks = [
        place.look,
        {
            "type": "probe",
            "name": "hangs",
            "provider": {"type": "process", "path": "sleep", "arguments": ["5"]},
        },
        python("fails", "json", "loads", s="{"),
        python("says-nothing", "os", "putenv", key="CHAOS_TEST_OF_LOOKS", value="1"),
    ]
    taken = take(looks, {}, limit_s=1.0)

    assert set(taken.seen) == {"store"}
    assert set(taken.failed) == {"hangs", "fails", "says-nothing"}
    assert taken.seconds < 4


def test_a_secret_is_in_no_look(place: Place) -> None:
    register.remember(["hunter2-and-more"])
    try:
        place.state = {"url": "postgresql://app:hunter2-and-more@db/x"}
        assert "hunter2" not in json.dumps(take([place.look], {}).seen)
    finally:
        register.forget()


class Trial:
    """As much of a trial as looks need."""

    def __init__(self, place: Place, *leaves: Left) -> None:
        self.events: list[dict[str, Any]] = []
        self.mode: Any = SimpleNamespace(id="store-down", leaves=leaves)
        environment = SimpleNamespace(name="small", snapshot=(place.look,), disposable=False, identity={})
        self.place: Any = SimpleNamespace(environment=environment, facts={})
        self.proven = 0

    def prove(self) -> None:
        self.proven += 1

    def emit(self, kind: str, **fields: Any) -> dict[str, Any]:
        self.events.append(json.loads(json.dumps({"kind": kind, "at": time.monotonic(), **fields})))
        return self.events[-1]

    def last(self, kind: str) -> dict[str, Any] | None:
        return next((event for event in reversed(self.events) if event["kind"] == kind), None)

    @property
    def told(self) -> dict[str, Any]:
        found = self.last("restored")
        assert found is not None
        return found


LIMIT = Left(path="store/body/roles/batch/login", why="It may not log in.")


def test_a_place_that_is_as_it_was(place: Place) -> None:
    trial = Trial(place)
    of_trial.before(trial)
    of_trial.before(trial)  # a second fault: the place was looked at already
    of_trial.after(trial)

    assert [event["kind"] for event in trial.events] == ["snapshot", "snapshot", "restored"]
    assert trial.told["holds"]
    assert trial.proven == 2


def test_what_an_undo_leaves_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_trial, "SETTLES_WITHIN_S", 0.2)
    monkeypatch.setattr(of_trial, "SEEN_WITHIN_S", 0.2)
    trial = Trial(place, LIMIT)
    of_trial.before(trial)
    place.state = {"primary": "b", "roles": {"batch": {"login": False}}}
    trial.emit("runbook-started")
    of_trial.after(trial)

    assert not trial.told["holds"]
    assert trial.told["differences"] == [{"path": "store/body/primary", "before": "a", "after": "b"}]
    assert [each["leaves"] for each in trial.told["left"]] == [LIMIT.path]


def test_what_a_runbook_leaves_is_not_left_when_none_was_followed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_trial, "SETTLES_WITHIN_S", 0.2)
    monkeypatch.setattr(of_trial, "SEEN_WITHIN_S", 0.2)
    trial = Trial(place, LIMIT)
    of_trial.before(trial)
    place.state = {"primary": "a", "roles": {"batch": {"login": False}}}
    of_trial.after(trial)

    assert [each["path"] for each in trial.told["differences"]] == [LIMIT.path]


def test_what_settles_within_a_moment_is_restored(place: Place) -> None:
    trial = Trial(place)
    of_trial.before(trial)
    well, place.state = place.state, {"primary": None}
    threading.Timer(0.4, lambda: setattr(place, "state", well)).start()
    of_trial.after(trial)

    assert trial.told["holds"]


def test_a_place_that_cannot_be_seen_before_is_not_broken(place: Place) -> None:
    trial = Trial(place)
    place.close()
    with pytest.raises(Blocked, match="nobody could say whether it is restored: store"):
        of_trial.before(trial)
    of_trial.after(trial)
    assert trial.last("restored") is None


def test_a_place_that_cannot_be_seen_afterwards_is_not_restored(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_trial, "SETTLES_WITHIN_S", 0.2)
    monkeypatch.setattr(of_trial, "SEEN_WITHIN_S", 0.2)
    trial = Trial(place)
    of_trial.before(trial)
    place.close()
    of_trial.after(trial)

    assert not trial.told["holds"]
    assert set(trial.told["not_seen"]) == {"store"}


def test_a_place_that_is_another_one_afterwards_is_not_looked_at(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_trial, "SETTLES_WITHIN_S", 0.2)
    monkeypatch.setattr(of_trial, "SEEN_WITHIN_S", 0.2)
    trial = Trial(place)
    of_trial.before(trial)

    def refuse() -> None:
        raise Blocked("this is another one")

    monkeypatch.setattr(trial, "prove", refuse)
    of_trial.after(trial)
    assert not trial.told["holds"]
    assert trial.told["not_seen"] == {"small": "this is another one"}
