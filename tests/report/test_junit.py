from __future__ import annotations

from xml.etree import ElementTree

from chaos_ext.model import Reason, Verdict, VerdictWord
from chaos_ext.report.junit import junit_xml

VERIFIED = Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0)
REFUTED = Verdict(VerdictWord.REFUTED, (Reason("too-slow", "back after 20 s <&>\x1b[31m"),), (), "0 of 1", 1)
UNKNOWN = Verdict(VerdictWord.UNKNOWN, (Reason("no-data", "nothing"),), (), "", 4)
FLAGGED = Verdict(VerdictWord.VERIFIED, (), (Reason("undo-failed", "still down"),), "1 of 1", 5)


def test_refuted_is_a_failure_unknown_an_error_and_a_flag_always_an_error() -> None:
    text = junit_xml([("a", VERIFIED), ("b", REFUTED), ("c", UNKNOWN), ("d", FLAGGED)])
    suite = ElementTree.fromstring(text)
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "2")
    cases = {case.get("name"): case for case in suite}
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
