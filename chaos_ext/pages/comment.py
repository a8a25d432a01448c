"""A run, and several, as a comment on a pull request: GitHub's Markdown that shows exactly what was said. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from chaos_ext.language import Language, Said, listed, say, t
from chaos_ext.masking.register import hide
from chaos_ext.model import Reason, text_in
from chaos_ext.pages import words
from chaos_ext.pages.run import Run, Trial
from chaos_ext.pages.run_page import lost, tiles
from chaos_ext.pages.stores import COUNTED
from chaos_ext.pages.untested import untested
from chaos_ext.report import markdown
from chaos_ext.report.clean import clean
from chaos_ext.report.findings import finding_rows
from chaos_ext.report.steps import ROLES
from chaos_ext.report.words import HOPS, seconds, span, took
from chaos_ext.verdict.hops import Hop
from chaos_ext.verdict.words import VERDICTS

MOST = 60_000  # characters; GitHub refuses a comment of more than 65,536
_SIGN = {
    "verified": "✅",
    "reproduced": "☑️",
    "rehearsed": "☑️",
    "refuted": "❌",
    "unknown": "❔",
    "unfinished": "❔",
}
# What GitHub would turn into a mention of a person or a link to an issue.
_PINGS = re.compile(r"(?<!\w)[@#](?=\w)")


def run_comment(run: Run, language: Language) -> str:
    """The comment on one run."""
    return _cut("\n\n".join(_run(run, language)) + "\n", language)


def runs_comment(runs: Sequence[Run], language: Language) -> str:
    """One table of several runs, and below it what is wrong with those that are not well."""
    headers = (t("verdict"), t("mode"), t("environment"), t("back after"), t("because"))
    rows = [
        (
            f"{_sign(run)} {_word(run, language)}",
            run.kept.evidence.mode.id,
            run.kept.evidence.environment.name,
            _say(_back(run), language),
            ", ".join(dict.fromkeys(reason.word for reason in _against(run))),
        )
        for run in runs
    ]
    parts = [markdown.table(rows, [_say(head, language) for head in headers])]
    for run in runs:
        if found := list(_reasons(run, language)):
            parts.append("\n".join((f"**{_text(run.kept.evidence.mode.id, language)}**", "", *found)))
    return _cut("\n\n".join(parts) + "\n", language)


def _run(run: Run, language: Language) -> Iterator[str]:
    kept = run.kept
    mode = kept.evidence.mode
    yield f"### {_sign(run)} {_word(run, language)}: {_text(text_in(mode.title, language), language)}"
    word = kept.verdict.word if kept.verdict else "unfinished"
    yield _text(
        words.meaning(word, has_runbook=mode.runbook != "none", recovery=mode.recovery), language
    )  # the same sentence as on the page
    if found := list(_reasons(run, language)):
        yield "\n".join(found)
    if kept.verdict is not None:
        yield _text(kept.verdict.worth, language)
    figures = [(tile.what, tile.figure, tile.of) for tile in tiles(run)]
    yield _table(figures, ("", "", ""), language)
    arms = [
        (
            f"{arm.arm} {arm.variant}".strip(),
            t("{count} of {of}", count=len(arm.valid), of=len(arm.trials)),
            t("{count} of {of}", count=arm.back, of=len(arm.valid)),
            span(arm.recovery) if arm.recovery else "-",
            lost(arm),
        )
        for arm in run.arms
    ]
    yield _table(
        arms, (t("arm"), t("trials that count"), t("users back"), t("back after"), t("writes lost")), language
    )
    if stores := list(_stores(run)):
        headers = (t("trial"), t("flow"), t("store"), *(words.WRITES[name] for name in COUNTED))
        headers = (*headers, t("slowest seen after"), t("observed RPO"))
        yield _folded(t("Write log, store by store"), _table(stores, headers, language), language)
    if noticed := [trial for trial in run.shown if trial.hops]:
        rows = [
            (trial.name, *(_hop(hop, language) for hop in trial.hops), _revision(trial)) for trial in noticed
        ]
        shown = _table(rows, (t("trial"), *HOPS.values(), t("links revision")), language)
        yield _folded(t("How it was noticed, hop by hop"), shown, language)
    if run.steps:
        steps = [
            (
                step.heading,
                ROLES.get(step.role, step.role),
                f"{step.ok}/{step.done}",
                seconds(step.seconds[1]),
            )
            for step in run.steps
        ]
        shown = _table(steps, (t("step"), t("kind"), t("went well"), t("took")), language)
        yield _folded(t("The runbook, step by step"), shown, language)
    if kept.verdict is not None and (findings := list(finding_rows(kept.verdict))):
        told = "\n".join(
            f"- **{_text(label, language)}**: {_text(sentence, language)}" for label, sentence, _ in findings
        )
        yield _folded(t("What steps and mistakes have shown"), told, language)
    not_tested = "\n".join(f"- {_text(sentence, language)}" for sentence in untested(run))
    yield _folded(t("What was not tested"), not_tested, language)
    yield f"`{kept.folder.name}` · `chaos history report {kept.folder.name}`"


def _stores(run: Run) -> Iterator[tuple[object, ...]]:
    for trial in run.trials:
        for one in trial.stores:
            counts = [one.count(name) if one.account.readable else "-" for name in COUNTED]
            times = [span(time) if time else "-" for time in (one.seen, one.rpo)]
            yield trial.name, one.account.flow, one.account.store, *counts, *times


def _hop(hop: Hop, language: Language) -> str:
    if hop.after is None:
        return _say(hop.note, language)
    parts = [span(hop.after), *([took(hop.took)] if hop.took else []), *([hop.note] if hop.note else [])]
    return listed([_say(part, language) for part in parts], "; ")


def _revision(trial: Trial) -> str:
    """Which revision of the runbook the alert links, and whether it is the one that was followed."""
    found = trial.linked
    if found is None or not found.revision:
        return "-"
    return f"{found.revision} {'✓' if found.right else '✗'}"


def _folded(title: Said, content: str, language: Language) -> str:
    return f"<details><summary>{_text(title, language)}</summary>\n\n{content}\n\n</details>"


def _reasons(run: Run, language: Language) -> Iterator[str]:
    for reason in _against(run):
        yield f"- **{_text(reason.word, language)}**: {_text(reason.sentence, language)}"


def _against(run: Run) -> tuple[Reason, ...]:
    verdict = run.kept.verdict
    return () if verdict is None else (*verdict.flags, *verdict.reasons)


def _back(run: Run) -> str:
    main = run.arm("treatment") or run.arm("no-action")
    return "-" if main is None or main.recovery is None else span(main.recovery)


def _sign(run: Run) -> str:
    verdict = run.kept.verdict
    if verdict is not None and verdict.flags:
        return _SIGN["refuted"]
    return _SIGN.get(str(verdict.word) if verdict else "unfinished", "❔")


def _word(run: Run, language: Language) -> str:
    verdict = run.kept.verdict
    word = str(verdict.word) if verdict else "unfinished"
    return _text(VERDICTS.get(word, word), language)


def _say(text: object, language: Language) -> str:
    return clean(hide(say(text, language)))


def _text(text: object, language: Language) -> str:
    """One line that Markdown shows as it is, and that pings nobody."""
    return _PINGS.sub(lambda found: f"{found[0]}&#8203;", markdown.escaped(_say(text, language)))


def _table(rows: Iterable[Sequence[object]], headers: Sequence[object], language: Language) -> str:
    shown = markdown.table(
        [[_say(cell, language) for cell in row] for row in rows], [_say(head, language) for head in headers]
    )
    return _PINGS.sub(lambda found: f"{found[0]}&#8203;", shown)


def _cut(comment: str, language: Language) -> str:
    """Whole lines, as many as a comment may have; folded parts are closed."""
    if len(comment) <= MOST:
        return comment
    kept = comment[:MOST].rpartition("\n")[0]
    closing = "\n\n</details>" * (kept.count("<details>") - kept.count("</details>"))
    return f"{kept}{closing}\n\n{_say(t('The rest did not fit into a comment.'), language)}\n"
