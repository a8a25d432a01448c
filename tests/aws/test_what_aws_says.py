"""Throttled, expired, over quota, half finished: an error of AWS is an error, and says what to do."""

from __future__ import annotations

import json

import pytest
from chaoslib.exceptions import ActivityFailed

from chaos_ext.actions.aws import ecs
from chaos_ext.actions.aws.account import Refused
from chaos_ext.safety.identity import pins

ARNS = [f"arn:aws:ecs:ap-northeast-1:123456789012:task/dedicated/{n}" for n in ("a", "b")]
LISTED = (200, json.dumps({"taskArns": ARNS}))
TASKS = [{"taskArn": arn, "group": "service:intake", "lastStatus": "RUNNING"} for arn in ARNS]
TOLD = (200, json.dumps({"tasks": TASKS}))
STOPPED = (200, '{"task": {}}')


def no(code: str, message: str = "") -> tuple[int, str]:
    return 400, json.dumps({"__type": code, "message": message})


def stop(identity, count: int = 1):
    with pins.in_place(identity, {}):
        return ecs.stop_tasks("dedicated", "intake", count)


def test_a_throttled_call_is_made_again_after_a_pause(identity, recorder):
    recorder.answers = [no("ThrottlingException"), no("ThrottlingException"), LISTED, TOLD, STOPPED]
    assert stop(identity) == {"stopped": ARNS[:1]}
    assert recorder.calls == ["ListTasks"] * 3 + ["DescribeTasks", "StopTask"]


def test_one_that_stays_throttled_is_given_up(identity, recorder):
    recorder.answers = [no("ThrottlingException", "Rate exceeded")]
    with pytest.raises(Refused, match=r"ecs:ListTasks: got ThrottlingException 5 times") as error:
        stop(identity)
    assert error.value.code == "ThrottlingException"
    assert recorder.calls == ["ListTasks"] * 5


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("ExpiredTokenException", "Sign in again"),
        ("AccessDeniedException", "ecs:ListTasks: got AccessDeniedException"),
        ("ServiceQuotaExceededException", "below the account's quota"),
        ("ClusterNotFoundException", "ecs:ListTasks: got ClusterNotFoundException (why)"),
    ],
)
def test_what_a_person_can_do_about_it(identity, recorder, code, told):
    recorder.answers = [no(code, "why")]
    with pytest.raises(ActivityFailed) as error:
        stop(identity)
    assert told in str(error.value)
    assert recorder.calls == ["ListTasks"]


def test_a_half_finished_operation_is_an_error(identity, recorder):
    recorder.answers = [LISTED, TOLD, STOPPED, no("ServerException", "no")]
    with pytest.raises(ActivityFailed, match="ecs:StopTask: got ServerException"):
        stop(identity, count=2)
    assert recorder.calls.count("StopTask") >= 2


@pytest.mark.parametrize("count", [0, 3, -1])
def test_too_many_or_none_are_refused(identity, recorder, count):
    recorder.answers = [LISTED, TOLD]
    with pytest.raises(ActivityFailed, match="got 2 running tasks"):
        stop(identity, count)
    assert "StopTask" not in recorder.calls


def test_tasks_of_another_service_are_not_stopped(identity, recorder):
    others = TOLD[1].replace("service:intake", "service:other")
    recorder.answers = [LISTED, (200, others)]
    with pytest.raises(ActivityFailed, match="got 0 running tasks"):
        stop(identity)
    assert "StopTask" not in recorder.calls
