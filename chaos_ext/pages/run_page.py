"""The page of one run: which figures come first, what is shown in full, and what only the bundle has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos_ext.language import Language, Said, t
from chaos_ext.model import Interval
from chaos_ext.pages import words
from chaos_ext.pages.kept import read
from chaos_ext.pages.render import page
from chaos_ext.pages.run import ArmOfRun, Run, Trial, mapping, told
from chaos_ext.pages.stores import COUNTED
from chaos_ext.pages.transcript import Entry, transcript
from chaos_ext.pages.untested import untested
from chaos_ext.report import arms
from chaos_ext.report.words import HOPS, seconds, span, took

# A page stays below 1 MB: this much is shown in full, the rest is counted, and the bundle has it.
_PICTURES, _TRANSCRIPTS, _CHARACTERS, _LINES, _FILES, _EVIDENCE = 24, 40, 150_000, 500, 120, 24


@dataclass(frozen=True)
class Tile:
    """One figure that people ask for first."""

    what: Said
    figure: str
    of: str
    style: str = ""


@dataclass(frozen=True)
class Told:
    """The transcript of one trial."""

    name: str
    entries: Sequence[Entry]
    left: int


def run_page(folder: Path, language: Language) -> str:
    """The page of the run in `folder`. Raises UsageError when it is no run."""
    return rendered(told(read(folder)), language)


def rendered(run: Run, language: Language) -> str:
    """The page of a run. Pure."""
    kept, verdict = run.kept, run.kept.verdict
    recovery = kept.evidence.mode.recovery
    transcripts = list(_transcripts(run, language))
    logged = {name for trial in run.trials for name in trial.writes or ()}
    counted = {name: word for name, word in words.WRITES.items() if name in logged}
    return page(
        "run.html",
        language,
        run=run,
        tiles=list(tiles(run)),
        not_tested=list(untested(run)),
        pictures=_PICTURES,
        transcripts=transcripts,
        counted=counted,
        files=sorted(kept.files.items())[:_FILES],
        shown_evidence=(run.shown if len(run.trials) > _EVIDENCE else run.trials),
        necessity={each.heading: each for each in verdict.steps} if verdict else {},
        mutations=verdict.mutations if verdict else None,
        meaning=lambda word, has_runbook: words.meaning(word, has_runbook=has_runbook, recovery=recovery),
        arm_meaning=lambda arm: arms.meaning(arm.trials[0].started),
        caption=caption,
        HOPS=HOPS,
        took=took,
        must_hold=lambda look: (
            look["when"] == "after-injection"
            or (look["when"] == "before-mitigation" and recovery == "runbook")
        ),
        when=lambda when: words.WHEN.get(when, when),
        lost=lost,
        of_a_store={name: words.WRITES[name] for name in COUNTED},
        mapping=mapping,
    )


def in_full(run: Run, most: int) -> list[Trial]:
    """The trials whose transcript is shown: of each arm the telling one, then those that count for nothing."""
    chosen = [*run.shown, *(trial for trial in run.trials if not trial.counts)]
    unique = list(dict.fromkeys(trial.name for trial in chosen))[:most]
    return [trial for name in unique for trial in run.trials if trial.name == name]


def _transcripts(run: Run, language: Language) -> Iterator[Told]:
    """As many as fit; the first one in any case."""
    size = 0
    for trial in in_full(run, _TRANSCRIPTS):
        found = Told(trial.name, *transcript(trial.events, language, run.kept.evidence.events, _LINES))
        size += sum(entry.size for entry in found.entries)
        if size > _CHARACTERS and found.entries and trial is not run.shown[0]:
            return
        yield found


def caption(trial: Trial) -> Said:
    """What a picture is of."""
    return t("{trial}: {meaning}", trial=trial.name, meaning=arms.meaning(trial.started) or trial.arm)


def lost(arm: ArmOfRun) -> str:
    """Acknowledged writes that were lost in the trials of `arm`, of how many."""
    logs = [trial.writes for trial in arm.trials if trial.writes and trial.writes.get("readable")]
    if not logs:
        return "-"
    gone = sum(len(log.get("lost") or ()) for log in logs)
    return t("{count} of {of}", count=gone, of=sum(log["acknowledged"] for log in logs))


def tiles(run: Run) -> Iterator[Tile]:
    """Detected, back, lost, and what happens when nobody acts."""
    try:
        kept = run.kept.evidence.objectives
    except KeyError:
        return
    main = run.arm("treatment") or run.arm("no-action")
    if main is None:
        return
    if not main.valid:
        yield Tile(
            t("Trials that count"),
            t("{count} of {of}", count=0, of=len(main.trials)),
            t("so no figures"),
            "doubt",
        )
        return
    found = main.detected
    yield Tile(
        t("Alert after the fault"),
        span(found) if found else t("did not fire"),
        t("objective {s:g} s", s=kept.detect_within),
        _style(found, kept.detect_within),
    )
    back = main.recovery
    yield Tile(
        t("Users back after the fault"),
        span(back) if back else t("nobody was hurt") if main.back else t("not back"),
        t("objective {s:g} s", s=kept.recover_within),
        _style(back, kept.recover_within) if back or not main.back else "",
    )
    logs = [trial.writes for trial in main.trials if trial.writes and trial.writes.get("readable")]
    if logs:
        gone = sum(len(log.get("lost") or ()) for log in logs)
        yield Tile(
            t("Acknowledged writes lost"),
            t("{count} of {of}", count=gone, of=sum(log["acknowledged"] for log in logs)),
            t("allowed in one trial: {count}", count=kept.lost_acknowledged_writes),
            "bad" if gone > kept.lost_acknowledged_writes * len(logs) else "good",
        )
    alone = run.arm("no-action")
    if alone is not None and alone is not main and alone.valid:
        itself = run.kept.evidence.mode.recovery == "self"
        yield Tile(
            t("When nobody acts"),
            t("back {count} of {of}", count=alone.back, of=len(alone.valid)),
            t("watched for {time}", time=seconds(alone.watched_s)),
            "good" if (alone.back == len(alone.valid)) is itself and (itself or not alone.back) else "bad",
        )


def _style(found: Interval | None, objective_s: float) -> str:
    if found is None or found.earliest > objective_s:
        return "bad"
    return "good" if found.latest <= objective_s else "doubt"
