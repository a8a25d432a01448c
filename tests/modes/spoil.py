"""Runbooks with one mistake each, faults that do nothing, and what a run of them must say.

A `Spoil` takes a runbook's text and gives it back with a mistake in it. Every mode has a test file beside
this one with at least four of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from projects_for_tests import Project

Spoil = Callable[[str], str]

# --- mistakes ------------------------------------------------------------------------------------


def replaced(old: str, new: str) -> Spoil:
    """One place says something else, such as another target."""

    def change(text: str) -> str:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        return text.replace(old, new)

    return change


def without(heading: str) -> Spoil:
    """A step is missing: its whole section, the step's own undo with it."""
    return lambda text: text.replace(_section(text, heading), "")


def swapped(first: str, second: str, given: tuple[str, str]) -> Spoil:
    """Two steps in the wrong order; `given` keeps the linter from seeing it."""

    def change(text: str) -> str:
        one, two = _section(text, first), _section(text, second)
        return replaced(*given)(text).replace(one, "\0").replace(two, one).replace("\0", two)

    return change


def verifying(code: str) -> Spoil:
    """The verification runs `code` instead of looking."""

    def change(text: str) -> str:
        head, tail = text.split("## Verification")
        changed, count = re.subn(
            r"(```sh [^\n]*\n).*?(```)", rf"\g<1>{code}\n\g<2>", tail, count=1, flags=re.S
        )
        assert count == 1
        return f"{head}## Verification{changed}"

    return change


def does_nothing(name: str) -> Spoil:
    """The block called `name` succeeds and does nothing: its step is missing, and what leads there still does."""
    return block(name, code="true")


def block(name: str, before: str = "", after: str = "", code: str = "") -> Spoil:
    """The block called `name` does more (waits, does harm), `before` or `after` its own code; or `code` instead."""

    def change(text: str) -> str:
        pattern = rf'(```sh {{[^\n]*"name":"{re.escape(name)}"[^\n]*\n)(.*?)(```)'
        found = re.findall(pattern, text, re.S)
        assert len(found) == 1, f"block {name!r} is there {len(found)} times"
        head, old, tail = found[0]
        lines = (before, code or old.rstrip("\n"), after)
        return text.replace(head + old + tail, head + "".join(f"{line}\n" for line in lines if line) + tail)

    return change


def all_of(*spoils: Spoil) -> Spoil:
    """Several changes that are one mistake together."""

    def change(text: str) -> str:
        for spoil in spoils:
            text = spoil(text)
        return text

    return change


def _section(text: str, heading: str) -> str:
    """From a heading to the next one of the same or a higher level that is no undo."""
    found = re.search(rf"^### {heading}.*?(?=^### |^## )", text, re.M | re.S)
    assert found, heading
    return found[0]


# --- what a run must say -------------------------------------------------------------------------


def assert_not_verified(project: Project, mode: str, spoil: Spoil, expected: set[str]) -> None:
    """With this mistake the mode is not verified, and `expected` are among the reasons ("a|b": either of the two).

    Only the treatment runs: nobody's acting says nothing about a runbook. So this could never verify; what
    it must show is the right reason. ``{"needs-a-person"}`` is unknown, everything else refutes.
    """
    path = project.root / "catalog" / _runbook(project, mode)
    text = path.read_text()
    path.write_text(spoil(text))
    assert path.read_text() != text
    compiled = project.chaos("catalog", "compile")
    assert compiled.code == 0, compiled.out + compiled.err

    done = project.verify_treatment(mode)

    is_open = expected == {"needs-a-person"}
    # A runbook that stops half-way, or harms, may leave something besides; nothing else makes it a 5.
    left = {flag["word"] for flag in project.verdict()["flags"]}
    assert left <= {"environment-not-restored"}, done.out
    assert done.code == (5 if left else 4 if is_open else 1), done.out + done.err
    assert project.verdict()["word"] == ("unknown" if is_open else "refuted")
    reasons = project.reasons()
    if {
        "aborted",
        "not-recovered",
    } <= reasons:  # it was stopped because users were hurt, before a step could fail
        expected = expected - {"step-failed"}
    for words in expected:
        assert set(words.split("|")) & reasons, done.out
    assert project.labs() == []


def assert_noop_proves_nothing(project: Project, mode: str) -> None:
    """With a fault that does nothing the verdict is unknown, and the runbook is not followed."""
    path = _file(project, mode)
    written = yaml.safe_load(path.read_text())
    written["reproduce"]["lab"][0]["provider"] = {
        "type": "python",
        "module": "chaos_ext.probes.tolerance",
        "func": "holds",
    }
    path.write_text(yaml.safe_dump(written, allow_unicode=True, sort_keys=False))
    compiled = project.chaos("catalog", "compile")
    assert compiled.code == 0, compiled.out + compiled.err

    done = project.verify_treatment(mode)

    assert done.code == 4, done.out + done.err
    assert project.verdict()["word"] == "unknown"
    assert "fault-not-injected" in project.reasons()
    assert not [event for event in project.events() if event["kind"] == "step-started"]
    assert project.labs() == []


def assert_verified(project: Project, mode: str) -> dict[str, Any]:
    """The shipped mode is verified by a smoke run, and nothing is left of it; the verdict."""
    done = project.chaos("verify", mode)

    assert done.code == 0, done.out + done.err
    verdict = project.verdict()
    assert (verdict["word"], verdict["reasons"], verdict["flags"]) == ("verified", [], [])
    assert all(entry["state"] in ("undone", "superseded") for entry in project.ledger())
    assert project.labs() == []
    return verdict


# --- the three slow tests that a mode has ---------------------------------------------------------


def proven(mode: str) -> Callable[..., None]:
    """The test that the shipped runbook is verified."""

    @pytest.mark.slow
    def test(project: Project) -> None:
        assert_verified(project, mode)

    return test


def not_verified(mode: str, bad: list[Any]) -> Callable[..., None]:
    """The test that a runbook with one of the mistakes in `bad` is not; each a parameter (mistake, expected words)."""

    @pytest.mark.slow
    @pytest.mark.parametrize(("mistake", "expected"), bad)
    def test(project: Project, mistake: Spoil, expected: set[str]) -> None:
        assert_not_verified(project, mode, mistake, expected)

    return test


def proving_nothing(mode: str) -> Callable[..., None]:
    """The test that a fault that does nothing is `unknown`."""

    @pytest.mark.slow
    def test(project: Project) -> None:
        assert_noop_proves_nothing(project, mode)

    return test


def _file(project: Project, mode: str) -> Any:
    (path,) = (project.root / "catalog").glob(f"failure-modes/*/{mode}.yaml")
    return path


def _runbook(project: Project, mode: str) -> str:
    return str(yaml.safe_load(_file(project, mode).read_text())["runbook"])
