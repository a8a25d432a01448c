"""Alerting as a process: its eyes before real PostgreSQL and real pages, its mouth as Alertmanager's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
import requests
from lab_services.support.pages import Page

# gettableAlert of https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
IDS = {"type": "array", "items": {"type": "string"}}
ALERTS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": [
            *("labels", "annotations", "receivers", "fingerprint"),
            *("startsAt", "updatedAt", "endsAt", "status", "generatorURL"),
        ],
        "additionalProperties": False,
        "properties": {
            "labels": TEXTS,
            "annotations": TEXTS,
            "receivers": {
                "type": "array",
                "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
            },
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            **{
                name: {"type": "string", "format": "date-time"}
                for name in ("startsAt", "updatedAt", "endsAt")
            },
            "generatorURL": {"type": "string", "format": "uri"},
            "status": {
                "type": "object",
                "required": ["state", "silencedBy", "inhibitedBy", "mutedBy"],
                "properties": {
                    "state": {"enum": ["unprocessed", "active", "suppressed"]},
                    "silencedBy": IDS,
                    "inhibitedBy": IDS,
                    "mutedBy": IDS,
                },
            },
        },
    },
}


@pytest.fixture
def page():
    page = Page()
    yield page
    page.stop()


class Alerting:
    def __init__(self, url):
        self.url = url

    def call(self, method, path, body=None, status=200, **params):
        response = requests.request(method, self.url + path, json=body, params=params, timeout=20)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    def alerts(self, **params):
        found = self.call("GET", "/api/v2/alerts", **params)
        jsonschema.validate(found, ALERTS)
        return found

    def names(self, **params):
        return sorted(alert["labels"]["alertname"] for alert in self.alerts(**params))

    def post(self, name, **fields):
        labels = {"alertname": name, "team": "sre"} | fields.pop("labels", {})
        self.call("POST", "/api/v2/alerts", [{"labels": labels, **fields}])


RULES = [
    {
        "name": "PrimaryDown",
        "runbook_url": "https://example.org/down",
        "summary": {"en": "No node takes writes", "ja": "書き込みを受け付けるノードがない"},
        "rule": {"metric": "pg_writable_nodes", "below": 1, "for": "1s", "labels": {"severity": "page"}},
    },
    {
        "name": "Errors",
        "runbook_url": "https://example.org/errors",
        "summary": "Errors",
        "rule": {
            "ratio": {"of": 'r{code="500"}', "to": "r", "over": "5s"},
            "above": 0.02,
            "for": "500ms",
            "labels": {"severity": "page"},
        },
    },
]


@pytest.fixture
def start(parts, page, free_port, wait_for, answers):
    def start(**nodes):
        listen = f"127.0.0.1:{free_port()}"
        config = {
            "listen": listen,
            "every_s": 0.1,
            "scrape": {"edge": page.url},
            "postgresql": {name: f"127.0.0.1:{port}" for name, port in nodes.items()},
            "user": "app",
            "dbname": "survey",
            "rules": RULES,
        }
        parts.start("alerting", config)
        wait_for("it has looked", lambda: answers(f"http://{listen}/healthz"))
        return Alerting(f"http://{listen}")

    return start


@pytest.fixture
def alerting(start, page, postgresql):
    page.text = 'r{code="200"} 1'
    return start(a=postgresql.port)


def test_a_primary_that_hangs_is_found_and_found_again(start, page, postgresql, free_port, wait_for):
    page.text = 'r{code="200"} 1'
    alerting = start(a=postgresql.port, b=free_port())
    assert alerting.names() == []
    text = requests.get(f"{alerting.url}/metrics", timeout=20).text
    assert "pg_writable_nodes 1" in text
    assert 'pg_up{node="b"} 0' in text
    with postgresql.frozen():
        [alert] = wait_for("it fires", alerting.alerts)
        assert alert["labels"] == {"alertname": "PrimaryDown", "severity": "page"}
        assert alert["annotations"] == {
            "summary": "No node takes writes",
            "runbook_url": "https://example.org/down",
        }
        assert alert["status"]["state"] == "active"
        first = alert["startsAt"]
        wait_for("it goes on", lambda: alerting.alerts()[0]["updatedAt"] != alert["updatedAt"])
        assert alerting.alerts()[0]["startsAt"] == first
    wait_for("it is over", lambda: alerting.names() == [])


def test_a_node_that_refuses_writes_does_not_count(alerting, postgresql, wait_for):
    postgresql.execute("ALTER ROLE app SET default_transaction_read_only = on")
    wait_for("it fires", lambda: alerting.names() == ["PrimaryDown"])
    assert 'pg_up{node="a"} 1' in requests.get(f"{alerting.url}/metrics", timeout=20).text


def test_errors_on_the_page_fire_and_no_page_is_an_alert_of_its_own(alerting, page, wait_for):
    page.text = 'r{code="200"} 20\nr{code="500"} 3'
    wait_for("it fires", lambda: alerting.names() == ["Errors"])
    page.text = ""
    wait_for("no data", lambda: alerting.names() == ["Errors", "MetricsMissing"])
    [missing] = alerting.alerts(filter='alertname="MetricsMissing"')
    assert missing["labels"]["rule"] == "Errors"
    assert alerting.call("GET", "/rules")[1]["state"] == "no data"
    page.text = 'r{code="200"} 20\nr{code="500"} 3'
    wait_for("all is well again", lambda: alerting.names() == [])


def test_posted_alerts_are_shown_until_they_end(alerting):
    now = datetime.now(UTC)
    alerting.post("Mine", annotations={"runbook_url": "u"}, generatorURL="http://example.org/")
    alerting.post("Over", endsAt=(now - timedelta(seconds=1)).isoformat())
    assert alerting.names() == ["Mine"]
    [mine] = alerting.alerts()
    assert mine["annotations"] == {"runbook_url": "u"}
    alerting.post("Mine", endsAt=now.isoformat())
    assert alerting.names() == []


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (['alertname="A"'], ["A"]),
        (["alertname=A"], ["A"]),
        (['alertname!="A"'], ["B", "C"]),
        (['alertname=~"A|B"'], ["A", "B"]),
        (['alertname=~"."', 'team!~"s.*"'], ["C"]),
        (['zone=""'], ["A", "B"]),
        (['team="sre"', 'alertname="B"'], ["B"]),
        (['alertname=""'], []),
    ],
)
def test_filters(shared, filters, found):
    assert shared.names(filter=filters) == found


@pytest.fixture(scope="module")
def shared(start_parts, tmp_path_factory):
    """An alerting without rules, with three posted alerts."""
    import socket
    import time

    parts = start_parts(tmp_path_factory.mktemp("alerting"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    common = {"every_s": 0.5, "scrape": {}, "postgresql": {}, "user": "app", "dbname": "survey", "rules": []}
    parts.start("alerting", {"listen": listen, **common})
    deadline = time.monotonic() + 20
    while True:
        try:
            if requests.get(f"http://{listen}/healthz", timeout=2).ok:
                break
        except requests.ConnectionError:
            assert time.monotonic() < deadline
        time.sleep(0.02)
    alerting = Alerting(f"http://{listen}")
    alerting.post("A")
    alerting.post("B")
    alerting.post("C", labels={"team": "intake", "zone": "1"})
    return alerting


@pytest.mark.parametrize(
    ("method", "path", "body", "params", "why"),
    [
        ("GET", "/api/v2/alerts", None, {"filter": "A"}, "bad matcher format: A"),
        ("GET", "/api/v2/alerts", None, {"filter": 'a=~"("'}, "bad matcher format: a"),
        ("GET", "/api/v2/alerts", None, {"active": "maybe"}, "active in query must be of type boolean"),
        ("GET", "/api/v2/alerts", None, {"receiver": "("}, "failed to parse receiver param"),
        ("POST", "/api/v2/alerts", {}, {}, "expected a list of alerts"),
        ("POST", "/api/v2/alerts", [{}], {}, "labels in body is required"),
        ("POST", "/api/v2/alerts", [{"labels": {"a": 1}}], {}, "expected texts"),
        ("POST", "/api/v2/alerts", [{"labels": {"a": "1"}, "endsAt": "soon"}], {}, "endsAt: got 'soon'"),
        ("POST", "/api/v2/silences", {}, {}, "matchers in body is required"),
    ],
)
def test_bad_requests_say_why(shared, method, path, body, params, why):
    assert why in shared.call(method, path, body, 400, **params)


def test_silences(shared):
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "alertname", "value": "A|B", "isRegex": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "me",
        "comment": "known",
    }
    made = shared.call("POST", "/api/v2/silences", silence)["silenceID"]
    assert shared.names(silenced="false") == ["C"]
    assert shared.names(active="false") == ["A", "B"]
    [alert] = shared.alerts(filter="alertname=A")
    assert alert["status"] == {"state": "suppressed", "silencedBy": [made], "inhibitedBy": [], "mutedBy": []}
    shown = shared.call("GET", f"/api/v2/silence/{made}")
    assert shown["status"] == {"state": "active"}
    assert shown["matchers"] == [{"name": "alertname", "value": "A|B", "isRegex": True, "isEqual": True}]
    assert [one["id"] for one in shared.call("GET", "/api/v2/silences")] == [made]
    shared.call("DELETE", f"/api/v2/silence/{made}")
    assert shared.call("GET", f"/api/v2/silence/{made}")["status"] == {"state": "expired"}
    assert shared.names(silenced="false") == ["A", "B", "C"]
    shared.call("GET", "/api/v2/silence/none", status=404)
    shared.call("DELETE", "/api/v2/silence/none", status=404)
    past = silence | {"endsAt": (now - timedelta(hours=1)).isoformat()}
    assert "endsAt" in shared.call("POST", "/api/v2/silences", past, 400)


def test_status_and_receivers(shared):
    status = shared.call("GET", "/api/v2/status")
    assert {"cluster", "versionInfo", "config", "uptime"} <= set(status)
    [receiver] = shared.call("GET", "/api/v2/receivers")
    assert shared.names(receiver=receiver["name"]) == ["A", "B", "C"]
    assert shared.names(receiver="somebody-else") == []


def test_the_fingerprint_is_that_of_prometheus():
    from chaos_lab.services.alerting.alerts import fingerprint

    # model.LabelSet{}.Fingerprint() is FNV-1a's offset: github.com/prometheus/common/model/signature.go
    assert fingerprint({}) == "cbf29ce484222325"
    # As Prometheus' own tests have it, signature_test.go.
    labels = {"name": "garland, briggs", "fear": "love is not enough"}
    assert int(fingerprint(labels), 16) == 5799056148416392346


def test_a_wrong_rule_ends_it_with_one_clear_line(parts, free_port):
    rules = [{"name": "R", "rule": {"metric": "a", "belwo": 1}}]
    config = {"every_s": 1, "scrape": {}, "postgresql": {}, "user": "app", "dbname": "survey", "rules": rules}
    part = parts.start("alerting", {"listen": f"127.0.0.1:{free_port()}", **config})
    parts.all.remove(part)
    assert part.process.wait(20) == 2
    [line] = part.events("bad-config")
    assert line["why"] == "rules: R: unknown belwo"
