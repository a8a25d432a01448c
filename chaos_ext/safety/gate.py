"""The gate: no activity of Chaos Toolkit changes anything in a place that is not proven, whoever wrote it.

Compiled experiments go through the guarded door (`actions/fault.py`). This is for everything else that `chaos run`
can be given: a team's own experiment, an activity of any driver, a command, an HTTP call, an edited file. Installed
by our plugin of the command line and by whatever opens a trial, it stands right before Chaos Toolkit's providers,
the one place that methods, rollbacks, hypotheses, tolerances and dynamic configuration all pass through.

In a project of ours (a folder with catalog/ and environments/) it fails closed: what may change something runs only
in the environment that the experiment names, and only right after that was proven. Elsewhere it lets everything
pass: our package being installed must not break experiments that have nothing to do with it.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_ext.language import listed, t
from chaos_ext.masking import register
from chaos_ext.safety import process_list
from chaos_ext.safety.changing import may_change
from chaos_ext.safety.identity import drivers
from chaos_ext.safety.running import Experiment, one

if TYPE_CHECKING:
    from chaos_ext.model import Place
    from chaos_ext.safety.identity.proof import Proof
    from chaos_ext.safety.policy.enforcing import Ruling

_PROVIDERS = ("run_python_activity", "run_process_activity", "run_http_activity")
_MARK = "_of_the_gate"


@dataclass
class Running:
    """The experiment that this process runs."""

    experiment: Experiment
    source: Path | None = None  # the file it came from, when the command line says so
    environ: dict[str, str] = field(default_factory=dict)  # this process's variables as it began
    rolling_back: bool = False
    turned_away: bool = False  # something was refused, and not only because somebody asked to stop
    admitted: bool = False  # something was let in that may have changed something
    refused: str = ""  # why an activity was refused: nothing more is changed, save by rollbacks
    ruling: Ruling | None = None  # what the guidelines say of the experiment
    proven: tuple[str, Any] | None = None  # the environment's digest and identity when first proven

    @cached_property
    def is_ours(self) -> bool:
        """Whether it belongs to a project of ours, or says that it does: its secrets are hidden then."""
        from chaos_ext.errors import UsageError
        from chaos_ext.safety import belonging

        try:
            return belonging.project_of(self.source) is not None or belonging.wants_the_guard(
                self.experiment, {}
            )
        except UsageError:  # in doubt: refused when something would change anything
            return True


_running: list[Running] = []
_thread = threading.local()
_aborting: list[Callable[[], bool]] = []


def project() -> Path | None:
    """The project of the experiment that runs; None: none. Raises UsageError when that is in doubt."""
    from chaos_ext.safety import belonging

    return belonging.project_of(_running[-1].source if _running else None)


def stop_when(aborting: Callable[[], bool]) -> None:
    """Refuse what may change something once `aborting` says so; until `forget`. Rollbacks still run."""
    _aborting.append(aborting)


def forget(aborting: Callable[[], bool]) -> None:
    """Undoes `stop_when`."""
    _aborting.remove(aborting)


@contextmanager
def proven_by_us() -> Iterator[None]:
    """What runs inside, in this thread, comes from the guarded door, from a heal or from its evidence."""
    before = getattr(_thread, "proven", False)
    _thread.proven = True
    try:
        yield
    finally:
        _thread.proven = before


# --- in Chaos Toolkit -----------------------------------------------------------------------------


def install() -> None:
    """Stand before Chaos Toolkit's providers, in this process. Once is enough; again is harmless."""
    import chaoslib.activity
    import chaoslib.run

    for name in _PROVIDERS:
        provider = getattr(chaoslib.activity, name)
        if not hasattr(provider, _MARK):
            setattr(chaoslib.activity, name, _guarded(provider))
    if not hasattr(chaoslib.run.Runner.run, _MARK):
        setattr(chaoslib.run.Runner, "run", _watched(chaoslib.run.Runner.run))  # noqa: B010


