"""The page of one run: what it shows, that it needs nothing but itself, and that nothing in a bundle can break it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from pages.conftest import Page, kept, saying, shown
from verdict.cases import stores
from verdict.cases.noticed import URL, WANTED, D, revision
from verdict.conftest import Runs

from chaos_ext.history import manifest
from chaos_ext.language import Language, say
from chaos_ext.masking import register
from chaos_ext.model import (
    Arm,
    MutantFinding,
    MutantWord,
    Mutation,
    Mutations,
    Reason,
    StepFinding,
    StepWord,
    Successes,
    Verdict,
    VerdictWord,
)
from chaos_ext.pages.run import told
from chaos_ext.pages.run_page import rendered
from chaos_ext.report.words import HOPS
from chaos_ext.verdict.judge import judge

LANGUAGES: tuple[Language, ...] = ("en", "ja")
HOSTILE = (
    "</script></pre></style><script>alert(1)</script><img src=x onerror=alert(1)>"
    "\x1b[31mred\x1b]8;;http://evil.example/\x07link\x1b]8;;\x07 \u202egnp.exe\u2066 \x00\x9b2J 幅広い文字 مرحبا "
    "' \" & {{ 7*7 }} {% raw %} \ud800 javascript:alert(1)"
)


def test_a_page_shows_what_was_proven(runs: Runs) -> None:
    page = Page(rendered(shown(runs.verified()), "en"))
    for said in (
        "The store is down",
        "verified",
        "1 of 1 recoveries inside the objective",
        "objective 10 s",
        "StoreDown, after 1.4–1.",
        "submit outage, back after",
        "read not hurt",
        "01-treatment: the fault, then the whole runbook",
        "02-no-action: the same fault, and nobody acts",
        "not in 10.8 s",
        "Step: start",
        "drawn from seed 7",
        "as they were sealed",
        "Whether each step is necessary",
    ):
        assert said in page.text, said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_tag_is_closed_and_every_link_stays_on_the_page(runs: Runs, language: Language) -> None:
    page = Page(rendered(shown(runs.verified()), language))
    assert page.wrong == []
    assert page.open == []
    ids = set(page.having("id"))
    assert set(page.having("href")) <= {f"#{name}" for name in ids}
    assert len(page.having("id")) == len(ids)
    assert ("html", {"lang": language}) in page.tags


def test_a_page_asks_for_nothing(runs: Runs) -> None:
    html = rendered(shown(runs.verified()), "en")
    page = Page(html)
    assert page.having("src") == page.having("srcset") == page.having("style") == []
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & {tag for tag, _ in page.tags}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    sheet = html.split("<style>")[1].split("</style>")[0]
    assert "url(" not in sheet
    assert "@import" not in sheet
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policy = next(str(a["content"]) for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "script-src" not in policy


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_words_are_only_shown(runs: Runs, language: Language) -> None:
    def spoil(event: dict) -> dict:  # type: ignore[type-arg]
        changed = dict(event)
        for key in ("heading", "command", "why", "runbook_url", "output"):
            if key in changed:
                changed[key] = HOSTILE
        if event["kind"] == "fault-in-force":
            changed["evidence"] = [{"name": HOSTILE, "holds": True, HOSTILE: HOSTILE}]
        return changed

    evidence = saying(runs.plus(runs.verified(), "step-output", step="look", line=HOSTILE), spoil)
    written = HOSTILE.replace("\ud800", "")  # which no file can hold
    evidence = replace(evidence, mode=evidence.mode.model_validate(runs.mode(title=written, event=written)))
    verdict = Verdict(VerdictWord.REFUTED, (Reason("step-failed", HOSTILE),), (), HOSTILE, 1)
    run = told(
        replace(kept(evidence, verdict, seed=HOSTILE), differences=(manifest.Difference(HOSTILE, HOSTILE),))
    )
    html = rendered(run, language)
    html.encode()  # a lone surrogate would not go into a file
    page = Page(html)
    assert page.wrong == []
    assert page.open == []
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert page.having("onerror") == []
    assert re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html) == []
    assert page.text.count("<img src=x onerror=alert(1)>redlink gnp.exe") > 8
    assert "{{ 7*7 }}" in page.text
    assert not [link for link in page.having("href") if not link.startswith("#")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_secrets_are_hidden_before_their_characters_are_escaped(runs: Runs, language: Language) -> None:
    secret = "pw<&>'\"-4711-geheim"
    register.remember([secret])
    evidence = saying(
        runs.plus(runs.verified(), "step-output", step="look", line=f"connected with {secret}"),
        lambda event: (
            {**event, "command": f"psql {secret}", "heading": f"Use {secret}"}
            if event["kind"] in ("step-started", "step-finished")
            else event
        ),
    )
    verdict = Verdict(VerdictWord.REFUTED, (Reason("step-failed", f"got {secret}"),), (), "", 1)
    html = rendered(shown(evidence, verdict), language)
    assert "4711-geheim" not in html
    assert "connected with ***" in html


def test_the_verdict_is_the_one_that_was_sealed(runs: Runs) -> None:
    """A page that judged again would say what today's rules say."""
    evidence = runs.verified()
    assert judge(evidence).word is VerdictWord.VERIFIED
    sealed = Verdict(VerdictWord.UNKNOWN, (Reason("no-data", "Nobody looked."),), (), "worth nothing", 4)
    page = Page(rendered(shown(evidence, sealed), "en"))
    assert "unknown" in page.text
    assert "Nobody looked." in page.text
    assert "verified" not in page.text


def test_a_flag_makes_a_verified_run_look_bad(runs: Runs) -> None:
    flagged = replace(judge(runs.verified()), flags=(Reason("undo-failed", "still down"),), exit_code=5)
    page = Page(rendered(shown(runs.verified(), flagged), "en"))
    assert ("section", {"class": "verdict bad", "aria-label": "verdict"}) in page.tags
    assert "undo-failed still down" in page.text


