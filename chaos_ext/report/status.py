"""Where the failure modes stand, for a terminal, a pull request and CI. Pure: no stream and no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from xml.etree import ElementTree

from chaos_ext.history.status import SAID, WORDS, Standing
from chaos_ext.language import Said, listed, t
from chaos_ext.model import VerdictWord
from chaos_ext.report.clean import clean
from chaos_ext.report.view_tables import Part


def parts(found: Sequence[Standing], remarks: Sequence[str]) -> list[Part]:
    """One table, the worst first, and below it what is not in it."""
    headers = ("STATUS", "FAILURE MODE", "ENVIRONMENT", "TRIED (UTC)", "TRIALS", "RUN", "BECAUSE")
    rows = tuple(tuple(_row(each)) for each in found)
    return [Part(summary(found), tuple(map(t, headers)), rows, listed(remarks, " "))]


def summary(found: Sequence[Standing]) -> Said:
    """How many of each, the worst first."""
    counts = Counter(each.word for each in found)
    order = sorted(counts, key=lambda word: WORDS.index(word) if word in WORDS else 0)
    told = [t("{count} {word}", count=counts[word], word=SAID.get(word, word)) for word in order]
    flagged = sum(bool(each.flags) for each in found)
    if flagged:
        told.insert(0, t("{count} left something broken", count=flagged))
    return listed(told) if told else t("no failure mode can be tried there")


def _row(each: Standing) -> Iterator[object]:
    yield SAID.get(each.word, each.word)
    yield each.mode
    yield each.environment
    yield each.started[:16].replace("T", " ") or "-"
    yield " ".join(each.arms) or "-"
    yield (f"{each.run_id} ({each.where})" if each.where else each.run_id) or "-"
    yield each.because


def junit_xml(found: Sequence[Standing], accepted: Collection[str] = ()) -> str:
    """A test case for each: `refuted` is a failure, what proves nothing now an error, what is accepted skipped."""
    suite = ElementTree.Element("testsuite", name="chaos status", tests=str(len(found)))
    counts = {"failure": 0, "error": 0, "skipped": 0}
    for each in found:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"chaos.status.{each.environment}", name=each.mode, time="0"
        )
        if not each.good:
            kind = _kind(each, accepted)
            counts[kind] += 1
            told = ElementTree.SubElement(
                case, kind, type=each.word, message=clean(each.because) or each.word
            )
            told.text = clean(each.because) or each.word
        ElementTree.SubElement(case, "system-out").text = (
            f"run: {each.run_id}" if each.run_id else "never tried"
        )
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(name, str(counts[kind]))
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _kind(each: Standing, accepted: Collection[str]) -> str:
    if each.word in accepted and not each.flags:
        return "skipped"
    return "failure" if each.word == VerdictWord.REFUTED and not each.flags else "error"
