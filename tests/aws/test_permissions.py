"""Least privilege: with exactly what is derived every activity of a mode works, with one permission less none of it.

A new mode on AWS is a new row of `MODES`; what it needs is read from its compiled experiment.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from aws.conftest import ROOT, Cloud
from chaoslib.exceptions import ActivityFailed

from chaos_ext.report.permissions import aws_policy
from chaos_ext.safety.policy import asked
from chaos_ext.safety.policy.permissions import Needed, derive

Prepare = Callable[[Callable[[str], Any]], object]
SHOWS_WITHIN_S = 15.0


def without_a_policy(client: Callable[[str], Any]) -> None:
    """A bucket that has none: what the undo leaves is none again, which takes another permission."""
    client("s3").delete_bucket_policy(Bucket="dedicated-exports")


def as_made(client: Callable[[str], Any]) -> None:
    """As the environment's calls made it."""


# Each mode on AWS, and how it is made ready so that its activities need all that they ever need.
MODES: dict[str, Prepare] = {"object-storage-denied": without_a_policy, "ecs-tasks-killed": as_made}


def request(mode: str) -> Any:
    return asked.find(ROOT, mode, "rehearsal-aws")


def needed(mode: str) -> list[Needed]:
    """What its activities need; the blocks of its runbook are tried by following it."""

    def only_of_the_runbook(each: Needed) -> bool:
        return all(by.startswith("runbook: ") for by in str(each.by).split(", "))

    return [each for each in derive(ROOT, request(mode)) if not only_of_the_runbook(each)]


def story(cloud: Cloud, mode: str) -> None:
    """Before, during and after: every activity of the mode, and every look of the environment."""
    faults = [
        each["provider"]["arguments"]
        for each in request(mode).experiment["method"]
        if each["provider"].get("func") == "inject"
    ]
    for fault in faults:
        # A role that may not look takes its own lack of permission for the fault; the evidence names what was refused.
        seen = cloud.run(fault["in_force"])
        assert not seen["holds"], f"in force before anything was done: {seen}"
        cloud.run(fault["activity"])
        deadline = time.monotonic() + SHOWS_WITHIN_S
        while not _holds(cloud, fault):
            assert time.monotonic() < deadline, "the fault does not show"
        assert cloud.run(fault["undo"])["outcome"] == "undone"
        assert not _holds(cloud, fault), "in force after its undo"
    for look in cloud.environment.snapshot:
        assert isinstance(look, dict)
        assert cloud.run(look)


def _holds(cloud: Cloud, fault: dict[str, Any]) -> bool:
    return bool(cloud.run(fault["in_force"])["holds"])


@pytest.mark.parametrize("mode", MODES)
def test_what_is_derived_is_enough(cloud, mode):
    cloud.as_admin(MODES[mode])
    cloud.allow(_policy(needed(mode)))
    story(cloud, mode)


def _policy(found: list[Needed]) -> dict[str, Any]:
    return dict(json.loads(aws_policy(found)))


def _one_less() -> list[tuple[str, str]]:
    return [(mode, action) for mode in MODES for action in sorted({n.need.action for n in needed(mode)})]


@pytest.mark.parametrize(("mode", "less"), _one_less())
def test_and_with_one_less_it_is_denied_and_says_which(cloud, mode, less):
    cloud.as_admin(MODES[mode])
    cloud.allow(_policy([each for each in needed(mode) if each.need.action != less]))
    with pytest.raises((ActivityFailed, AssertionError)) as denied:
        story(cloud, mode)
    assert less in str(denied.value)
    cloud.allow(_policy(needed(mode)))
    for fault in request(mode).experiment["method"]:  # whatever was half done
        if fault["provider"].get("func") == "inject":
            cloud.run(fault["provider"]["arguments"]["undo"])