def test_what_steps_and_mistakes_have_shown_is_told(runs: Runs) -> None:
    step = StepFinding(
        "start", "Step: start", StepWord.NOT_SHOWN, Successes(5, 5), Successes(4, 5), 0, 1.0, "One more."
    )
    blind = MutantFinding(
        Mutation.WRONG_TARGET, "start", "Step: start", "09-mutated", MutantWord.BLIND, False, True, 0, "It passed."
    )  # fmt: skip
    verdict = replace(judge(runs.verified()), steps=(step,), mutations=Mutations(0, 1, (blind,)))
    page = Page(rendered(shown(runs.verified(), verdict), "en"))
    assert "not shown necessary One more." in page.text
    assert "It noticed 0 of 1 mistakes" in page.text
    assert "wrong target not noticed It passed. 09-mutated" in page.text


def test_a_trial_that_counts_for_nothing_says_why(runs: Runs) -> None:
    page = Page(rendered(shown(runs.without(runs.verified(), "recovery", Arm.NO_ACTION)), "en"))
    assert "02-no-action no no-data:" in page.text
    assert "1 of 2 trials count for nothing: 02-no-action" in page.text
    assert "Whether the service comes back when nobody acts: no such trial counts." in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_run_that_was_killed_at_once_has_a_page(runs: Runs, language: Language) -> None:
    evidence = replace(runs.verified(), trials=())
    run = told(replace(kept(evidence), verdict=None, judged={}, files={}))
    page = Page(rendered(run, language))
    assert page.wrong == []
    if language == "en":
        assert "This run was never judged" in page.text
        assert "No trial was recorded." in page.text


@pytest.mark.parametrize("cut", range(0, 30, 3))
def test_a_trial_that_ended_anywhere_has_a_page(runs: Runs, cut: int) -> None:
    evidence = runs.verified()
    short = tuple(replace(t, events=t.events[:cut], samples=t.samples[: cut * 10]) for t in evidence.trials)
    page = Page(rendered(shown(replace(evidence, trials=short)), "en"))
    assert page.wrong == []
    assert "verdict" in page.text or "unknown" in page.text


def test_a_page_of_many_trials_stays_small_and_says_what_it_leaves_out(runs: Runs) -> None:
    treated = [runs.treatment(number=n) for n in range(1, 60)]
    alone = [runs.no_action(number=n) for n in range(60, 70)]
    noise = [{"kind": "step-output", "step": "look", "at": 1006.0, "line": "x" * 200}] * 150
    noise += [{"kind": "step-output", "step": "look", "at": 1006.0, "line": "<" * 1_000_000}] * 400
    evidence = runs.run(*treated, *alone)
    loud = tuple(replace(t, events=(*t.events[:-1], *noise, t.events[-1])) for t in evidence.trials)
    html = rendered(shown(replace(evidence, trials=loud)), "en")
    assert len(html.encode()) < 1_000_000
    page = Page(html)
    assert "The transcripts of 68 more trials are in the bundle" in page.text
    assert "more lines are in trials/" in page.text
    assert "59 of 59 recoveries inside the objective" in page.text


def test_a_changed_bundle_is_not_called_whole(runs: Runs) -> None:
    differences = (
        manifest.Difference("trials/01-treatment/samples.jsonl", "changed after the run was sealed"),
    )
    page = Page(rendered(told(replace(kept(runs.verified()), differences=differences)), "en"))
    assert "samples.jsonl: changed after the run was sealed" in page.text
    assert "were as they were sealed" not in page.text


def test_no_english_is_left_on_a_japanese_page(runs: Runs) -> None:
    mode = runs.mode(title={"en": "Down", "ja": "停止"}, event={"en": "It dies.", "ja": "停止します。"})
    page = Page(rendered(shown(runs.run(mode=mode)), "ja"))
    texts = [re.sub("「[^」]*」", "", " ".join(text.split())) for text in page.texts]
    assert [text for text in texts if re.search(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}", text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_how_it_was_noticed_is_told_hop_by_hop(runs: Runs, language: Language) -> None:
    right = Page(rendered(shown(revision(runs, f"{URL}?revision={D[:12]}", D)), language))
    assert right.wrong == []
    assert "detection" in right.having("id")
    for said in (*(say(word, language) for word in HOPS.values()), WANTED, D[:12]):
        assert said in right.text, said
    old = Page(rendered(shown(revision(runs, f"{URL}?revision={'0' * 12}", D)), language))
    assert "0" * 12 in old.text
    assert "detection" in Page(rendered(shown(runs.verified()), language)).having("id"), (
        "older records have some hops"
    )


def test_what_an_environment_cannot_show_of_an_alert_is_said(runs: Runs) -> None:
    text = Page(rendered(shown(runs.verified()), "en")).text
    assert "in this environment it is only seen to fire" in text
    assert "in this environment links name none" in text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_each_store_has_a_row_and_so_has_what_flows_showed(runs: Runs, language: Language) -> None:
    page = Page(rendered(shown(stores.kept(runs, lost=["w1"], fresh=True)), language))
    assert page.wrong == []
    en = language == "en"
    for said in (
        "Store by store" if en else "保存先ごとの結果",
        "01-treatment submit intake 78 0 0 0 0 0 0 - -",
        "01-treatment submit insight 78 1 0 0 0 0 46 "
        + ("0.3–0.8 s 3.1–3.2 s" if en else "0.3〜0.8秒 3.1〜3.2秒"),
        "01-treatment read submit",
    ):
        assert said in page.text, page.text[page.text.index("01-treatment submit") :][:400]
