"""What is wrong with what an environment looks at, and with what modes say that they leave."""

# ruff: noqa: E501 - messages are compared whole, each on its line

from __future__ import annotations

from typing import Any

import pytest

from chaos_ext.catalog import check

MODE = "catalog/failure-modes/redis/redis-memory-full.yaml"
PLACE = "environments/lab.yaml"
HINT = "'*' only after its first step. Name what is left, not all that there is."

LEAVES = [
    ("a path that is looked at", "{path: files/names/edge, why: it is so}", []),
    ("everything", "{path: '**', why: x}", [
        f"got '**', expected a path such as postgresql/roles/batch/login; {HINT}",
    ]),
    ("a whole look", "{path: files/**, why: x}", [
        f"got 'files/**', expected a path such as postgresql/roles/batch/login; {HINT}",
    ]),
    ("a look that is not made", "{path: flies/names, why: x}", [
        "got 'flies/names', expected a path that begins with one of files. Did you mean 'files'?",
    ]),
    ("twice", "{path: files/names, why: x}, {path: files/names, why: y}", ["got 'files/names' again, expected each path once."]),
]  # fmt: skip


def problems(project: Any, file: str) -> list[str]:
    told = [str(problem) for problem in check.check(project.root, compiled=False).problems]
    assert all(problem.startswith(f"{file}:") for problem in told), told
    return [problem.partition(": ")[2] for problem in told]


@pytest.mark.parametrize(
    ("entries", "messages"), [case[1:] for case in LEAVES], ids=[case[0] for case in LEAVES]
)
def test_what_a_mode_leaves(good_project: Any, entries: str, messages: list[str]) -> None:
    good_project.edit(MODE, "reverify_every:", f"leaves: [{entries}]\nreverify_every:")
    assert [message.partition(": ")[2] for message in problems(good_project, MODE)] == messages


def test_leaves_say_why(good_project: Any) -> None:
    good_project.edit(MODE, "reverify_every:", "leaves: [{path: files/names}]\nreverify_every:")
    (message,) = problems(good_project, MODE)
    assert message.startswith("leaves[0].why: got nothing, expected a text")


SNAPSHOTS = [
    ("none", "[]", ["snapshot: got nothing, expected what must be as it was after a trial. Add 'snapshot: […]' with probes, or names such as lab.postgresql."]),
    ("one that is not shipped", "[lab.file]", [
        "snapshot[0]: got 'lab.file', expected a probe, or the name of one that is shipped. Did you mean 'lab.files'?",
    ]),
    ("twice", "[lab.files, lab.files]", [
        "snapshot[1].name: got 'files', expected a name of its own, without '/': paths of differences begin with it.",
    ]),
    ("a slash", "[{type: probe, name: a/b, provider: {type: http, url: 'http://127.0.0.1'}}]", [
        "snapshot[0].name: got 'a/b', expected a name of its own, without '/': paths of differences begin with it.",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("looks", "messages"), [case[1:] for case in SNAPSHOTS], ids=[case[0] for case in SNAPSHOTS]
)
def test_what_an_environment_looks_at(good_project: Any, looks: str, messages: list[str]) -> None:
    good_project.edit(PLACE, "snapshot: [lab.files]", f"snapshot: {looks}")
    assert problems(good_project, PLACE) == messages


def test_a_look_that_is_an_action_is_refused(good_project: Any) -> None:
    look = "{type: action, name: a, provider: {type: python, module: json, func: loads, arguments: {s: '1'}}}"
    good_project.edit(PLACE, "snapshot: [lab.files]", f"snapshot: [{look}]")
    (message,) = problems(good_project, PLACE)
    assert message.startswith("snapshot[0].type: got 'action'")
