"""What is measured of users: that they feel the fault, that they do while it is in force, and that they are back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, cast

from chaos_ext.language import listed, t
from chaos_ext.meter.samples import Sample
from chaos_ext.model import Impact, ImpactClaim
from chaos_ext.probes import impact, measured
from chaos_ext.proving.answers import (
    Answer,
    Ask,
    Break,
    Kind,
    Mutant,
    Probe,
    Says,
    State,
    constant,
    passes,
    words,
)
from chaos_ext.proving.scene import Scene, answered, swallowing, yes_or_no
from chaos_ext.trial import Trial

_Samples = tuple[Sample, ...]
_Core = Callable[[Trial, State], Answer]
_SETTLES_S = 5.0  # an answer that is under way when one looks is no part of what is known yet


class _Meter:
    """A meter of which less, or other things, can be seen."""

    def __init__(self, real: Any, change: Callable[[_Samples], _Samples]) -> None:
        self._real, self._change = real, change

    def snapshot(self, since: float | None = None) -> _Samples:
        return self._change(self._real.snapshot(since))


class _View:
    """A trial with a broken meter, or another claim; everything else is its own."""

    def __init__(self, trial: Trial, **instead: Any) -> None:
        self._trial, self._instead = trial, instead

    def __getattr__(self, name: str) -> Any:
        return self._instead[name] if name in self._instead else getattr(self._trial, name)


def probes(scene: Scene) -> Iterator[Probe]:
    """Impact, recovery and steady state; none of them for a failure that no flow is claimed to feel."""
    trial = scene.trial
    if not trial.mode.impact.hurt:
        return
    yield Probe(
        Kind.IMPACT,
        "impact-seen",
        _ask(trial, _impact),
        passes=passes(before="no", in_force="yes", cut_off="nothing|no"),
        word=words(before="baseline-not-met", in_force="no-impact", cut_off="answers-blindly"),
        mutants=[*_broken(trial, _impact), *_other_claims(trial)],
        patience_s={State.IN_FORCE: _SETTLES_S},
    )
    yield Probe(
        Kind.RECOVERY,
        "recovered",
        _ask(trial, _recovery),
        passes=passes(in_force="no", after="yes", cut_off="nothing|no"),
        word=words(in_force="heals-itself", after="not-recovered", cut_off="answers-blindly"),
        mutants=list(_broken(trial, _recovery)),
        cut_off_while=State.AFTER,
        patience_s={State.AFTER: _SETTLES_S},
    )
    yield Probe(
        Kind.STEADY_STATE,
        "flows-meet-slo",
        _ask(trial, _steady),
        passes=passes(before="yes", in_force="no", after="yes", cut_off="nothing|no"),
        word=words(
            before="baseline-not-met", in_force="no-impact", after="not-recovered", cut_off="answers-blindly"
        ),
        mutants=list(_broken(trial, _steady)),
        cut_off_while=State.AFTER,
        patience_s={State.BEFORE: _SETTLES_S, State.IN_FORCE: _SETTLES_S, State.AFTER: _SETTLES_S},
    )


# --- what they look at, as the probes of a trial do ---------------------------------------------


def _impact(trial: Trial, _state: State) -> Answer:
    since = trial.fault_at
    if since is None:
        since = time.monotonic() - trial.place.environment.windows.baseline
    felt = impact.is_felt(trial, since)
    flows = measured.impacts(trial, measured.between(trial, since))
    return yes_or_no(felt, {name: of["measured"] for name, of in flows.items() if of["claimed"] != "none"})


def _recovery(trial: Trial, _state: State) -> Answer:
    since = trial.fault_at
    assert since is not None
    back = measured.flows_back(trial, since, trial.place.environment.windows.stable)
    flows = trial.services.flows
    return yes_or_no(len(back) == len(flows), {name: name in back for name in flows})


def _steady(trial: Trial, state: State) -> Answer:
    windows = trial.place.environment.windows
    window_s = windows.baseline if state is State.BEFORE else windows.stable
    why = measured.all_well(measured.summaries(trial, measured.between(trial, time.monotonic() - window_s)))
    return yes_or_no(not why, why)


# --- whole and broken ----------------------------------------------------------------------------


def _ask(trial: Trial, core: _Core) -> Ask:
    """Its source, cut off, raises as a meter that has failed does."""
    cut_off = _seeing(trial, _unreachable)
    return lambda state: answered(lambda: core(cut_off if state is State.CUT_OFF else trial, state))


def _unreachable(_samples: _Samples) -> _Samples:
    raise OSError("no meter")


def _seeing(trial: Trial, change: Callable[[_Samples], _Samples]) -> Trial:
    return cast(Trial, _View(trial, meter=_Meter(trial.meter, change)))


def _broken(trial: Trial, core: _Core) -> Iterator[Mutant]:
    yield Mutant(Break.CONSTANT_TRUE, constant(Says.YES))
    yield Mutant(Break.CONSTANT_FALSE, constant(Says.NO))
    yield Mutant(Break.EMPTY_DATA, _ask_of(_seeing(trial, lambda _: ()), core))
    yield Mutant(Break.SWALLOWED_EXCEPTION, swallowing(_ask(trial, core), Says.YES))
    if core is _impact:
        return
    if others := _unhurt(trial):
        what = t(
            "{flows}: only {others} is looked at",
            flows=", ".join(trial.mode.impact.hurt),
            others=listed(others),
        )
        yield Mutant(Break.WRONG_TARGET, _of_others(trial, others, core), what)


def _ask_of(trial: Trial, core: _Core) -> Ask:
    return lambda state: answered(lambda: core(trial, state))


def _of_others(trial: Trial, others: list[str], core: _Core) -> Ask:
    """A probe that looks at one flow alone, which is not hurt; at the one that is best off."""

    def alone(flow: str) -> Trial:
        services = trial.services.model_copy(update={"flows": {flow: trial.services.flows[flow]}})
        return cast(Trial, _View(trial, services=services))

    asks = [_ask_of(alone(other), core) for other in others]

    def asked(state: State) -> Answer:
        said = [ask(state) for ask in asks]
        return next((answer for answer in said if answer.says is Says.YES), said[0])

    return asked


def _other_claims(trial: Trial) -> Iterator[Mutant]:
    """The claim about a flow that is not hurt."""
    for other in _unhurt(trial)[:1]:
        claimed = trial.mode.impact
        worst = next(iter(claimed.hurt.values()))
        claim = ImpactClaim(flows={other: worst}, summary=claimed.summary)
        view = cast(Trial, _View(trial, mode=trial.mode.model_copy(update={"impact": claim})))
        what = t("{flows} -> {other}", flows=", ".join(claimed.hurt), other=other)
        yield Mutant(Break.WRONG_TARGET, _ask_of(view, _impact), what)


def _unhurt(trial: Trial) -> list[str]:
    """Flows that are claimed to be hurt in no case; those that are measured most often first."""
    claim = trial.mode.impact
    spared = [
        name
        for name in trial.services.flows
        if claim.on(name) is Impact.NONE and claim.possible.get(name, Impact.NONE) is Impact.NONE
    ]
    return sorted(spared, key=lambda name: -trial.services.flows[name].per_second)
