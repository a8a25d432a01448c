"""Each hop to somebody who knows, as an interval that holds the truth; over the lab's own alerting and pager."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from lab_services.support.pages import Page
from lab_services.support.parts import Parts, end
from lab_services.support.telling import Telling

from chaos_ext import trial
from chaos_ext.alerts.watch import AlertWatch
from chaos_ext.model import Alerts, Interval
from chaos_ext.probes.alert import fires_and_links
from chaos_ext.probes.steady_state import already_firing
from chaos_ext.verdict.alerted import alerted
from chaos_ext.verdict.hops import way

LINK = "https://example.org/runbooks/down.md"


@pytest.fixture
def telling(tmp_path):
    parts = Parts(tmp_path, "127.0.0.1:1")
    telling = Telling(parts)
    yield telling
    telling.page.stop()
    end(parts)


@pytest.fixture
def running(monkeypatch, tmp_path):
    """The trial of this process, as far as the probe asks. The fault is what a test does to the page."""
    found = SimpleNamespace(
        first_fault_at=None,
        fault_at=None,
        root=tmp_path,
        mode=SimpleNamespace(detection=SimpleNamespace(alert="Down")),
        services=SimpleNamespace(flows={}),
        meter=SimpleNamespace(snapshot=lambda since: []),
        events={},
        wait_until=_wait_until,
    )
    found.last = found.events.get
    found.emit = lambda kind, **fields: found.events.update({kind: {"kind": kind, **fields}})
    monkeypatch.setattr(trial, "_current", found)
    page = tmp_path / "catalog" / "runbooks" / "down.md"
    page.parent.mkdir(parents=True)
    page.write_text("# It is down\n", encoding="utf-8")
    return found


def _wait_until(holds, deadline):
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


class Watched:
    """A watch of the alert, and a fault to come."""

    def __init__(self, telling, running, *, rules=True, received=True, **fields):
        self.telling, self.running = telling, running
        alerts = Alerts.model_validate(
            {
                "source": "alertmanager",
                "url": telling.url,
                "poll": "50ms",
                "runbook_base_url": "https://example.org/",
                "rules": [],
                "rules_url": telling.url if rules else None,
                "received_url": telling.pager if received else None,
                **fields,
            }
        )
        windows = SimpleNamespace(baseline=1.0, stable=1.0)
        running.place = SimpleNamespace(environment=SimpleNamespace(alerts=alerts, windows=windows))
        self.silent_at = time.monotonic()
        assert already_firing(running) == ""
        self.watch = running.alert_watch = AlertWatch(alerts, "Down", self.silent_at)
        self.broken = 0.0

    def __enter__(self):
        self.watch.__enter__()
        return self

    def __exit__(self, *_):
        self.watch.__exit__()

    def fault(self):
        self.running.first_fault_at = time.monotonic()
        self.telling.down()
        self.running.fault_at = self.broken = time.monotonic()

    def look(self, within_s=5.0, receiver="sre-pager"):
        self.seen = fires_and_links("Down", "runbooks/down.md", within_s, receiver)
        self.event = self.running.events["alert"]
        return self.seen

    def hops(self, wanted="sre-pager"):
        fault = Interval(self.running.first_fault_at, self.running.fault_at)
        return {hop.name: hop for hop in way(alerted(self.event), fault, None, wanted)}


def test_each_hop_has_its_interval_and_they_come_in_their_order(telling, running):
    telling.start()
    with Watched(telling, running) as watched:
        watched.fault()
        seen = watched.look()
    assert seen["holds"], seen
    assert seen["told"] == ["sre-pager"]
    hops = watched.hops()
    pending, firing, received = (hops[name].after for name in ("pending", "firing", "received"))
    # The rule holds for 0.4 s before it fires, evaluated every 0.1 s; each is known to a poll and a bit.
    assert pending.latest < firing.latest
    assert hops["firing"].took.earliest <= 0.4 <= hops["firing"].took.latest + 0.2
    assert firing.earliest <= received.latest
    assert hops["received"].note == "sre-pager"
    for name in ("pending", "firing", "received"):
        assert hops[name].after.latest - hops[name].after.earliest < 1.0
    clock = watched.event["watch"]["firing"]["clock"]
    assert clock["uncertain_s"] <= 1.1
    assert not clock["stepped"]


def test_an_alert_that_fired_before_the_fault_does_not_count(telling, running, until):
    telling.start()
    with Watched(telling, running) as watched:
        telling.down()
        until(lambda: telling.notifications(), "it is told")
        watched.fault()
        seen = watched.look(within_s=0.5)
    assert (seen["fired"], seen["holds"], seen["earliest"]) == (False, False, None)
    assert watched.event["watch"]["firing"]["episodes"], "but it was seen, and is kept"


def test_one_that_is_over_and_fires_again_counts_from_then(telling, running, until):
    telling.start()
    with Watched(telling, running) as watched:
        telling.down()
        until(lambda: telling.notifications(), "it is told")
        telling.up()
        until(lambda: telling.firing() == [], "it is over")
        until(lambda: len(telling.notifications()) == 2, "its end is told")
        watched.fault()
        seen = watched.look()
    assert seen["holds"], seen
    first, again = watched.event["watch"]["firing"]["episodes"]
    assert first["latest"] < watched.broken < again["latest"]
    assert first["over"] is not None
    assert again["over"] is None
    assert seen["earliest"] == again["earliest"]
    assert watched.hops()["received"].after.latest > 0.3, "not the notification of the first one"


def test_a_condition_that_was_true_before_the_fault_is_not_of_it(telling, running, until):
    telling.start(**{"for": "2s"})
    with Watched(telling, running) as watched:
        telling.down()
        until(telling.holding, "it is pending")
        until(lambda: watched.watch.told()["pending"]["episodes"], "and seen so")
        watched.fault()
        seen = watched.look(within_s=3.0)
    assert not seen["fired"]


def test_a_late_rule_is_seen_late(telling, running):
    telling.start(**{"for": "1500ms"})
    with Watched(telling, running) as watched:
        watched.fault()
        seen = watched.look(within_s=1.2)
    assert seen["fired"]
    assert seen["latest"] - watched.running.first_fault_at > 1.2
    hops = watched.hops()
    assert hops["pending"].after.latest < hops["firing"].after.earliest


def test_an_alert_that_is_sent_to_others(telling, running):
    telling.start(labels={"team": "shop"})
    with Watched(telling, running) as watched:
        watched.fault()
        seen = watched.look(within_s=1.5)
    assert (seen["fired"], seen["links"], seen["holds"]) == (True, True, False)
    assert seen["told"] == ["shop-pager"]
    assert watched.hops()["received"].note == "reached only shop-pager"


def test_an_alert_that_reaches_nobody(telling, running):
    telling.start(pager=False)
    with Watched(telling, running) as watched:
        watched.fault()
        seen = watched.look(within_s=1.0)
    assert (seen["fired"], seen["told"], seen["holds"]) == (True, [], False)
    assert seen["receivers"] == ["sre-pager"], "where it is to go is not where it arrived"


def test_where_one_cannot_see_what_arrives_the_route_must_do(telling, running):
    telling.start()
    with Watched(telling, running, rules=False, received=False) as watched:
        watched.fault()
        assert watched.look()["holds"]
        assert not watched.look(receiver="shop-pager")["holds"]
    hops = watched.hops()
    assert hops["pending"].after is None
    assert "rules_url" in hops["pending"].note


def test_a_link_to_an_older_revision_is_not_this_runbook(telling, running):
    telling.start(link=f"{LINK}?revision={'0' * 12}")
    with Watched(telling, running, link_revision=True) as watched:
        watched.fault()
        seen = watched.look()
    assert (seen["fired"], seen["links"], seen["holds"]) == (True, False, False)
    assert seen["expected_url"].startswith(f"{LINK}?revision=")
    assert seen["digest"].startswith(seen["expected_url"].rpartition("=")[2])


def test_another_link_is_not_the_runbook(telling, running):
    telling.start(link=LINK + "x")
    with Watched(telling, running) as watched:
        watched.fault()
        seen = watched.look()
    assert (seen["fired"], seen["links"], seen["holds"]) == (True, False, False)


def test_an_alert_that_does_not_fire(telling, running):
    telling.start()
    with Watched(telling, running) as watched:
        running.first_fault_at = running.fault_at = time.monotonic()
        seen = watched.look(within_s=0.1)
    assert (seen["holds"], seen["fired"], seen["earliest"], seen["latest"]) == (False, False, None, None)


def test_an_alerting_that_cannot_be_asked_does_not_narrow_it(until):
    """It answers with errors while the alert begins: all that is known is that it was not there before."""
    page = Page()
    try:
        page.text = "[]"
        url = page.url.removesuffix("/metrics")
        alerts = Alerts.model_validate(
            {"source": "alertmanager", "url": url, "poll": "20ms", "runbook_base_url": "u", "rules": []}
        )
        with AlertWatch(alerts, "Down", time.monotonic()) as watch:
            until(lambda: watch.told()["firing"]["looks"], "it is silent")
            page.text = ""
            until(lambda: watch.told()["firing"]["trouble"], "it cannot be asked")
            deaf_at = time.monotonic()
            looks = watch.told()["firing"]["looks"]
            page.text = '[{"labels": {"alertname": "Down"}, "startsAt": ""}]'
            (episode,) = until(lambda: watch.told()["firing"]["episodes"], "it fires")
            assert watch.told()["firing"]["looks"] == looks + 1
        assert episode["earliest"] < deaf_at < episode["latest"]
    finally:
        page.stop()


def test_a_baseline_needs_a_silent_alert(telling, running, until):
    telling.start()
    with Watched(telling, running):
        telling.down()
        until(telling.firing, "it fires")
        assert "fires before anything is broken" in already_firing(running)
        running.place.environment.alerts = running.place.environment.alerts.model_copy(
            update={"url": "http://127.0.0.1:1"}
        )
        assert "cannot be read" in already_firing(running)
