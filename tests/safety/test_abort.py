"""Whatever a trial is busy with: after the abort nothing that changes something starts, and undo begins at once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from aborting import WITHIN_S, Run, experiment, inject, python, running, small_project

# Ignores what asks it to end, and has a child in a session of its own.
SLEEP = ["sleep", f"312.{os.getpid()}"]  # no other worker's
ENDLESS = f"trap '' TERM\nsetsid {' '.join(SLEEP)} &\n{' '.join(SLEEP)}"
RESPOND = python("respond", "chaos_ext.actions.respond", runbook="runbooks/small.md")
SECOND = python("break_file", "safety_breakable", path="{thing}.second")
LONG_PAUSE = {**python("is_broken", "safety_breakable", "probe", path="{thing}"), "pauses": {"after": 300}}
OTHERS = python("sleep", "time")  # a function of others that never returns


def _fault_in(run: Run) -> bool:
    return bool(run.events("fault-injected"))


def _broken(run: Run) -> bool:
    return bool(run.log("break"))


def _block_runs(run: Run) -> bool:
    return len(_sleeping()) == 2


def _sleeping() -> list[int]:
    return [p.pid for p in psutil.process_iter() if _words(p) == SLEEP]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _looks_for_impact(run: Run) -> bool:
    return _fault_in(run) and bool(run.events("fault-in-force"))


def _in_pause(run: Run) -> bool:
    return _fault_in(run) and "Pausing" in _log(run)


def _in_others(run: Run) -> bool:
    return _fault_in(run) and "for-ever" in _log(run)


def _log(run: Run) -> str:
    path = run.root / "trial" / "experiment.log"
    return path.read_text() if path.exists() else run.output()


IN_FORCE = python("in_force", "chaos_ext.probes.fault", "probe", when="after-injection")
IMPACT = python("seen", "chaos_ext.probes.impact", "probe")
FOREIGN = {
    "type": "action", "name": "for-ever",
    "provider": {"type": "process", "path": "sleep", "arguments": ["313"]},
}  # fmt: skip
# What the trial is busy with: how it gets there, and how one sees that it is there.
PHASES: dict[str, tuple[Callable[[Path], list[dict[str, Any]]], Callable[[Run], bool]]] = {
    "injection-hangs": (lambda thing: [inject(thing, "break_when_told")], _broken),
    "effect-does-not-show": (lambda thing: [inject(thing, "break_nothing")], _broken),
    "waiting-for-impact": (lambda thing: [inject(thing), IN_FORCE, IMPACT], _looks_for_impact),
    "block-hangs": (lambda thing: [inject(thing), RESPOND], _block_runs),
    "pause-of-chaos-toolkit": (lambda thing: [inject(thing), _at(LONG_PAUSE, thing)], _in_pause),
    "activity-of-others-hangs": (lambda thing: [inject(thing), FOREIGN], _in_others),
}
WAYS = ["SIGINT", "SIGTERM", "SIGHUP", "terminal"]
DEFAULT = {
    ("block-hangs", "SIGTERM", "ours"),
    ("effect-does-not-show", "SIGINT", "ours"),
    ("pause-of-chaos-toolkit", "terminal", "ours"),
    ("waiting-for-impact", "SIGHUP", "plain"),
}


def _at(activity: dict[str, Any], thing: Path) -> dict[str, Any]:
    provider = activity["provider"]
    arguments = {
        key: str(value).replace("{thing}", str(thing)) for key, value in provider["arguments"].items()
    }
    return {**activity, "provider": {**provider, "arguments": arguments}}


def _cases() -> Iterator[Any]:
    for phase in PHASES:
        for way in WAYS:
            for how in ("ours", "plain"):
                marks = [] if (phase, way, how) in DEFAULT else [pytest.mark.slow]
                yield pytest.param(phase, way, how, marks=marks, id=f"{phase}-{way}-{how}")


@pytest.mark.parametrize(("phase", "way", "how"), list(_cases()))
def test_undone_at_once(shared_place, service, thing, tmp_path, phase, way, how):
    method, is_there = PHASES[phase]
    # A flow that is claimed and not hurt: the look for the impact goes on.
    claim = "hurt: outage, steady: outage"
    small_project(tmp_path, service, thing.path, block=ENDLESS, claim=claim)
    second = _at(SECOND, thing.path)
    with running(
        tmp_path, thing.path, shared_place.facts, experiment(*method(thing.path), second), how
    ) as run:
        run.wait_for(phase, lambda: is_there(run) or run.process.poll() is not None)
        assert run.process.poll() is None, run.output()
        run.stop(way)
        run.process.wait(30)

        _undone_in_time(run)
        assert [event["by"] for event in run.events("abort")] == [_by(way)]
        assert run.events("abort")[0]["why"]
    assert thing.is_whole
    assert _sleeping() == []


def _by(way: str) -> str:
    return "terminal" if way == "terminal" else "signal"


def _undone_in_time(run: Run) -> None:
    (abort,) = run.events("abort")
    (begun,) = run.events("undo-started")
    late = begun["at"] - abort["seen"]
    assert 0 <= late <= WITHIN_S, (
        f"undo began {late:.3f} s after the abort was seen; the bound is {WITHIN_S} s"
    )
    assert {entry.state for entry in run.entries()} == {"undone"}
    started = [*run.log("break")]
    started += [event["at"] for kind in ("step-started", "fault-intended") for event in run.events(kind)]
    assert [at for at in started if at > abort["seen"]] == [], "something began after the abort"
    assert not Path(f"{run.thing}.second").exists()
    assert not Path(f"{run.thing}.second.log").exists(), "an action of others began after the abort"


def test_an_injection_that_comes_back_late_is_undone_again(shared_place, service, thing, tmp_path):
    small_project(tmp_path, service, thing.path)
    what = experiment(inject(thing.path, "break_when_told"))
    with running(tmp_path, thing.path, shared_place.facts, what) as run:
        run.wait_for("the injection", lambda: run.log("break"))
        run.stop("SIGTERM")
        run.wait_for("the first undo", lambda: run.log("mend"))
        Path(f"{thing.path}.go").touch()
        run.process.wait(30)
        (abort,), (begun,) = run.events("abort"), run.events("undo-started")
        assert begun["at"] - abort["seen"] <= WITHIN_S
        assert run.log("mend")[0] < run.log("break")[1], "it came back before it was undone the first time"
        assert {entry.state for entry in run.entries()} == {"undone"}
    assert thing.is_whole


def test_before_the_fault_nothing_is_injected(shared_place, service, thing, tmp_path):
    small_project(tmp_path, service, thing.path)
    with running(tmp_path, thing.path, shared_place.facts, experiment(inject(thing.path))) as run:
        run.wait_for("the meter", lambda: run.events("meter-started"))
        run.stop("SIGINT")
        run.process.wait(30)
        assert run.events("abort")
        assert run.events("undo-started") == []
        assert run.log("break") == []


def test_what_the_meter_sees_aborts(shared_place, service, thing, tmp_path):
    """The claim names another flow than the one that is hurt."""
    small_project(tmp_path, service, thing.path, claim="steady: outage")
    what = experiment(inject(thing.path), IMPACT)
    with running(tmp_path, thing.path, shared_place.facts, what) as run:
        run.process.wait(60)
        (abort,) = run.events("abort")
        assert (abort["by"], abort["condition"]) == ("condition", "hurt_outside_claim"), abort
        assert "hurt is hurt" in abort["why"]
        _undone_in_time(run)
    assert thing.is_whole


@pytest.mark.slow
def test_a_condition_that_is_off_does_not_abort(shared_place, service, thing, tmp_path):
    small_project(tmp_path, service, thing.path, claim="steady: outage", abort="hurt_outside_claim: false")
    what = experiment(inject(thing.path), IMPACT)
    with running(tmp_path, thing.path, shared_place.facts, what) as run:
        run.wait_for("the fault", lambda: _fault_in(run))
        with pytest.raises(subprocess.TimeoutExpired):
            run.process.wait(5)
        assert run.events("abort") == []
        run.stop("SIGTERM")
        run.process.wait(30)


@pytest.mark.slow
def test_a_fault_that_outlives_its_objective_aborts(shared_place, service, thing, tmp_path):
    small_project(tmp_path, service, thing.path, block=ENDLESS, within="2s")
    with running(tmp_path, thing.path, shared_place.facts, experiment(inject(thing.path), RESPOND)) as run:
        run.process.wait(60)
        (abort,) = run.events("abort")
        assert abort["condition"] == "fault_outlives", abort
        _undone_in_time(run)
    assert _sleeping() == []


@pytest.mark.slow
def test_a_runbook_that_ended_without_bringing_users_back_is_seen_to_its_end(
    shared_place, service, thing, tmp_path
):
    """There is nothing left to stop, and what was lost is read only after that."""
    small_project(tmp_path, service, thing.path, within="6s")
    recovered = python("recovered", "chaos_ext.probes.recovery", "probe", within_s=6.0)
    what = experiment(inject(thing.path), RESPOND, {**recovered, "pauses": {"after": 3}})
    with running(tmp_path, thing.path, shared_place.facts, what) as run:
        run.process.wait(60)
        assert run.events("abort") == []
        (recovery,) = run.events("recovery")
        assert not recovery["recovered"]
        assert {entry.state for entry in run.entries()} == {"undone"}
    assert thing.is_whole


@pytest.mark.slow
def test_a_limit_of_the_environment_aborts(shared_place, service, thing, tmp_path):
    small_project(tmp_path, service, thing.path, block=ENDLESS, longest="4s")
    with running(tmp_path, thing.path, shared_place.facts, experiment(inject(thing.path), RESPOND)) as run:
        run.process.wait(60)
        (abort,) = run.events("abort")
        assert abort["condition"] == "limits_passed", abort
    assert _sleeping() == []
    assert thing.is_whole
