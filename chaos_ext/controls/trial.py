"""The control at the top of every compiled experiment: opens the trial, stops it when asked, ends it.

Only a control can stop a run, and only with InterruptExecution: anything else that a control raises is
logged at debug level and the run goes on. So every body here turns any exception into it. The place is
proven again by the activities themselves; deleting this control makes nothing unsafe.
"""

from typing import Any

from chaoslib.exceptions import InterruptExecution
from chaoslib.types import Activity, Configuration, Experiment, Journal, Secrets

from chaos_ext import trial
from chaos_ext.masking import register
from chaos_ext.safety.identity import drivers

_rolling_back = False


def before_experiment_control(
    context: Experiment,
    configuration: Configuration = None,
    secrets: Secrets = None,
    **kwargs: Any,
) -> None:
    """Open the trial: prove the place, take it, start to measure."""
    global _rolling_back
    _rolling_back = False
    try:
        register.remember_all(drivers.without_names(secrets))
        trial.current(configuration)
    except BaseException as error:
        raise InterruptExecution(register.hide(str(error))) from error


def before_rollback_control(
    context: Experiment,
    configuration: Configuration = None,
    secrets: Secrets = None,
    **kwargs: Any,
) -> None:
    """From here on activities undo: they run even after an abort."""
    global _rolling_back
    _rolling_back = True


def before_activity_control(
    context: Activity,
    configuration: Configuration = None,
    secrets: Secrets = None,
    **kwargs: Any,
) -> None:
    """Refuse every activity but undo once somebody asked to stop."""
    if _rolling_back:
        return
    try:
        trial.current(configuration).refuse_if_aborting()
    except BaseException as error:
        raise InterruptExecution(str(error)) from error


def after_experiment_control(
    context: Experiment,
    state: Journal,
    configuration: Configuration = None,
    secrets: Secrets = None,
    **kwargs: Any,
) -> None:
    """End the trial. The janitor heals whatever is still broken then."""
    trial.finish()


__all__ = [
    "after_experiment_control",
    "before_activity_control",
    "before_experiment_control",
    "before_rollback_control",
]
