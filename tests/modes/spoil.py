"""Runbooks with one mistake each, faults that do nothing, and what a run of them must say.

A `Spoil` takes a runbook's text and gives it back with a mistake in it. Every mode has a test file beside this one with
at least one mistake of each kind (`KINDS`); `test_every_mode.py` holds them to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, get_args

import pytest
import yaml
from projects_for_tests import Project

Spoil = Callable[[str], str]
Kind = Literal["missing", "swapped", "doubled", "wrong-target", "too-slow", "verification-blind"]
# To run a step of a shipped runbook twice is harmless, and the mutated arms try that. What is `doubled` here hurts:
# twice with its effect, or started over and cut midway.
KINDS: tuple[Kind, ...] = get_args(Kind)


def mistake(kind: Kind, what: str, spoil: Spoil, *expected: str, quick: bool = False) -> Any:
    """A row of a mode's `BAD`: which kind of mistake, what is mistaken, and the reasons that a run of it must give.

    "a|b": either of the two. `quick`: it is tried without --slow.
    """
    assert expected, f"{kind}-{what}: no reason"
    return pytest.param(spoil, set(expected), id=f"{kind}-{what}", marks=() if quick else pytest.mark.slow)


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
    """A step and a decision in the wrong order; `given` keeps the linter from seeing it."""

    def change(text: str) -> str:
        one, two = _section(text, first), _section(text, second)
        return replaced(*given)(text).replace(one, "\0").replace(two, one).replace("\0", two)

    return change


def exchanged(first: str, second: str) -> Spoil:
    """Two blocks in the wrong order: each does what the other should, under headings whose numbers count up."""

    def change(text: str) -> str:
        one, two = _code(text, first), _code(text, second)
        return block(second, code=one)(block(first, code=two)(text))

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
        old = _code(text, name)
        begin = text.index(f"\n{old}\n```", text.index(f'"name":"{name}"')) + 1
        lines = "\n".join(line for line in (before, code or old, after) if line)
        return text[:begin] + lines + text[begin + len(old) :]

    return change


def _code(text: str, name: str) -> str:
    """What the block called `name` runs."""
    found: list[str] = re.findall(
        rf'^```sh {{[^\n]*"name":"{re.escape(name)}"[^\n]*\n(.*?)\n```$', text, re.S | re.M
    )
    assert len(found) == 1, f"block {name!r} is there {len(found)} times"
    return found[0]


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
    """The test that a runbook with one of the mistakes in `bad`, each a row made by `mistake`, is not verified."""

    @pytest.mark.parametrize(("spoil", "expected"), bad)
    def test(project: Project, spoil: Spoil, expected: set[str]) -> None:
        assert_not_verified(project, mode, spoil, expected)

    return _about(test, mode)


def proving_nothing(mode: str, *, quick: bool = False) -> Callable[..., None]:
    """The test that a fault that does nothing is `unknown`; `quick`: it is tried without --slow."""

    def test(project: Project) -> None:
        assert_noop_proves_nothing(project, mode)

    return _about(test if quick else pytest.mark.slow(test), mode)


def _about(test: Any, mode: str) -> Callable[..., None]:
    """`test`, which knows of which mode it is."""
    test.of = mode
    told: Callable[..., None] = test
    return told


def _file(project: Project, mode: str) -> Any:
    (path,) = (project.root / "catalog").glob(f"failure-modes/*/{mode}.yaml")
    return path


def _runbook(project: Project, mode: str) -> str:
    return str(yaml.safe_load(_file(project, mode).read_text())["runbook"])
