"""What was let in has a way back, however its run ends; and where nothing was let in nothing is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import ways_for_tests as ways
from chaoslib.experiment import run_experiment
from ways_for_tests import Field, http, process, python

STRATEGIES: list[dict[str, Any] | None] = [
    None,
    {},
    {"runtime": {}},
    {"runtime": {"rollbacks": {"strategy": "default"}}},
]


def _refused() -> dict[str, Any]:
    """Something that is refused although the place is proven."""
    return python("action", "drain_nodes", "chaosk8s.node.actions", pod_namespace="production")


@pytest.mark.parametrize("settings", STRATEGIES, ids=str)
def test_what_was_let_in_is_rolled_back_when_something_is_refused_after_it(field: Field, settings):
    """Chaos Toolkit's own default leaves everything as it is then."""
    field.experiment["method"].append(_refused())
    journal = run_experiment(field.experiment, settings=settings)
    assert journal["status"] == "interrupted"
    assert field.dedicated.changed[-1] == ("POST", "/back")


def test_who_asks_for_another_strategy_gets_it(field):
    field.experiment["method"].append(_refused())
    run_experiment(field.experiment, settings={"runtime": {"rollbacks": {"strategy": "never"}}})
    assert ("POST", "/by-http") in field.dedicated.changed
    assert ("POST", "/back") not in field.dedicated.changed


def test_where_nothing_was_let_in_nothing_is_rolled_back(field):
    field.first(_refused())
    journal = run_experiment(field.experiment, settings={})
    assert field.changes == []
    assert [run.get("status") for run in journal["rollbacks"]] == [None]
    assert "nothing to roll back" in field.noted[-1]["why"]


def test_what_was_let_in_by_a_door_counts_too(field, driver, tmp_path: Path):
    """What our own door runs in the middle of an experiment may have changed something."""
    inside = python("probe", "through_the_door", "chaosk8s.probes", path=str(tmp_path / "made"))
    field.experiment["method"] = [inside, _refused()]
    run_experiment(field.experiment, settings={})
    assert (tmp_path / "made").exists()
    assert field.dedicated.changed == [("POST", "/back")]


def test_a_way_back_waits_for_no_ledger(field, thing):
    """The activity itself leaves something unhealed: its experiment's rollbacks run all the same."""
    field.experiment["method"] = [
        http("action", f"{field.dedicated.url}/by-http"),
        python(
            "action", "leave_unhealed", directory=str(field.root / ".chaos" / "ledger"), fault=thing.fault()
        ),
        process("action", field.left),
    ]
    run_experiment(field.experiment, settings={})
    assert not field.left.exists(), "nothing new"
    assert field.dedicated.changed == [("POST", "/by-http"), ("POST", "/back")]


def test_an_experiment_of_nobody_is_left_as_chaos_toolkit_has_it(field, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.delenv("CHAOS_PROJECT")
    ways.unnamed(field)
    field.experiment["method"].append(python("action", "stop_the_run"))
    control = {"name": "stops", "provider": {"type": "python", "module": "ways_controls"}}
    field.experiment["controls"] = [control]
    journal = run_experiment(field.experiment, settings={})
    assert journal["status"] == "interrupted"
    assert ("POST", "/by-http") in field.dedicated.changed
    assert ("POST", "/back") not in field.dedicated.changed
