"""When an alert fired, as an interval that holds the truth; over a real HTTP alerting."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from chaos_ext import trial
from chaos_ext.alerts.watch import AlertWatch
from chaos_ext.probes.alert import fires_and_links
from chaos_ext.probes.steady_state import already_firing

LINK = "https://example.com/runbooks/r.md"


@pytest.fixture
def alerting():
    """An Alertmanager that answers what `alerts` holds; None: an error."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            alerts = self.server.alerts
            self.send_response(200 if alerts is not None else 500)
            self.end_headers()
            self.wfile.write(json.dumps(alerts or []).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.alerts = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def fire(server):
    server.alerts = [
        {
            "labels": {"alertname": "Down"},
            "annotations": {"runbook_url": LINK},
            "startsAt": "2025-01-01T00:00:00Z",
            "receivers": [],
        }
    ]


SILENT_S = 2.0  # before the watch began, the alert was seen not to fire


@pytest.fixture
def running(alerting, monkeypatch):
    """The trial of this process, as far as the probe asks: the baseline was a second before the fault."""
    now = time.monotonic()
    alerts = SimpleNamespace(url=alerting.url, runbook_base_url="https://example.com/", poll=0.05)
    found = SimpleNamespace(
        fault_at=now - 1.0,
        mode=SimpleNamespace(detection=SimpleNamespace(alert="Down")),
        place=SimpleNamespace(environment=SimpleNamespace(alerts=alerts)),
        events={},
        silent_at=now - SILENT_S,
        wait_until=_wait_until,
    )
    found.last = found.events.get
    found.emit = lambda kind, **fields: found.events.update({kind: fields})
    monkeypatch.setattr(trial, "_current", found)
    return found


def _wait_until(holds, deadline):
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)


def look(running, within_s=5.0):
    alerts = running.place.environment.alerts
    with AlertWatch(alerts.url, "Down", alerts.poll, running.silent_at) as running.alert_watch:
        return _look(within_s)


def _look(within_s):
    return fires_and_links("Down", "runbooks/r.md", within_s)


def test_an_alert_that_fires_at_the_first_look_may_have_fired_since_the_baseline(alerting, running):
    fire(alerting)
    seen = look(running)
    assert seen["holds"]
    assert seen["earliest"] == running.silent_at
    assert running.fault_at < seen["latest"] <= time.monotonic()


def test_an_alert_that_begins_to_fire_later_fired_after_the_last_look_that_did_not_see_it(alerting, running):
    began = time.monotonic()
    timer = threading.Timer(0.4, fire, [alerting])
    timer.start()
    seen = look(running)
    timer.join()
    assert seen["holds"]
    assert began + 0.2 < seen["earliest"] <= began + 0.45
    assert seen["earliest"] < seen["latest"]


def test_an_alerting_that_cannot_be_asked_does_not_narrow_it(alerting, running):
    alerting.alerts = None
    timer = threading.Timer(0.3, fire, [alerting])
    timer.start()
    seen = look(running)
    timer.join()
    assert seen["earliest"] == running.silent_at


def test_an_alert_that_does_not_fire(alerting, running):
    seen = look(running, within_s=0.1)
    assert (seen["holds"], seen["fired"], seen["earliest"], seen["latest"]) == (False, False, None, None)


def test_another_link_is_not_the_runbook(alerting, running):
    fire(alerting)
    alerting.alerts[0]["annotations"]["runbook_url"] += "x"
    seen = look(running)
    assert (seen["fired"], seen["links"], seen["holds"]) == (True, False, False)


def test_a_baseline_needs_a_silent_alert(alerting, running):
    assert already_firing(running) == ""
    fire(alerting)
    assert "fires before anything is broken" in already_firing(running)
    alerting.alerts = None
    assert "cannot be read" in already_firing(running)
