"""ECS services of an account: whether they lack tasks, and how they are set up."""

from typing import Any

from chaoslib.types import Configuration

from chaos_ext.actions.aws import account
from chaos_ext.actions.aws.ecs import described
from chaos_ext.safety.policy.needs import needs

__all__ = ["service_state", "tasks_are_missing"]

_DESCRIBE = {"ecs:DescribeServices": "arn:aws:ecs:{region}:{account}:service/{cluster}/{service}"}


@needs(aws=_DESCRIBE)
def tasks_are_missing(cluster: str, service: str, configuration: Configuration = None) -> dict[str, Any]:
    """Whether fewer tasks of a service run than it wants, as the service itself counts them. Changes nothing.

    - `cluster`, `service`: their names

    YAML::

        type: probe
        name: tasks-are-missing
        provider:
          type: python
          module: chaos_ext.probes.aws.ecs
          func: tasks_are_missing
          arguments: {cluster: dedicated, service: intake}
    """
    with account.client("ecs") as ecs:
        told = described(ecs, cluster, service)
    running, wanted = int(told["runningCount"]), int(told["desiredCount"])
    return {"holds": running < wanted, "service": service, "running": running, "wanted": wanted}


@needs(aws=_DESCRIBE)
def service_state(cluster: str, service: str, configuration: Configuration = None) -> dict[str, Any]:
    """What a service runs and how many tasks of it, to be compared before and after. Changes nothing.

    - `cluster`, `service`: their names

    YAML::

        type: probe
        name: ecs
        provider:
          type: python
          module: chaos_ext.probes.aws.ecs
          func: service_state
          arguments: {cluster: dedicated, service: intake}
    """
    with account.client("ecs") as ecs:
        told = described(ecs, cluster, service)
    kept = ("taskDefinition", "desiredCount", "runningCount", "launchType", "status")
    return {key: told.get(key) for key in kept}
