"""In the lab: a failure that hurts a flow which its claim leaves out is stopped by what the meter sees, and undone."""

from __future__ import annotations

import pytest


@pytest.mark.slow
@pytest.mark.alone
def test_a_flow_outside_the_claim_ends_the_run(project):
    mode = "catalog/failure-modes/postgresql/postgresql-lock-held.yaml"
    project.edit(mode, ("flows: {submit: outage}", "flows: {sign-in: outage}"))
    assert project.chaos("catalog", "compile").code == 0
    done = project.chaos("verify", "postgresql-lock-held")

    (abort,) = [event for event in project.events() if event["kind"] == "abort"]
    assert (abort["by"], abort["condition"]) == ("condition", "hurt_outside_claim"), done.out + done.err
    (begun,) = [event for event in project.events() if event["kind"] == "undo-started"]
    assert begun["at"] - abort["seen"] <= 0.2, "undo began later than the bound of 0.2 s"
    assert done.code == 4, done.out + done.err
    assert "submit is hurt, which the failure mode claims not to touch" in done.out
    assert project.reasons() >= {"aborted"}
    assert {entry["state"] for entry in project.ledger()} == {"undone"}
    assert project.labs() == []
    after = [
        e
        for e in project.events()
        if e["kind"] in ("fault-intended", "step-started") and e["at"] > abort["seen"]
    ]
    assert after == [], "something began after the abort"
