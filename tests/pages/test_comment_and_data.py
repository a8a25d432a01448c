"""A run as a comment on a pull request, and as data; several runs as one page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from pages.conftest import Page, kept, saying, shown
from verdict.cases import stores
from verdict.cases.noticed import URL, WANTED, D, revision
from verdict.conftest import Runs

from chaos_ext.language import Language, say
from chaos_ext.masking import register
from chaos_ext.model import Reason, Verdict, VerdictWord
from chaos_ext.pages import comment, data, several_page
from chaos_ext.pages.run import Run, told
from chaos_ext.report.several import Result
from chaos_ext.report.words import HOPS

BAD = Verdict(VerdictWord.REFUTED, (Reason("too-slow", "It took 12 s."),), (), "Worth nothing.", 1)


def _html(markdown: str) -> Page:
    """As GitHub reads it: tables, and `details` and `summary` of HTML, which is all that is ours."""
    return Page(MarkdownIt("commonmark").enable("table").render(markdown))


def test_a_comment_tells_the_verdict_the_figures_and_what_was_not_tested(runs: Runs) -> None:
    written = comment.run_comment(shown(runs.verified()), "en")
    assert written.startswith("### ✅ verified: The store is down\n")
    page = _html(written)
    for said in (
        "objective 10 s",
        "no-action 1 of 1 0 of 1",
        "Step: start mitigate 1/1",
        "What was not tested",
    ):
        assert said in page.text, said
    assert page.wrong == []


def test_a_comment_pings_nobody_and_shows_what_it_was_given(runs: Runs) -> None:
    words = "ask @sre-team or @bob, see #12 <b>bold</b> `x` *y* | z &lt; </details> \x1b[31mred"
    verdict = replace(BAD, reasons=(Reason("step-failed", words),))
    written = comment.run_comment(shown(runs.verified(), verdict), "en")
    assert re.findall(r"(?<![\w&])[@#]\w", written) == []
    page = _html(written)
    shown_words = page.text.replace("\u200b", "")
    assert "ask @sre-team or @bob, see #12 <b>bold</b> `x` *y* | z &lt; </details> red" in shown_words
    assert not {"b", "em", "strong"} - {"strong"} & {tag for tag, _ in page.tags}
    assert [tag for tag, _ in page.tags].count("code") == 2  # ours, at its end


@pytest.mark.parametrize("lines", [1, 3000])
def test_a_comment_fits_into_github(runs: Runs, lines: int) -> None:
    reasons = tuple(Reason("step-failed", f"{n}: {'x' * 100}") for n in range(lines))
    run = shown(runs.verified(), replace(BAD, reasons=reasons))
    for written in (comment.run_comment(run, "en"), comment.runs_comment([run, run], "ja")):
        assert len(written) < 65_536
        assert written.count("<details>") == written.count("</details>")
    assert ("did not fit" in comment.run_comment(run, "en")) is (lines > 1)


def test_secrets_are_in_no_form(runs: Runs) -> None:
    secret = 'pw"|<&*-4711-geheim'
    register.remember([secret])
    evidence = saying(
        runs.verified(),
        lambda e: {**e, "heading": f"Use {secret}", "why": secret} if e["kind"].startswith("step-") else e,
    )
    run = shown(evidence, replace(BAD, reasons=(Reason("step-failed", f"got {secret}"),)))
    for form in (
        comment.run_comment(run, "en"),
        comment.runs_comment([run, run], "en"),
        json.dumps(data.run_data(run, "en")),
        several_page.rendered([run, run], "en"),
    ):
        assert "4711-geheim" not in form
        assert "\\*\\*\\*" in form or "***" in form


def test_data_is_json_with_intervals_and_the_same_words_in_every_language(runs: Runs) -> None:
    run = shown(runs.verified())
    english, japanese = (json.loads(json.dumps(data.run_data(run, lang))) for lang in ("en", "ja"))
    assert english["schema"] == 1
    assert english["verdict"]["word"] == japanese["verdict"]["word"] == "verified"
    assert english["verdict"]["worth"] != japanese["verdict"]["worth"]
    treatment = english["arms"][0]
    assert (treatment["arm"], treatment["valid"], treatment["back"]) == ("treatment", 1, 1)
    assert 0 < treatment["recovery"]["earliest"] <= treatment["recovery"]["latest"] < 10
    assert english["arms"][1]["recovery"] is None
    submit = english["trials"][0]["flows"][0]
    assert (submit["flow"], submit["claimed"], submit["measured"]) == ("submit", "outage", "outage")
    assert [step["step"] for step in english["steps"]] == ["look", "start", "check"]
    assert english.keys() == japanese.keys()


def test_data_has_every_hop_and_what_the_alert_links(runs: Runs) -> None:
    made = data.run_data(shown(revision(runs, f"{URL}?revision={D[:12]}", D)), "en")
    trial = made["trials"][0]
    assert [hop["hop"] for hop in trial["hops"]] == ["hurt", "pending", "firing", "received"]
    assert trial["hops"][3]["note"] == WANTED
    for hop in trial["hops"]:
        assert hop["after_fault"]["earliest"] <= hop["after_fault"]["latest"], hop
        assert hop["took"]["earliest"] <= hop["took"]["latest"], hop
    assert (trial["linked"]["revision"], trial["linked"]["right"]) == (D[:12], True)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_comment_has_every_hop(runs: Runs, language: Language) -> None:
    right = comment.run_comment(shown(revision(runs, f"{URL}?revision={D[:12]}", D)), language)
    wrong = comment.run_comment(shown(revision(runs, f"{URL}?revision={'0' * 12}", D)), language)
    for word in HOPS.values():
        assert say(word, language) in right
    assert WANTED in right
    assert f"{D[:12]} ✓" in right
    assert f"{'0' * 12} ✗" in wrong


def _named(runs: Runs, name: str, verdict: Verdict | None = None) -> Run:
    return told(replace(kept(runs.verified(), verdict), folder=Path(f"/runs/{name}")))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_several_runs_are_one_page_the_worst_first(runs: Runs, language: str) -> None:
    good, bad = _named(runs, "r-good"), _named(runs, "javascript:bad", BAD)
    left = Result("never-run", None, note="</script>\x1b[31mno lab")
    page = Page(several_page.rendered([good, bad], language, [left]))  # type: ignore[arg-type]
    assert page.wrong == []
    hrefs = page.having("href")
    assert hrefs.index("./javascript%3Abad.html") < hrefs.index("./r-good.html")
    assert {h for h in hrefs if h.startswith("#")} <= {f"#{name}" for name in page.having("id")}
    assert "never-run" in page.text
    assert "</script>no lab" in page.text
    if language == "en":
        assert "1 refuted, 1 verified, 1 without a run" in page.text
        assert "too-slow It took 12 s." in page.text


def test_each_store_is_told_in_a_comment_and_in_data(runs: Runs) -> None:
    run = shown(stores.kept(runs, lost=["w1"], fresh=True))
    page = _html(comment.run_comment(run, "en"))
    assert "01-treatment submit insight 1 0 0 0 0 46 0.3–0.8 s 3.1–3.2 s" in page.text
    trial, alone = data.run_data(run, "en")["trials"]
    intake, insight = trial["stores"]
    assert (intake["store"], intake["acknowledged"], intake["lost"]) == ("intake", 78, [])
    assert (intake["slowest_seen"], intake["observed_rpo"]) == (None, None)
    assert (insight["store"], insight["lost"], insight["stale"]) == ("insight", ["w1"], 46)
    assert 3 < insight["observed_rpo"]["earliest"] < insight["observed_rpo"]["latest"] < 3.3
    assert [(s["flow"], s["of"], s["stale"]) for s in trial["shown"]] == [("read", "submit", 0)]
    assert alone["stores"] == []
