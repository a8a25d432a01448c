"""Verdicts as JUnit XML, for CI: `refuted` is a failure, `unknown` an error, a flag always an error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from chaos_ext.errors import UsageError
from chaos_ext.history.reading import run_facts
from chaos_ext.model import Reason, VerdictWord
from chaos_ext.report.clean import clean
from chaos_ext.report.several import Result
from chaos_ext.report.words import approved as approved_words


def junit_xml(results: Sequence[Result]) -> str:
    """One test case for each failure mode; one that was not run is skipped."""
    suite = ElementTree.Element("testsuite", name="chaos verify", tests=str(len(results)))
    counts = {"failure": 0, "error": 0, "skipped": 0}
    for result in results:
        took = f"{result.seconds:.3f}"
        case = ElementTree.SubElement(
            suite, "testcase", classname="chaos.verify", name=result.mode, time=took
        )
        kind = _kind(result)
        if kind:
            counts[kind] += 1
            reasons = () if result.verdict is None else (*result.verdict.flags, *result.verdict.reasons)
            words = ", ".join(dict.fromkeys(reason.word for reason in reasons)) or clean(result.note)
            told = ElementTree.SubElement(case, kind, type=result.word, message=words)
            told.text = "\n".join([*map(_told, reasons), *map(clean, result.note.splitlines())])
        ElementTree.SubElement(case, "system-out").text = "\n".join(_output(result))
    suite.set("failures", str(counts["failure"]))
    suite.set("errors", str(counts["error"]))
    suite.set("skipped", str(counts["skipped"]))
    suite.set("time", f"{sum(result.seconds for result in results):.3f}")
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _output(result: Result) -> Iterator[str]:
    if result.verdict is not None:
        yield clean(result.verdict.worth)
    if result.before:
        yield "decided before"
    if approved := _approved(result.bundle):
        yield clean(approved_words(approved))
    if result.bundle is not None:
        yield f"bundle: {result.bundle}"


def _approved(bundle: Path | None) -> dict[str, Any]:
    """What its run keeps of an approval; nothing where there was none, or nothing can be read."""
    try:
        return {} if bundle is None else run_facts(bundle).get("approved") or {}
    except UsageError:
        return {}


def _kind(result: Result) -> str:
    if result.verdict is None:
        return "skipped" if result.exit_code is None or not result.seconds else "error"
    if result.verdict.flags or result.verdict.word is VerdictWord.UNKNOWN:
        return "error"
    if result.verdict.word is VerdictWord.REFUTED:
        return "failure"
    return "" if result.good else "error"


def _told(reason: Reason) -> str:
    return clean(f"{reason.word}: {reason.sentence}")
