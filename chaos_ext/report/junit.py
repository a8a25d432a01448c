"""Verdicts as JUnit XML, for CI: `refuted` is a failure, `unknown` an error, a flag always an error."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from chaos_ext.model import Reason, Verdict, VerdictWord
from chaos_ext.report.clean import clean


def junit_xml(verdicts: Sequence[tuple[str, Verdict]]) -> str:
    """One test case for each (failure mode's id, verdict)."""
    suite = ElementTree.Element("testsuite", name="chaos verify", tests=str(len(verdicts)))
    counts = {"failure": 0, "error": 0}
    for mode, verdict in verdicts:
        case = ElementTree.SubElement(suite, "testcase", classname="chaos.verify", name=mode)
        kind = _kind(verdict)
        if kind:
            counts[kind] += 1
            reasons = [*verdict.flags, *verdict.reasons]
            words = ", ".join(dict.fromkeys(reason.word for reason in reasons))
            told = ElementTree.SubElement(case, kind, type=str(verdict.word), message=words)
            told.text = "\n".join(map(_told, reasons))
        ElementTree.SubElement(case, "system-out").text = clean(verdict.worth)
    suite.set("failures", str(counts["failure"]))
    suite.set("errors", str(counts["error"]))
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _kind(verdict: Verdict) -> str:
    if verdict.flags or verdict.word is VerdictWord.UNKNOWN:
        return "error"
    return "failure" if verdict.word is VerdictWord.REFUTED else ""


def _told(reason: Reason) -> str:
    return clean(f"{reason.word}: {reason.sentence}")
