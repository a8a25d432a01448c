"""Whatever stands in a record, it has a page: other versions, damage and malice are shown, never believed or fatal."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages.conftest import Page, kept, shown
from verdict.conftest import Runs

from chaos_ext.pages import comment, data
from chaos_ext.pages.run import told
from chaos_ext.pages.run_page import rendered
from chaos_ext.verdict.judge import judge

EVIDENCE = Runs().verified()
VERDICT = judge(EVIDENCE)
FIELDS = sorted({key for trial in EVIDENCE.trials for event in trial.events for key in event} - {"kind"})
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=8) | st.just("</script>"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
EXTRA = (
    "receivers",
    "left",
    "steps",
    "evidence",
    "flows",
    "objectives",
    "proofs",
    "unmatched",
    "title",
    "arms",
)


@settings(max_examples=150)
@given(
    st.dictionaries(st.sampled_from([*FIELDS, *EXTRA]), JUNK, min_size=1, max_size=4),
    st.sampled_from(["", *sorted({event["kind"] for trial in EVIDENCE.trials for event in trial.events})]),
)
def test_a_record_with_anything_in_it_has_a_page(junk: dict[str, Any], kind: str) -> None:
    def spoil(event: dict[str, Any]) -> dict[str, Any]:
        return {**event, **junk} if event["kind"] == kind or not kind else event

    trials = tuple(replace(t, events=tuple(map(spoil, t.events))) for t in EVIDENCE.trials)
    events = ({"kind": "run-started", "at": 1.0, **junk}, {"kind": "variant-left-out", "at": 1.0, **junk})
    run = shown(replace(EVIDENCE, trials=trials, events=events), VERDICT)
    page = Page(rendered(run, "ja"))
    assert (page.wrong, page.open) == ([], [])
    comment.run_comment(run, "en").encode()
    json.dumps(data.run_data(run, "ja"))


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from(["started", "seed", "versions", "digests", "activities", "deployed"]), JUNK
    )
)
def test_facts_with_anything_in_them_have_a_page(junk: dict[str, Any]) -> None:
    bundle = kept(EVIDENCE)
    page = Page(rendered(told(replace(bundle, run=junk, judged=junk)), "en"))
    assert (page.wrong, page.open) == ([], [])


@pytest.mark.parametrize(
    "files", [{"x": {}}, {"x": {"bytes": "many", "sha256": 3}}, {"</script>": {"link": "</a>"}}]
)
def test_a_manifest_with_anything_in_it_has_a_page(files: dict[str, Any]) -> None:
    page = Page(rendered(told(replace(kept(EVIDENCE), files=files)), "en"))
    assert (page.wrong, page.open) == ([], [])
