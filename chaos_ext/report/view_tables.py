"""The catalogue's two tables as rows of words: for a terminal, or as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chaos_ext.catalog.coverage import HOW
from chaos_ext.history.measured import Measured
from chaos_ext.language import Language, listed, say, t
from chaos_ext.model import FailureMode, Impact, text_in
from chaos_ext.report import markdown
from chaos_ext.report.blocks import fitting
from chaos_ext.report.clean import wrap
from chaos_ext.report.views import ApplicationView, Cell, Felt, ProductView
from chaos_ext.verdict.facts import these
from chaos_ext.verdict.words import IMPACTS, VERDICTS


@dataclass(frozen=True)
class Part:
    """One table with its heading. Its first two columns name a row, the last one may be cut a little."""

    heading: str
    headers: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    remark: str = ""


def rendered(parts: Sequence[Part], form: str, language: Language, columns: int = 0) -> str:
    """`parts` as ``table`` or ``markdown``. `columns` is the terminal's width; 0 means any."""

    def of(part: Part) -> str:
        headers = [say(header, language) for header in part.headers]
        rows = [[say(cell, language) if isinstance(cell, str) else cell for cell in row] for row in part.rows]
        heading, remark = say(part.heading, language), say(part.remark, language)
        if form == "markdown":
            shown = markdown.table(rows, headers)
            return "\n\n".join(
                filter(None, (f"## {markdown.escaped(heading)}", shown, markdown.escaped(remark)))
            )
        return "\n".join(
            filter(None, (*wrap(heading, columns), fitting(rows, headers, columns), *wrap(remark, columns)))
        )

    return "\n\n".join(map(of, parts))


def application_parts(view: ApplicationView) -> list[Part]:
    """Service × failure mode, then what no failure mode tries."""
    cells = tuple(_cell_row(cell) for cell in view.cells if cell.felt or cell.reactions)
    silent = dict.fromkeys(cell.service for cell in view.cells if not cell.felt)
    remark = t(
        "Services without a user flow, listed only where a failure mode tries what they lean on: {names}.",
        names=listed(silent),
    )
    headers = (
        "SERVICE",
        "FAILURE MODE",
        "EXPECTED",
        "MEASURED",
        "AS EXPECTED",
        "VERDICT",
        "WHEN",
        "WHAT IT DOES",
    )
    return [
        Part(
            t("Expected and measured in {environment}", environment=view.environment),
            tuple(map(t, headers)),
            cells,
            remark if silent else "",
        ),
        _coverage(view),
    ]


def _coverage(view: ApplicationView) -> Part:
    tried: dict[tuple[str, str], dict[str, str]] = {}
    for each in view.coverage:
        row = tried.setdefault((each.service, each.dependency), {})
        row[each.how] = ", ".join(each.modes) or t("gap")
    gaps = sum(not each.modes for each in view.coverage)
    remark = t("{gaps} of {all} are gaps: no failure mode tries them.", gaps=gaps, all=len(view.coverage))
    if view.likely_without_runbook:
        ids = ", ".join(view.likely_without_runbook)
        remark = t("{first} Likely, but without a runbook: {ids}.", first=remark, ids=ids)
    headers = ("SERVICE", "DEPENDENCY", "DOWN", "SLOW", "WRONG")
    rows = tuple((*key, *(row[how] for how in HOW)) for key, row in tried.items())
    return Part(t("What is tried of each dependency"), tuple(map(t, headers)), rows, remark)


def _cell_row(cell: Cell) -> tuple[object, ...]:
    does = listed((reaction.told for reaction in cell.reactions), "; ")
    yes = {True: t("yes"), False: t("NO"), None: "-"}[cell.as_expected]
    return (
        cell.service,
        cell.mode.id,
        _flows(cell.felt, _expected),
        t("never") if cell.last is None else _flows(cell.felt, _measured),
        yes,
        "-" if cell.last is None else VERDICTS.get(cell.last.verdict, cell.last.verdict),
        when(cell.last),
        does,
    )


def _flows(felt: Sequence[Felt], word: Callable[[Felt], str]) -> str:
    """The flows that are hurt; `none` when no flow is, a dash when the service has none."""
    told = [(each.flow, word(each)) for each in felt]
    hurt = [t("{key} {value}", key=flow, value=impact) for flow, impact in told if impact != "none"]
    return listed(hurt) or (t("none") if told else "-")


def _expected(felt: Felt) -> str:
    return _claimed(felt.expected, felt.possible)


def _claimed(sure: Impact, possible: Impact | None) -> str:
    """One of two words, and nothing between them."""
    if possible is None:
        return IMPACTS[sure]
    return t("{claim} or {possible}", claim=IMPACTS[sure], possible=IMPACTS[possible])


def _measured(felt: Felt) -> str:
    return listed((IMPACTS.get(each, each) for each in felt.measured), "/") or t("no data")


def when(last: Measured | None) -> str:
    """When it was tried last (UTC, to the minute), and what has changed since."""
    if last is None:
        return t("never")
    at = last.started[:16].replace("T", " ")
    return at if not last.stale else t("{at}, stale: {what}", at=at, what=these(last.stale, at_most=3))


def product_parts(view: ProductView) -> list[Part]:
    """Product × failure mode."""
    headers = (
        "PRODUCT",
        "FAILURE MODE",
        "PRIORITY",
        "IMPACT",
        "ALERT",
        "RUNBOOK",
        "OBJECTIVES",
        "VERDICT",
        "WHEN",
        "EVENT",
    )
    rows = tuple(tuple(_mode_row(mode, last, view)) for mode, last in view.modes)
    return [Part(t("Failure modes by product"), tuple(map(t, headers)), rows)]


def _mode_row(mode: FailureMode, last: Measured | None, view: ProductView) -> Iterator[Any]:
    yield mode.product
    yield mode.id
    yield t(
        "{priority} ({severity}×{likelihood}×{detectability})",
        priority=mode.priority,
        severity=mode.severity,
        likelihood=mode.likelihood,
        detectability=mode.detectability,
    )
    impact = mode.impact
    claimed = [
        t("{key} {value}", key=flow, value=_claimed(impact.on(flow), impact.possible.get(flow)))
        for flow in dict.fromkeys((*impact.flows, *impact.possible))
    ]
    yield listed(claimed) or t("none")
    yield mode.detection.alert
    yield mode.runbook.removeprefix("runbooks/")
    yield objectives(mode, view.environment)
    yield "-" if last is None else VERDICTS.get(last.verdict, last.verdict)
    yield when(last)
    yield f"{text_in(mode.event, view.language)} {text_in(mode.impact.summary, view.language)}"


def objectives(mode: FailureMode, environment: str) -> str:
    """What a recovery there must keep to, in short."""
    try:
        kept = mode.objectives_in(environment)
    except KeyError:
        return "-"
    return t(
        "detect {detect:g} s, recover {recover:g} s, lose {lost}",
        detect=kept.detect_within,
        recover=kept.recover_within,
        lost=kept.lost_acknowledged_writes,
    )
