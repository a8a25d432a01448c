"""Labs of a run are gone when the run is over, however its trials ended."""

from __future__ import annotations

import pytest

from chaos_ext import environments, labs
from chaos_ext.fresh import FreshLabs
from chaos_ext.safety.janitor import Janitor


@pytest.fixture
def janitor(tmp_path):
    found = Janitor.start(tmp_path / "ledger")
    yield found
    found.close()


def _names():
    return [lab["name"] for lab in labs.listed()]


def test_a_lab_whose_trial_ended_in_an_exception_is_taken_down_too(tmp_path, janitor):
    fresh = FreshLabs(environments.load("lab"), tmp_path, janitor, print)
    facts, _ = fresh.take(lambda _: None)
    assert facts["name"] in _names()
    try:
        fresh.close()
        assert facts["name"] not in _names()
    finally:
        if facts["name"] in _names():
            labs.down(facts["name"])
