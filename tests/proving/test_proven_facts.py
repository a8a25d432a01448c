"""A probe that is told other facts: the lab is proven by the real ones, in that thread and while it lasts."""

from __future__ import annotations

import threading

import pytest
from chaoslib.exceptions import ActivityFailed

from chaos_ext.actions.lab import postgresql, postgresql_lock, proven


def _elsewhere(facts):
    return {**facts, "supervisor": {**facts["supervisor"], "socket": "/nowhere/at/all.sock"}}


def test_other_facts_are_believed_inside_and_nowhere_else(running_lab):
    configuration = {"chaos_facts": _elsewhere(running_lab)}
    with pytest.raises(ActivityFailed):
        proven.facts(configuration)
    refused = []

    def another_thread():
        try:
            proven.facts(configuration)
        except ActivityFailed as error:
            refused.append(error)

    with proven.as_it_really_is(running_lab):
        assert proven.facts(configuration)["supervisor"]["socket"] == "/nowhere/at/all.sock"
        thread = threading.Thread(target=another_thread)
        thread.start()
        thread.join()
    assert len(refused) == 1
    with pytest.raises(ActivityFailed):
        proven.facts(configuration)


def test_a_lab_that_is_not_the_real_one_is_refused_inside_too(running_lab):
    with (
        proven.as_it_really_is({**running_lab, "marker": "another"}),
        pytest.raises(ActivityFailed, match="marker"),
    ):
        proven.facts({"chaos_facts": running_lab})


def test_a_node_of_which_nobody_knows_is_not_called_destroyed(running_lab, tmp_path):
    """Nothing is there where one looks in the wrong place."""
    nodes = {**running_lab["postgresql"]["nodes"]}
    nodes["pg-a"] = {**nodes["pg-a"], "data": str(tmp_path / "gone"), "port": 9, "program": "no-such"}
    elsewhere = {**running_lab, "postgresql": {**running_lab["postgresql"], "nodes": nodes}}
    with proven.as_it_really_is(running_lab), pytest.raises(ActivityFailed):
        postgresql.node_is_destroyed("pg-a", {"chaos_facts": elsewhere})


def test_what_cannot_be_asked_is_not_answered(running_lab, tmp_path):
    elsewhere = {**running_lab, "bin": str(tmp_path / "no")}
    with proven.as_it_really_is(running_lab), pytest.raises(ActivityFailed):
        postgresql_lock.lock_is_held("pg-a", "responses", "reporting", {"chaos_facts": elsewhere})
