"""One run, and several, as JSON has them. Stable within a schema: fields are added, never renamed or removed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from chaos_ext.history.findings import verdict_fields
from chaos_ext.language import Language, say
from chaos_ext.masking.register import hidden
from chaos_ext.model import Interval, text_in
from chaos_ext.pages.run import ArmOfRun, Run, StepOfRun, Trial
from chaos_ext.pages.stores import COUNTED, StoreOfTrial
from chaos_ext.pages.untested import untested

SCHEMA = 1


def run_data(run: Run, language: Language) -> dict[str, Any]:
    """A run; times are seconds after the fault. Ids and words are the same in every language, sentences are not."""
    kept = run.kept
    mode, facts = kept.evidence.mode, kept.run
    verdict = None
    if kept.verdict is not None:
        verdict = _said(verdict_fields(kept.verdict), language)
    data = {
        "schema": SCHEMA,
        "run": kept.folder.name,
        "mode": mode.id,
        "title": text_in(mode.title, language),
        "environment": kept.evidence.environment.name,
        "platform": kept.evidence.environment.platform,
        "started": facts.get("started"),
        "seed": facts.get("seed"),
        "verdict": verdict,
        "rules": kept.judged.get("rules"),
        "arms": [_arm(arm) for arm in run.arms],
        "trials": [_trial(trial, language) for trial in run.trials],
        "steps": [_step(step) for step in run.steps],
        "not_reached": list(run.not_reached),
        "not_tested": [say(sentence, language) for sentence in untested(run)],
        "sealed": bool(kept.files),
        "differences": [asdict(each) for each in kept.differences],
        "digests": facts.get("digests"),
        "versions": facts.get("versions"),
    }
    return hidden(data)


def runs_data(runs: Iterable[Run], language: Language) -> dict[str, Any]:
    """Several runs."""
    return {"schema": SCHEMA, "runs": [run_data(run, language) for run in runs]}


def _said(value: Any, language: Language) -> Any:
    """Sentences in `language`, wherever they stand; words and numbers as they are."""
    if isinstance(value, dict):
        return {
            key: say(inner, language) if key in ("sentence", "worth") else _said(inner, language)
            for key, inner in value.items()
        }
    return [_said(inner, language) for inner in value] if isinstance(value, list | tuple) else value


def _interval(interval: Interval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {"earliest": round(interval.earliest, 3), "latest": round(interval.latest, 3)}


def _arm(arm: ArmOfRun) -> dict[str, Any]:
    return {
        "arm": str(arm.arm),
        "variant": arm.variant,
        "trials": len(arm.trials),
        "valid": len(arm.valid),
        "back": arm.back,
        "recovery": _interval(arm.recovery),
        "detected": _interval(arm.detected),
        "watched_s": round(arm.watched_s, 3),
    }


def _trial(trial: Trial, language: Language) -> dict[str, Any]:
    writes = {key: value for key, value in (trial.writes or {}).items() if key not in ("kind", "at", "wall")}
    return {
        "trial": trial.name,
        "arm": str(trial.arm),
        "variant": trial.variant,
        "counts": trial.counts,
        "why_not": [asdict(reason) for reason in trial.why_not],
        "detected": _interval(trial.detected),
        "hops": [
            {
                "hop": hop.name,
                "after_fault": _interval(hop.after),
                "took": _interval(hop.took),
                "note": say(hop.note, language),
            }
            for hop in trial.hops
        ],
        "linked": None if trial.linked is None else asdict(trial.linked),
        "recovered": trial.recovered,
        "recovery": _interval(trial.recovery),
        "slowest": trial.slowest,
        "watched_s": round(trial.watched_s, 3),
        "flows": [
            {
                "flow": lane.flow,
                "claimed": str(lane.claimed),
                "possible": None if lane.possible is None else str(lane.possible),
                "measured": None if lane.measured is None else str(lane.measured),
                "as_claimed": lane.as_claimed,
                "back": _interval(lane.back),
            }
            for lane in trial.picture.lanes
        ],
        "writes": writes or None,
        "stores": [_store(one) for one in trial.stores],
        "shown": [
            {
                "flow": shown.flow,
                "of": shown.of,
                "answers": shown.reads,
                "stale": shown.stale,
                "behind": _interval(shown.stale_for),
            }
            for shown in trial.shown
        ],
        "restored": None if trial.restored is None else bool(trial.restored.get("holds")),
    }


def _store(one: StoreOfTrial) -> dict[str, Any]:
    account = one.account
    counts = {
        name: getattr(account, name) for name in ("attempted", "acknowledged", "indeterminate", "failed")
    }
    return {
        "flow": account.flow,
        "store": account.store,
        **counts,
        "readable": account.readable,
        "why": account.why,
        **{name: list(getattr(account, name)) for name in COUNTED if name != "stale"},
        "stale": one.count("stale"),
        "slowest_seen": _interval(one.seen),
        "observed_rpo": _interval(one.rpo),
    }


def _step(step: StepOfRun) -> dict[str, Any]:
    shortest, middle, longest = step.seconds
    return {
        "step": step.step,
        "heading": step.heading,
        "role": step.role,
        "done": step.done,
        "ok": step.ok,
        "seconds": {"shortest": shortest, "median": middle, "longest": longest},
        "why": step.why,
    }
