"""What a run does not show, so that nobody takes its verdict for more than it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chaos_ext.language import Said, listed, t
from chaos_ext.model import Arm
from chaos_ext.pages.run import Run
from chaos_ext.verdict.judge import VERDICT_RULES

# What each arm answers; without a trial of it that counts, it is not answered.
_QUESTIONS: dict[str, Said] = {
    "treatment": t("Whether the runbook brings the service back: no trial in which it was followed counts."),
    "no-action": t("Whether the service comes back when nobody acts: no such trial counts."),
    "look-only": t("Whether looking alone heals it: no trial in which only the diagnosis was run."),
    "without-step": t("Whether each step is necessary: no trial in which one was left out."),
    "mutated": t(
        "Whether the runbook's Verification notices a runbook that is done wrong: no trial with a mistake in it."
    ),
    "healthy": t("Whether the runbook is harmless when it is followed by mistake: no trial without a fault."),
}
_MOST_NAMED = 12


def untested(run: Run) -> Iterator[Said]:
    """Sentences, what weighs most first."""
    mode, environment = run.kept.evidence.mode, run.kept.evidence.environment
    counted = {str(trial.arm) for trial in run.trials if trial.counts}
    for arm, question in _QUESTIONS.items():
        if arm not in counted and (mode.runbook != "none" or arm == Arm.NO_ACTION):
            yield question
    for event in run.kept.evidence.events:
        if event.get("kind") == "variant-left-out":
            yield t("{arm} was left out: {why}", arm=event.get("variant"), why=event.get("why"))
    left_out = [trial for trial in run.trials if not trial.counts]
    if left_out:
        yield t(
            "{count} of {trials} trials count for nothing: {names}.",
            count=len(left_out),
            trials=len(run.trials),
            names=_some([trial.name for trial in left_out]),
        )
    if run.not_reached:
        yield t("Steps that nobody came to: {steps}.", steps=_some(run.not_reached))
    others = [platform for platform in mode.reproduce if platform != environment.platform]
    if others:
        yield t("Other platforms, for which the mode has faults too: {platforms}.", platforms=_some(others))
    elsewhere = [name for name in mode.objectives if name not in ("default", environment.name)]
    if elsewhere:
        yield t("Other environments, which have objectives of their own: {names}.", names=_some(elsewhere))
    silent = (
        [lane.flow for lane in run.trials[0].picture.lanes if lane.measured is None] if run.trials else []
    )
    if silent:
        yield t(
            "Flows of which nothing was measured while the fault was in force: {flows}.", flows=_some(silent)
        )
    if any(trial.hops for trial in run.trials):
        if mode.runbook != "none" and not environment.alerts.link_revision:
            yield t("Which revision of the runbook the alert links: in this environment links name none.")
        if not environment.alerts.received_url:
            yield t("Whether the alert arrived at anybody: in this environment it is only seen to fire.")
        elif mode.detection.receiver is None:
            yield t("Whether the right people were told: the failure mode names no receiver.")
    doubtful = sum(trial.writes["indeterminate"] for trial in run.trials if trial.writes)
    if doubtful:
        yield t(
            "What became of {count} writes that got no answer: users were not told that they are stored, so they are "
            "neither lost nor kept.",
            count=doubtful,
        )
    rules = run.kept.judged.get("rules")
    if run.kept.verdict is not None and rules != VERDICT_RULES:
        yield t(
            "What today's rules say: it was judged by rules {rules}, and those of now are {now}. Try: chaos history "
            "rejudge {run}",
            rules=rules,
            now=VERDICT_RULES,
            run=run.kept.folder.name,
        )
    if environment.disposable:
        yield t(
            "Anything but the embedded lab: its products are real, its sizes, networks and clouds are not those of "
            "production."
        )


def _some(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMED:
        return listed(names)
    return t("{names} and {count} more", names=listed(names[:_MOST_NAMED]), count=len(names) - _MOST_NAMED)
