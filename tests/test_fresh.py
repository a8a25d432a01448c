"""Labs of a run are gone when the run is over, however its trials ended."""

from __future__ import annotations

import time

import pytest

from chaos_ext import environments, labs
from chaos_ext.errors import Interrupted
from chaos_ext.fresh import FreshLabs
from chaos_ext.safety.janitor import Janitor


@pytest.fixture
def janitor(tmp_path):
    found = Janitor.start(tmp_path / "ledger")
    yield found
    found.close()


def _names():
    return [lab["name"] for lab in labs.listed() if lab["name"] != "shared"]  # other tests' own


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


def test_a_lab_that_starts_is_ended_at_once(tmp_path, janitor):
    """Nobody waits for a start whose lab nobody needs any more."""
    fresh = FreshLabs(environments.load("lab"), tmp_path, janitor, print)
    fresh.start_ahead()
    deadline = time.monotonic() + 30
    while not _names():
        assert time.monotonic() < deadline, "the start did not begin"
    starting = fresh._ahead._process
    fresh.close()
    assert starting.returncode not in (0, None)  # it never came up
    assert _names() == []


def test_somebody_who_gives_up_while_a_lab_starts_hears_no_error_of_the_lab(tmp_path, janitor):
    fresh = FreshLabs(environments.load("lab"), tmp_path, janitor, print)

    def give_up(_):
        if fresh._ahead._process is not None:
            fresh._ahead._process.terminate()
            fresh._ahead._thread.join()
            raise Interrupted("asked to stop")

    with pytest.raises(Interrupted):
        fresh.take(give_up)
    fresh.close()
    assert _names() == []
