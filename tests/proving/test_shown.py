"""Proofs as a terminal, a pull request and a program get them."""

from __future__ import annotations

from chaos_ext.language import say
from chaos_ext.proving import shown
from chaos_ext.proving.answers import Answer, Break, Finding, Kind, Result, Says, State
from chaos_ext.proving.proof import ModeProof
from chaos_ext.report.view_tables import rendered

KILLED = Finding(
    "m", Kind.EVIDENCE, "is-held", Break.WRONG_TARGET, "node: a -> b", Result.KILLED, State.IN_FORCE,
    Answer(Says.NO, "{}"), "fault-not-in-force",
)  # fmt: skip
SURVIVED = Finding("m", Kind.VERIFICATION, "m.md", Break.CONSTANT_TRUE, "", Result.SURVIVED, None, None, "")
BLIND = Finding(
    "m", Kind.VERIFICATION, "m.md", None, "", Result.SURVIVED, State.IN_FORCE,
    Answer(Says.YES, "all is | well"), "verification-blind",
)  # fmt: skip


def proof(*found, **more):
    return ModeProof("m", found=list(found), **more)


def test_a_table_says_what_killed_each_and_what_nobody_noticed():
    table = rendered(shown.parts([proof(BLIND, SURVIVED, KILLED)]), "table", "en")
    assert "1 of 2 mutants killed, 1 survived, 0 unproven; 1 probes do not discriminate" in table
    assert "killed: in force it says no (fault-not-in-force)" in table
    assert "wrong target (node: a -> b)" in table
    assert "SURVIVED: nobody would notice" in table
    assert "DOES NOT DISCRIMINATE: in force it says yes (verification-blind)" in table


def test_a_look_that_one_mode_shows_in_is_not_called_unproven():
    look = Finding(
        "n", Kind.LOOK, "cache", Break.EMPTY_DATA, "", Result.KILLED, State.BEFORE, Answer(Says.NOTHING), "blocked"
    )  # fmt: skip
    proofs = [proof(KILLED, unmoved=["cache", "proxies"]), ModeProof("n", found=[look])]
    assert "nothing is said of them: proxies." in shown.parts(proofs)[0].remark


def test_in_japanese_and_as_markdown():
    markdown = rendered(shown.parts([proof(BLIND, SURVIVED, KILLED)]), "markdown", "ja")
    assert "見逃し: 誰も気づかない" in markdown
    assert "対象の取り違え（node: a -\\> b）" in markdown
    assert "| プローブ" in markdown
    assert say(shown.of_mode(proof(KILLED)), "ja") == "変異1件のうち検出1件、0秒"


def test_a_program_gets_every_line_and_the_code():
    found = shown.as_dict([proof(BLIND, SURVIVED, KILLED), ModeProof("n", unproven="no lab")])
    assert (found["exit_code"], found["mutants"], found["survived"]) == (1, 2, 2)
    assert found["rows"][2] == {
        "mode": "m", "kind": "evidence", "probe": "is-held", "mutant": "wrong-target", "what": "node: a -> b",
        "result": "killed", "state": "in-force", "answer": "no", "told": "{}", "word": "fault-not-in-force", "why": "",
    }  # fmt: skip
    assert found["modes"][1]["unproven"] == "no lab"


def test_a_mode_of_which_nothing_is_known_is_never_a_pass():
    assert shown.code([proof(KILLED)]) == 0
    assert shown.code([proof(KILLED), ModeProof("n")]) == 4
    assert shown.code([proof(KILLED, unproven="busy")]) == 4
    assert shown.code([proof(KILLED, broken="left")]) == 5
