"""Who is told of an alert, once it fires and once it is over; and since when a rule's condition is true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests
from lab_services.support.telling import LINK, Telling

from chaos_lab.services.alerting.routing import parse_routes
from chaos_lab.services.process import BadConfig


@pytest.fixture
def telling(parts):
    telling = Telling(parts)
    yield telling
    telling.page.stop()


def test_a_rule_is_pending_then_firing_since_its_condition_is_true(telling, wait_for):
    telling.start()
    assert telling.holding() == []
    telling.down()
    [pending] = wait_for("it is pending", lambda: telling.holding())
    assert (pending["state"], telling.firing()) == ("pending", [])
    assert pending["labels"] == {"alertname": "Down", "team": "sre", "severity": "page"}
    [firing] = wait_for("it fires", lambda: [each for each in telling.holding() if each["state"] == "firing"])
    assert firing["activeAt"] == pending["activeAt"]
    [alert] = telling.firing()
    assert datetime.fromisoformat(alert["startsAt"]) - datetime.fromisoformat(
        firing["activeAt"]
    ) >= timedelta(seconds=0.39)
    telling.up()
    wait_for("it is over", lambda: telling.holding() == [] and telling.firing() == [])


def test_the_receiver_is_told_once_when_it_fires_and_once_when_it_is_over(telling, wait_for):
    telling.start()
    telling.down()
    wait_for("it is told", lambda: telling.notifications())
    [alert] = telling.firing()
    assert alert["receivers"] == [{"name": "sre-pager"}]
    [told] = telling.notifications()
    assert (told["receiver"], told["status"]) == ("sre-pager", "firing")
    assert told["alert"]["labels"]["alertname"] == "Down"
    assert told["alert"]["annotations"]["runbook_url"] == LINK
    assert told["alert"]["startsAt"] == alert["startsAt"]
    telling.up()
    wait_for("its end is told", lambda: len(telling.notifications()) == 2)
    telling.down()
    wait_for("it is told again", lambda: len(telling.notifications()) == 3)
    assert telling.arrived() == [("sre-pager", "firing"), ("sre-pager", "resolved"), ("sre-pager", "firing")]
    first, _, again = telling.notifications()
    assert again["alert"]["startsAt"] > first["alert"]["startsAt"]


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"team": "shop"}, "shop-pager"),
        ({"team": "sre", "severity": "ticket"}, "on-call"),
        ({}, "on-call"),
    ],
)
def test_labels_decide_who_is_told(telling, wait_for, labels, receiver):
    telling.start(labels=labels)
    telling.down()
    wait_for("it is told", lambda: telling.notifications())
    assert telling.arrived() == [(receiver, "firing")]
    names = [each["name"] for each in requests.get(f"{telling.url}/api/v2/receivers", timeout=5).json()]
    assert names == ["sre-pager", "shop-pager", "on-call"]
    found = requests.get(f"{telling.url}/api/v2/alerts", params={"receiver": receiver}, timeout=5).json()
    assert [each["receivers"] for each in found] == [[{"name": receiver}]]
    assert requests.get(f"{telling.url}/api/v2/alerts", params={"receiver": "x"}, timeout=5).json() == []


def test_a_pager_that_is_down_is_told_when_it_is_back(telling, wait_for):
    telling.start(pager=False)
    telling.down()
    wait_for("it fires", telling.firing)
    telling.start_pager()
    wait_for("it is told", lambda: telling.notifications())
    assert telling.arrived() == [("sre-pager", "firing")]


def test_nobody_is_told_of_what_is_silenced(telling, wait_for):
    telling.start()
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "alertname", "value": "Down", "isRegex": False}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "me",
        "comment": "known",
    }
    made = requests.post(f"{telling.url}/api/v2/silences", json=silence, timeout=5).json()["silenceID"]
    telling.down()
    wait_for("it fires", telling.firing)
    other = [{"labels": {"alertname": "Other"}}]
    requests.post(f"{telling.url}/api/v2/alerts", json=other, timeout=5).raise_for_status()
    wait_for("another is told", lambda: telling.notifications())  # so the silenced one had its turn
    assert telling.arrived() == [("on-call", "firing")]
    requests.delete(f"{telling.url}/api/v2/silence/{made}", timeout=5).raise_for_status()
    wait_for("it is told", lambda: ("sre-pager", "firing") in telling.arrived())


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"alerts": [7]}', b'{"alerts": [{"labels": {}}]}'])
def test_a_pager_takes_only_what_alertmanager_posts(telling, body):
    telling.start_pager()
    answer = requests.post(f"{telling.pager}/sre-pager", data=body, timeout=5)
    assert answer.status_code == 400
    assert telling.notifications() == []


@pytest.mark.parametrize("entry", [7, {}, {"receiver": ""}, {"receiver": 7}, {"receiver": "a", "match": 7}])
def test_routes_that_are_none(entry):
    with pytest.raises(BadConfig, match="routes: got"):
        parse_routes([entry])
