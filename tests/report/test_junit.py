from __future__ import annotations

from xml.etree import ElementTree

from chaos_ext.model import Reason, Verdict, VerdictWord
from chaos_ext.report.junit import junit_xml
from chaos_ext.report.several import Result

VERIFIED = Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0)
REFUTED = Verdict(VerdictWord.REFUTED, (Reason("too-slow", "back after 20 s <&>\x1b[31m"),), (), "0 of 1", 1)
UNKNOWN = Verdict(VerdictWord.UNKNOWN, (Reason("no-data", "nothing"),), (), "", 4)
FLAGGED = Verdict(VerdictWord.VERIFIED, (), (Reason("undo-failed", "still down"),), "1 of 1", 5)


def _cases(*results: Result) -> tuple[ElementTree.Element, dict[str, ElementTree.Element]]:
    suite = ElementTree.fromstring(junit_xml(results))
    return suite, {str(case.get("name")): case for case in suite}


def test_refuted_is_a_failure_unknown_an_error_and_a_flag_always_an_error() -> None:
    verdicts = {"a": VERIFIED, "b": REFUTED, "c": UNKNOWN, "d": FLAGGED}
    suite, cases = _cases(
        *(Result(mode, each.exit_code, each, seconds=2.0) for mode, each in verdicts.items())
    )
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "2")
    assert suite.get("time") == "8.000"
    assert cases["a"].find("failure") is None
    assert cases["a"].find("error") is None
    failure = cases["b"].find("failure")
    assert failure is not None
    assert failure.get("message") == "too-slow"
    assert failure.text == "too-slow: back after 20 s <&>"
    assert cases["c"].find("error") is not None
    flag = cases["d"].find("error")
    assert flag is not None
    assert flag.text == "undo-failed: still down"


def test_what_was_not_run_is_skipped_and_what_could_not_be_run_is_an_error() -> None:
    suite, cases = _cases(
        Result("fast", None, note="another one was not good"),
        Result("stopped", 130, note="somebody asked to stop"),
        Result("broken", 2, seconds=1.0, note="the lab does not start"),
        Result("again", 0, VERIFIED, before=True),
    )
    assert (suite.get("skipped"), suite.get("errors"), suite.get("failures")) == ("2", "1", "0")
    assert cases["fast"].find("skipped") is not None
    assert cases["stopped"].find("skipped") is not None
    error = cases["broken"].find("error")
    assert error is not None
    assert error.text == "the lab does not start"
    assert "decided before" in str(cases["again"].findtext("system-out"))


def test_a_process_that_failed_after_its_verdict_is_an_error() -> None:
    _, cases = _cases(Result("full", 2, VERIFIED, seconds=1.0, note="The disk is full."))
    assert cases["full"].find("error") is not None
