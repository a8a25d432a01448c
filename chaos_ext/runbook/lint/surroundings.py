"""Rules about a runbook and the project around it: its id, the failure modes it recovers, its alerts."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_ext.errors import Problem, did_you_mean
from chaos_ext.language import t
from chaos_ext.model import text_in
from chaos_ext.runbook.lint.document import Document


def identity(document: Document) -> Iterator[Problem]:
    """The id is the file's stem, and it recovers something."""
    front, stem = document.runbook.front, document.runbook.path.stem
    if front.id and front.id != stem:
        yield document.problem(
            front.lines["id"], "runbook.id", f"'{front.id}'", t("the file's stem, '{stem}'", stem=stem)
        )
    if "recovers" in front.lines and not front.recovers:
        yield document.problem(
            front.lines["recovers"], "runbook.recovers", t("nothing"), t("ids of failure modes")
        )


def modes(document: Document) -> Iterator[Problem]:
    """The failure modes exist."""
    known = document.around.modes
    front = document.runbook.front
    for mode in front.recovers if known is not None else ():
        if mode not in (known or ()):
            hint = did_you_mean(mode, known or ())
            yield document.problem(
                front.lines["recovers"], "runbook.recovers", f"'{mode}'", t("a failure mode's id"), hint
            )


def alerts(document: Document) -> Iterator[Problem]:
    """Some alert links the runbook, and the runbook's title says what an alert says."""
    rules = document.around.alerts
    if rules is None:
        return
    runbook = document.runbook
    if not rules:
        hint = t("Nobody will find it at 3 am; add it to an alert in environments/.")
        yield document.problem(
            runbook.title_line, t("alert"), t("no alert that links this runbook"), t("at least one"), hint
        )
        return
    said = {rule.name for rule in rules} | {
        text_in(rule.summary, language) for rule in rules for language in ("en", "ja")
    }
    if runbook.title not in said:
        expected = t("what the alert says: '{summary}'", summary=text_in(next(iter(rules)).summary))
        yield document.problem(runbook.title_line, "H1", f"'{runbook.title}'", expected)
