"""ECS' scheduler, which moto has not: a service has as many tasks as it wants, a moment later."""

from __future__ import annotations

import threading
import time
from typing import Any

EVERY_S = 0.2
STARTS_AFTER_S = 2.0  # so long a service lacks a task, as if its image were pulled


def keep_services(account: str, region: str, ends: threading.Event) -> None:
    """Start the tasks that services lack, and count those that run, until `ends`. Runs in a thread of its own."""
    from moto.ecs.models import ecs_backends
    from moto.moto_api import state_manager

    # To be looked at is no reason for a task to stop.
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 10**9})
    backend: Any = ecs_backends[account][region]
    lacks_since: dict[str, float] = {}
    while not ends.wait(EVERY_S):
        for name, service in [*backend.services.items()]:
            group = f"service:{service.name}"
            tasks = [*backend.tasks.get(service.cluster_name, {}).values()]
            running = [each for each in tasks if each.group == group and each.last_status == "RUNNING"]
            lacks = service.desired_count - len(running)
            since = lacks_since.setdefault(name, time.monotonic()) if lacks > 0 else 0.0
            if lacks <= 0:
                lacks_since.pop(name, None)
            elif time.monotonic() - since >= (STARTS_AFTER_S if tasks else 0.0):
                _start(backend, service, group, lacks)
                lacks_since.pop(name)
                lacks = 0
            service.running_count = service.desired_count - max(0, lacks)
            service.pending_count = max(0, lacks)
            for deployment in service.deployments:
                deployment["runningCount"] = service.running_count
                deployment["pendingCount"] = service.pending_count
                deployment["rolloutState"] = "COMPLETED" if lacks <= 0 else "IN_PROGRESS"


def _start(backend: Any, service: Any, group: str, count: int) -> None:
    deployment = service.deployments[0] if service.deployments else {}
    backend.run_task(
        service.cluster_name,
        service.task_definition,
        count,
        None,
        str(deployment.get("id", "")),
        None,
        service.launch_type or "FARGATE",
        networking_configuration=deployment.get("networkConfiguration"),
        group=group,
    )
