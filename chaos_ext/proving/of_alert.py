"""The alert: silent before the fault, firing with the link to its runbook while it is in force.

When it falls silent again is its rule's affair: one that tells of an event (rows were deleted) fires for as long as its
rule looks back. The next trial does not begin before.
"""

from __future__ import annotations

from collections.abc import Iterator

from chaos_ext.alerts import alertmanager, links
from chaos_ext.language import t
from chaos_ext.model import Interval
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
from chaos_ext.verdict.alerted import of_watch

_MOST = 3


def probe(scene: Scene) -> Probe:
    """The alert that the mode names, with the runbook that it is to link."""
    trial = scene.trial
    alert, runbook = trial.mode.detection.alert, trial.mode.runbook
    original = _ask(scene, alert, runbook)
    return Probe(
        Kind.ALERT,
        alert,
        original,
        passes=passes(before="no", in_force="yes", cut_off="nothing|no"),
        word=words(
            before="baseline-not-met",
            in_force="not-detected",
            cut_off="answers-blindly",
        ),
        mutants=list(_mutants(scene, alert, runbook, original)),
        patience_s={State.IN_FORCE: 5.0},
    )


def _ask(scene: Scene, alert: str, runbook: str, url: str | None = None) -> Ask:
    trial = scene.trial
    alerts = trial.place.environment.alerts
    expected = links.link(alerts, runbook, links.digest_of(trial.root, runbook))

    def asked(state: State) -> Answer:
        def ask() -> Answer:
            cut_off = scene.altered.cut_off["alertmanager"]["url"]
            look = alertmanager.firing(cut_off if state is State.CUT_OFF else url or alerts.url)
            found = [(each.name, str(each.told["runbook_url"])) for each in look.now]
            if state is State.IN_FORCE and url is None:
                found += _fired(trial)  # whether or not it still does
            named = [each for each in found if each[0] == alert]
            # Before, any link counts: an alert that fires then says nothing about the fault.
            right = [linked for _, linked in named if state is not State.IN_FORCE or linked == expected]
            return yes_or_no(bool(right), [f"{name} -> {linked}" for name, linked in named or found])

        return answered(ask)

    return asked


def _fired(trial: Trial) -> Iterator[tuple[str, str]]:
    """The mode's alert and what it linked, once it fired since the fault."""
    watch, began, since = trial.alert_watch, trial.first_fault_at, trial.fault_at
    if watch is None or began is None or since is None:
        return
    seen = of_watch(watch.told()).about(Interval(began, since))
    if seen is not None:
        yield trial.mode.detection.alert, seen.url


def _mutants(scene: Scene, alert: str, runbook: str, original: Ask) -> Iterator[Mutant]:
    environment = scene.trial.place.environment
    yield Mutant(Break.CONSTANT_TRUE, constant(Says.YES))
    yield Mutant(Break.CONSTANT_FALSE, constant(Says.NO))
    yield Mutant(Break.EMPTY_DATA, _ask(scene, alert, runbook, scene.altered.empty["alertmanager"]["url"]))
    yield Mutant(Break.SWALLOWED_EXCEPTION, swallowing(original, Says.YES))
    others = [rule for rule in environment.alerts.rules if rule.name != alert]
    for rule in others[:_MOST]:
        what = t("alert: {one} -> {other}", one=alert, other=rule.name)
        yield Mutant(Break.WRONG_TARGET, _ask(scene, rule.name, runbook), what)
    linked = [rule.runbook for rule in others if rule.runbook != runbook]
    for other in linked[:1]:
        what = t("runbook: {one} -> {other}", one=runbook, other=other)
        yield Mutant(Break.WRONG_TARGET, _ask(scene, alert, other), what)
