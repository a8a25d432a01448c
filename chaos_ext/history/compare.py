"""What differs between two runs: what they proved, when, with what, and the texts that they were about."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos_ext.errors import UsageError
from chaos_ext.history import freshness
from chaos_ext.history.entries import Entry, entry
from chaos_ext.history.reading import run_facts
from chaos_ext.language import Said, listed, t
from chaos_ext.verdict.words import VERDICTS

_ALWAYS_DIFFER = ("run", "started", "seed")
# What was looked at when it ran, as the bundle keeps it.
_TEXTS = ("runbook.md", "mode.json", "services.json", "environment.json")


@dataclass(frozen=True)
class Line:
    """One thing of both runs."""

    name: str  # for JSON
    what: str
    first: str
    second: str

    @property
    def same(self) -> bool:
        """Whether it is the same in both."""
        return self.first == self.second

    @property
    def telling(self) -> bool:
        """Whether it says something that it differs."""
        return not self.same and self.name not in _ALWAYS_DIFFER


@dataclass(frozen=True)
class Comparison:
    """Two runs held against each other."""

    lines: tuple[Line, ...]
    changed: tuple[str, ...]  # names of what a verdict rests on that differ
    texts: dict[str, str]  # file → unified diff, of those that differ

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "lines": [
                {"name": each.name, "first": each.first, "second": each.second, "same": each.same}
                for each in self.lines
            ],
            "changed": list(self.changed),
            "texts": self.texts,
        }


def compare(first: Path, second: Path) -> Comparison:
    """Hold the runs in two folders against each other. Raises UsageError when one is none."""
    one, other = entry(first), entry(second)
    then, now = _facts(first), _facts(second)
    lines = tuple(
        Line(name, what, before, after)
        for (name, what, before), (_, _, after) in zip(_said(one, then), _said(other, now), strict=True)
    )
    versions = tuple(_versions(then, now))
    changed = tuple(freshness.changed(then, now)) if then and now else ()
    return Comparison(lines + versions, changed, dict(_texts(first, second)))


def _facts(folder: Path) -> dict[str, Any]:
    try:
        return run_facts(folder)
    except UsageError:  # a tombstone, or damaged: the line of the verdict says so
        return {}


def _said(of: Entry, facts: dict[str, Any]) -> Iterator[tuple[str, Said, str]]:
    yield "run", t("run"), of.run_id
    yield "mode", t("mode"), of.mode
    yield "environment", t("environment"), of.environment
    yield "started", t("started (UTC)"), of.started[:19].replace("T", " ")
    yield "verdict", t("verdict"), VERDICTS.get(of.verdict, of.verdict)
    yield "because", t("because"), listed((*of.flags, *of.reasons)) or "-"
    yield "arms", t("arms"), " ".join(of.arms) or "-"
    yield "trials", t("trials"), str(of.trials)
    yield "seed", t("seed"), str(facts.get("seed", "-"))
    yield "detect_s", t("detected after"), _seconds(of.detect_s)
    yield "recover_s", t("recovered after"), _seconds(of.recover_s)
    yield "lost", t("lost writes"), "-" if of.lost is None else str(of.lost)
    yield "seconds", t("took"), _seconds(of.seconds)


def _seconds(value: float | None) -> str:
    return "-" if value is None else t("{s:.1f} s", s=value)


def _versions(then: dict[str, Any], now: dict[str, Any]) -> Iterator[Line]:
    """Only those that differ: there are many."""
    known = [each if isinstance(each := run.get("versions"), dict) else {} for run in (then, now)]
    for name in sorted(known[0].keys() | known[1].keys()):
        before, after = (str(each.get(name, "-")) for each in known)
        if before != after:
            yield Line(f"version of {name}", t("version of {name}", name=name), before, after)


def _texts(first: Path, second: Path) -> Iterator[tuple[str, str]]:
    for name in _TEXTS:
        before, after = _lines(first / name), _lines(second / name)
        if before is not None and after is not None and before != after:
            made = difflib.unified_diff(
                before, after, f"{first.name}/{name}", f"{second.name}/{name}", n=2, lineterm=""
            )
            yield name, "\n".join(made)


def _lines(path: Path) -> list[str] | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