def _guarded(provider: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(provider)
    def run(activity: Mapping[str, Any], configuration: Any = None, secrets: Any = None) -> Any:
        if _running and _running[-1].is_ours:
            register.remember_all(drivers.without_names(secrets))
        process_list.refuse_secrets(activity, configuration, secrets)
        place = _admit(activity, configuration or {}, secrets or {})
        if place is None:
            return provider(activity, configuration, secrets)
        from chaos_ext.safety.abort import under_way
        from chaos_ext.safety.identity import pins

        with (
            pins.in_place(place.environment.identity, place.environment.variables),
            _stopping(),
            under_way.known(str(activity.get("name") or "activity")),
        ):
            _last_look()
            return provider(activity, configuration, secrets)

    setattr(run, _MARK, True)
    return run


def _last_look() -> None:
    """Whether somebody asked to stop while the place was proven. Nothing may stand between this and the call."""
    from chaoslib.exceptions import InterruptExecution

    from chaos_ext.errors import ChaosExtError

    try:
        _refuse_after_the_end(_running[-1] if _running else Running({}))
    except ChaosExtError as error:
        raise InterruptExecution(str(error)) from error


@contextmanager
def _stopping() -> Iterator[None]:
    """A run that is stopped while inside goes no further: Chaos Toolkit would take that for a failed activity."""
    from chaoslib.exceptions import ActivityFailed, InterruptExecution

    try:
        yield
    except ActivityFailed as failed:
        if isinstance(failed.__context__, InterruptExecution):
            raise InterruptExecution(str(failed.__context__)) from failed
        raise


def _watched(run: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(run)
    def watched(self: Any, experiment: Experiment, settings: Any = None, *args: Any, **kwargs: Any) -> Any:
        running = Running(experiment, _source(), dict(os.environ))
        if running.is_ours:
            settings = _with_a_way_back(settings)
        self.register_event_handler(_phases(running))
        _running.append(running)
        try:
            with one(experiment):
                journal = run(self, experiment, settings, *args, **kwargs)
        finally:
            _running.remove(running)
        return register.hidden(journal) if running.is_ours else journal

    setattr(watched, _MARK, True)
    return watched


def _with_a_way_back(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Settings in which rollbacks are played when a run is stopped too, unless somebody asked for something else.

    Chaos Toolkit's default leaves everything as it is when an activity is refused half-way.
    """
    found = dict(settings or {})
    runtime = dict(found.get("runtime") or {})
    rollbacks = dict(runtime.get("rollbacks") or {})
    if rollbacks.get("strategy", "default") == "default":
        rollbacks["strategy"] = "always"
    return {**found, "runtime": {**runtime, "rollbacks": rollbacks}}


def _phases(running: Running) -> Any:
    from chaoslib.run import RunEventHandler

    class Phases(RunEventHandler):
        """Notices when rollbacks begin."""

        def start_rollbacks(self, experiment: Experiment) -> None:
            running.rolling_back = True

    return Phases()


def _source() -> Path | None:
    """The file that `chaos run` was given."""
    import click

    context = click.get_current_context(silent=True)
    source = (context.params if context else {}).get("source")
    return Path(source).absolute() if isinstance(source, str) and os.path.exists(source) else None


# --- what may pass --------------------------------------------------------------------------------


def _admit(activity: Mapping[str, Any], configuration: Mapping[str, Any], secrets: Any) -> Place | None:
    """The proven place that `activity` may change; None: it may run as it is. Raises InterruptExecution.

    An exception of any other kind would only fail this activity, and the next one would run.
    """
    from chaoslib.exceptions import InterruptExecution

    if not may_change(activity):
        return None
    running = _running[-1] if _running else Running({}, environ=dict(os.environ))
    if getattr(_thread, "proven", False):
        running.admitted = True
        return None
    from chaos_ext.errors import ChaosExtError, Interrupted
    from chaos_ext.safety import belonging

    name = str(activity.get("name") or "activity")
    root: Path | None = None
    try:
        root = belonging.project_of(running.source)
        if root is None and not belonging.wants_the_guard(running.experiment, configuration):
            return None
        _refuse_after_the_end(running)
        place, proofs = _prove(running, root, activity, configuration, secrets)
        with suppress(OSError) if running.rolling_back else nullcontext():  # a full disk stops no way back
            approved = running.ruling.approved if running.ruling else None
            _note(
                root, name, configuration, admitted=True, proofs=[vars(p) for p in proofs], approved=approved
            )
        running.admitted = True
        return place
    except ChaosExtError as error:
        why = t("{activity}: not run. {error}", activity=name, error=error)
        running.turned_away = running.turned_away or not isinstance(error, Interrupted)
    except Exception as error:  # noqa: BLE001 - closed when in doubt
        why = t("{activity}: not run. {error}", activity=name, error=f"{type(error).__name__}: {error}")
        running.turned_away = True
    running.refused = running.refused or str(why)
    with suppress(ChaosExtError, OSError):
        _note(root, name, configuration, admitted=False, why=str(why))
    raise InterruptExecution(str(why))


def _refuse_after_the_end(running: Running) -> None:
    from chaos_ext.errors import Blocked, Interrupted

    if running.rolling_back:
        if running.turned_away and not running.admitted:
            raise Blocked(t("Nothing was changed, so there is nothing to roll back."))
        return
    if any(aborting() for aborting in _aborting):
        raise Interrupted(t("asked to stop: nothing more is started"))
    if running.refused:
        raise Blocked(t("An activity before it was refused."))


def _prove(
    running: Running,
    root: Path | None,
    activity: Mapping[str, Any],
    configuration: Mapping[str, Any],
    secrets: Any,
) -> tuple[Place, tuple[Proof, ...]]:
    """The environment that the experiment names, when it is really that one. Raises ChaosExtError."""
    from chaos_ext import environments
    from chaos_ext.errors import Blocked
    from chaos_ext.safety import guard
    from chaos_ext.safety.identity import arguments
    from chaos_ext.safety.place import open_place
    from chaos_ext.safety.policy import enforcing

    if root is None:
        root = environments.project_root()  # raises, and says where was looked
    wanted = configuration.get("chaos_environment")
    if not isinstance(wanted, str) or not wanted:
        raise Blocked(
            t(
                "configuration.chaos_environment: got nothing, expected the environment that this experiment "
                "changes. Add 'chaos_environment: NAME' to its configuration; there are: {names}.",
                names=listed(environments.names(root)),
            )
        )
    digest = environments.digest(wanted, root)
    lab = configuration.get("chaos_lab")
    place = open_place(wanted, str(lab) if lab else None, root, running.environ)
    identity = place.environment.identity
    if running.proven is None:
        running.proven = (digest, identity)
    elif running.proven != (digest, identity):
        raise Blocked(
            t(
                "environments/{name}.yaml: got another environment than when this run began, expected the same.",
                name=wanted,
            )
        )
    drivers.refuse_others(identity, configuration=configuration, secrets=secrets)
    arguments.refuse_others(identity, activity, configuration, secrets)  # may import its driver: slow
    proofs = guard.prove(place)
    if not running.rolling_back:  # a way back waits for nobody, and for no ledger
        _refuse_unless_free(place, root)
    running.ruling = enforcing.refuse_at_the_gate(
        root,
        activity,
        configuration,
        running.experiment,
        place.environment,
        file=running.source,
        before=running.ruling,
        rolling_back=running.rolling_back,
    )
    return place, proofs


def _note(root: Path | None, activity: str, configuration: Mapping[str, Any], **more: Any) -> None:
    """Write down what was admitted or refused, and why. Raises OSError: what cannot be recorded is not run."""
    from chaos_ext import environments
    from chaos_ext.record import Recorder

    recorder = Recorder(environments.state_dir(root) / "gate.jsonl")
    try:
        fields = {"activity": activity, "environment": configuration.get("chaos_environment"), **more}
        recorder.emit("gate", pid=os.getpid(), **register.hidden(fields))
    finally:
        recorder.close()


def _refuse_unless_free(place: Place, root: Path) -> None:
    """What somebody else broke there is put back before anything new is broken."""
    from chaos_ext.safety import free, shared

    free.refuse_unless_free(shared.ledger_of(place.environment, place.instance, root))
