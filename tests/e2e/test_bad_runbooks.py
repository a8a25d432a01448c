"""Runbooks with one mistake each are not verified, and the reason names the mistake; no-op faults prove nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

Spoil = Callable[[str], str]


def _replace(old: str, new: str) -> Spoil:
    def change(text: str) -> str:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        return text.replace(old, new)

    return change


def _section(text: str, heading: str) -> str:
    """From a heading to the next one of the same or a higher level that is no undo."""
    found = re.search(rf"^### {heading}.*?(?=^### |^## )", text, re.M | re.S)
    assert found, heading
    return found[0]


def _without(heading: str) -> Spoil:
    return lambda text: text.replace(_section(text, heading), "")


def _swapped(first: str, second: str, given: tuple[str, str]) -> Spoil:
    """Two steps in the wrong order; `given` keeps the linter from seeing it."""

    def change(text: str) -> str:
        one, two = _section(text, first), _section(text, second)
        return _replace(*given)(text).replace(one, "\0").replace(two, one).replace("\0", two)

    return change


def _verification(code: str) -> Spoil:
    def change(text: str) -> str:
        head, tail = text.split("## Verification")
        changed, count = re.subn(
            r"(```sh [^\n]*\n).*?(```)", rf"\g<1>{code}\n\g<2>", tail, count=1, flags=re.S
        )
        assert count == 1
        return f"{head}## Verification{changed}"

    return change


PG, RELEASE = "postgresql-primary-down", "service-bad-release"
_EXTRA = '"role":"params","interactive":"false","promptEnv":"no"}'

BAD = [
    pytest.param(PG, _verification("echo fine"), {"verification-blind"}, id="pg-verification-always-passes"),
    pytest.param(
        PG,
        _without("Step 7: Release the new address to intake"),
        {"step-failed", "not-recovered"},
        id="pg-step-removed",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        PG,
        _replace('release set intake "database=$NEW_PRIMARY"', 'release set intake "database=$SILENT"'),
        {"step-failed", "not-recovered"},
        id="pg-wrong-host",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        PG,
        _swapped(
            "Decision 4: Which node becomes the primary",
            "Step 5: Promote the new primary",
            (
                'export NODES="${NODES:-pg-a pg-b pg-c}"',
                'export NODES="${NODES:-pg-a pg-b pg-c}" NEW_PRIMARY=""',
            ),
        ),
        {"step-failed", "not-recovered"},
        id="pg-steps-swapped",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        RELEASE,
        _replace('release activate "$SERVICE" "$BEFORE"\n', 'echo "$BEFORE ran before"\n'),
        {"step-failed", "not-recovered"},
        id="release-step-removed",
    ),
    pytest.param(
        RELEASE,
        _verification("echo fine"),
        {"verification-blind"},
        id="release-verification-always-passes",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        RELEASE,
        _replace("${SERVICE:-intake}", "${SERVICE:-dashboard}"),
        {"step-failed", "not-recovered"},
        id="release-wrong-host",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        RELEASE,
        _swapped(
            "Step 2: Count the internal errors of each release",
            "Decision 3: Did the errors come with the release",
            (f"{_EXTRA}\n", f'{_EXTRA}\nexport BEFORE="" ERRORS_NOW="" ERRORS_BEFORE=""\n'),
        ),
        {"needs-a-person"},  # without its figures the decision hands over
        id="release-steps-swapped",
        marks=pytest.mark.slow,
    ),
]


@pytest.mark.parametrize(("mode", "spoil", "expected"), BAD)
def test_a_bad_runbook_is_not_verified(project, mode: str, spoil: Spoil, expected: set[str]) -> None:
    path = project.root / "catalog" / "runbooks" / f"{mode}.md"
    text = path.read_text()
    path.write_text(spoil(text))
    assert path.read_text() != text
    compiled = project.chaos("catalog", "compile")
    assert compiled.code == 0, compiled.out + compiled.err

    done = project.chaos("verify", mode)

    assert done.code == (4 if "needs-a-person" in expected else 1), done.out + done.err
    assert project.verdict()["word"] == ("unknown" if "needs-a-person" in expected else "refuted")
    assert expected <= project.reasons(), done.out
    assert project.labs() == []


@pytest.mark.parametrize(
    "mode", [pytest.param(PG, marks=pytest.mark.slow), pytest.param(RELEASE)], ids=["pg", "release"]
)
def test_a_fault_that_does_nothing_proves_nothing(project, mode: str) -> None:
    (path,) = (project.root / "catalog").glob(f"failure-modes/*/{mode}.yaml")
    written: dict[str, Any] = yaml.safe_load(path.read_text())
    written["reproduce"]["lab"][0]["provider"] = {
        "type": "python",
        "module": "chaos_ext.probes.tolerance",
        "func": "holds",
    }
    path.write_text(yaml.safe_dump(written, allow_unicode=True, sort_keys=False))
    compiled = project.chaos("catalog", "compile")
    assert compiled.code == 0, compiled.out + compiled.err

    done = project.chaos("verify", mode)

    assert done.code == 4, done.out + done.err
    assert project.verdict()["word"] == "unknown"
    assert "fault-not-injected" in project.reasons()
    assert not [event for event in project.events() if event["kind"] == "step-started"]
