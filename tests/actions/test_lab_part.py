"""A part of the lab that is stopped: users feel it, nothing starts it again, and it can be started."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request

import pytest
from chaoslib.exceptions import ActivityFailed

from chaos_ext.actions.lab import part


@pytest.fixture
def dashboard(lab):
    """The status of an answer that users get through the edge."""
    context = ssl.create_default_context(cafile=lab["edge"]["ca_file"])

    def ask() -> int:
        url = f"{lab['edge']['url']}/dashboard/summary?survey=s"
        try:
            with urllib.request.urlopen(url, timeout=5, context=context) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    return ask


@pytest.fixture
def back(configuration):
    yield
    part.start_part("dashboard", configuration)


def test_before_during_and_after(configuration, dashboard, until, back):
    until(lambda: dashboard() == 200, "the dashboard")
    assert not part.part_is_stopped("dashboard", configuration)["holds"]

    assert part.stop_part("dashboard", configuration)["part"] == "dashboard"
    assert part.part_is_stopped("dashboard", configuration)["holds"]
    until(lambda: dashboard() in (502, 503), "users to feel it")

    assert part.start_part("dashboard", configuration)["outcome"] == "undone"
    assert not part.part_is_stopped("dashboard", configuration)["holds"]
    until(lambda: dashboard() == 200, "the dashboard to be back")
    assert part.start_part("dashboard", configuration)["outcome"] == "superseded"


def test_nothing_to_stop_is_a_failure(configuration, back):
    part.stop_part("dashboard", configuration)
    with pytest.raises(ActivityFailed, match="got STOPPED, expected a part that runs"):
        part.stop_part("dashboard", configuration)


def test_an_unknown_part(configuration):
    with pytest.raises(ActivityFailed, match="got 'dashbord', expected a part of the lab"):
        part.stop_part("dashbord", configuration)
