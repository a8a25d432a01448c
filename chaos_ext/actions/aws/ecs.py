"""Tasks of an ECS service die: the service's own scheduler has to start others."""

from typing import Any

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.aws import account
from chaos_ext.language import t
from chaos_ext.safety.policy.needs import needs

__all__ = ["stop_tasks", "wait_for_tasks"]

REASON = "chaos: a failure is tried"  # what ECS keeps with a task that we stopped
_FULL_WITHIN_S = 50.0  # an undo is given up after a minute


@needs(
    aws={
        "ecs:ListTasks": "*",
        "ecs:DescribeTasks": "arn:aws:ecs:{region}:{account}:task/{cluster}/*",
        "ecs:StopTask": "arn:aws:ecs:{region}:{account}:task/{cluster}/*",
    }
)
def stop_tasks(cluster: str, service: str, count: int, configuration: Configuration = None) -> dict[str, Any]:
    """Stop running tasks of one service, as if their containers had died.

    - `cluster`, `service`: their names
    - `count`: how many tasks, from 1 to as many as run

    Returns ``{"stopped": [ARN …]}``. Raises ActivityFailed: the service has no running task, or fewer than `count`;
    AWS says no. What was stopped before an error stays stopped. Undone by: the service itself; `wait_for_tasks` waits
    for that.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html

    YAML::

        type: action
        name: stop-tasks
        provider:
          type: python
          module: chaos_ext.actions.aws.ecs
          func: stop_tasks
          arguments: {cluster: dedicated, service: intake, count: 1}
    """
    with account.client("ecs") as ecs:
        running = running_tasks(ecs, cluster, service)
        if not 1 <= count <= len(running):
            raise ActivityFailed(
                t(
                    "{service} in {cluster}: got {running} running tasks, expected at least {count}, and a count of at "
                    "least 1. Nothing was stopped.",
                    service=service,
                    cluster=cluster,
                    running=len(running),
                    count=count,
                )
            )
        for arn in running[:count]:
            ecs.stop_task(cluster=cluster, task=arn, reason=REASON)
    return {"stopped": running[:count]}


@needs(aws={"ecs:DescribeServices": "arn:aws:ecs:{region}:{account}:service/{cluster}/{service}"})
def wait_for_tasks(cluster: str, service: str, configuration: Configuration = None) -> dict[str, Any]:
    """Wait until the service has as many running tasks as it wants, at most 50 s. Starts none: the service does.

    - `cluster`, `service`: their names

    Returns ``{"outcome": "undone", "why"}``. Raises ActivityFailed when it has not by then.

    YAML::

        type: action
        name: wait-for-tasks
        provider:
          type: python
          module: chaos_ext.actions.aws.ecs
          func: wait_for_tasks
          arguments: {cluster: dedicated, service: intake}
    """
    with account.client("ecs") as ecs:
        if not account.wait_until(lambda: _lacks(ecs, cluster, service) <= 0, _FULL_WITHIN_S):
            raise ActivityFailed(
                t(
                    "{service} in {cluster}: got {lacks} tasks too few after {s:g} s, expected as many as it wants. "
                    "See the service's events for why it starts none.",
                    service=service,
                    cluster=cluster,
                    lacks=_lacks(ecs, cluster, service),
                    s=_FULL_WITHIN_S,
                )
            )
    return {"outcome": "undone", "why": t("{service} has all its tasks", service=service)}


def running_tasks(ecs: Any, cluster: str, service: str) -> list[str]:
    """ARNs of the tasks of exactly this service that run, in their order."""
    pages = ecs.get_paginator("list_tasks").paginate(
        cluster=cluster, serviceName=service, desiredStatus="RUNNING"
    )
    listed = [arn for page in pages for arn in page["taskArns"]]
    found: list[str] = []
    for start in range(0, len(listed), 100):  # so many may be described at once
        told = ecs.describe_tasks(cluster=cluster, tasks=listed[start : start + 100])["tasks"]
        found += [
            each["taskArn"]
            for each in told
            if each.get("group") == f"service:{service}" and each.get("lastStatus") == "RUNNING"
        ]
    return sorted(found)


def described(ecs: Any, cluster: str, service: str) -> dict[str, Any]:
    """The one service of that name. Raises ActivityFailed when there is none that is active."""
    found = ecs.describe_services(cluster=cluster, services=[service])["services"]
    active = [each for each in found if each.get("status") == "ACTIVE"]
    if len(active) != 1:
        raise ActivityFailed(
            t(
                "{service} in {cluster}: got {number} active services of that name, expected one",
                service=service,
                cluster=cluster,
                number=len(active),
            )
        )
    one: dict[str, Any] = active[0]
    return one


def _lacks(ecs: Any, cluster: str, service: str) -> int:
    told = described(ecs, cluster, service)
    return int(told["desiredCount"]) - int(told["runningCount"])
