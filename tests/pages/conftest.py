"""Runs as pages are made from them: simulated evidence with the verdict that it earns, and no disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from history.conftest import new_run, project  # noqa: F401 - fixtures
from verdict.conftest import Runs, Told

from chaos_ext.history.findings import verdict_fields
from chaos_ext.masking import register
from chaos_ext.model import Event, Verdict
from chaos_ext.pages.kept import Kept
from chaos_ext.pages.run import Run, told
from chaos_ext.verdict.evidence import RunEvidence
from chaos_ext.verdict.judge import VERDICT_RULES, judge

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """A page as a browser reads it: its tags, its text, and whether every tag that opens is closed."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def having(self, attribute: str) -> list[str]:
        return [str(attrs[attribute]) for _, attrs in self.tags if attribute in attrs]


def kept(evidence: RunEvidence, verdict: Verdict | None = None, **facts: Any) -> Kept:
    """The bundle that holds `evidence`, sealed with `verdict` (the one it earns, without)."""
    sealed = judge(evidence) if verdict is None else verdict
    return Kept(
        folder=Path("/runs/20261128T224640996Z-store-down-dbde"),
        run={"started": "2026-11-28T22:46:41.001Z", "seed": 7, "versions": {"python": "3.11.7"}, **facts},
        evidence=evidence,
        verdict=sealed,
        judged={"rules": VERDICT_RULES, **verdict_fields(sealed)},
        files={"run.json": {"bytes": 12, "sha256": "ab" * 32}},
        differences=(),
        runbook=None,
    )


def shown(evidence: RunEvidence, verdict: Verdict | None = None, **facts: Any) -> Run:
    return told(kept(evidence, verdict, **facts))


def saying(evidence: RunEvidence, change: Callable[[Event], Event]) -> RunEvidence:
    """The run with every event changed."""
    trials = tuple(
        replace(trial, events=tuple(change(event) for event in trial.events)) for trial in evidence.trials
    )
    return replace(evidence, trials=trials)


@pytest.fixture
def runs() -> Runs:
    return Runs()


@pytest.fixture(autouse=True)
def _no_secret_stays() -> Any:
    yield
    register.forget()


__all__ = ["Page", "Told", "kept", "saying", "shown"]
