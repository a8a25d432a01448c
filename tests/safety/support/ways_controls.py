"""A control of a team's own that ends its run, as Chaos Toolkit lets controls do."""

from chaoslib.exceptions import InterruptExecution


def before_activity_control(context, **_):
    if context["name"] == "stop-the-run":
        raise InterruptExecution("asked to stop")
