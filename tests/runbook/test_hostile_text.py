"""Runbooks that used to end the reader, or to keep it busy: now each is a problem with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos_ext.errors import UsageError
from chaos_ext.runbook import shell
from chaos_ext.runbook.lint import harm, lint
from chaos_ext.runbook.parse import parse_text, read_text

SHIPPED = Path(__file__).resolve().parents[2] / "catalog" / "runbooks" / "redis-memory-full.md"
FRONT = {
    "only a comment": ("# nothing\n", "runbook.md:2"),
    "a control character": ("id: \x07\n", "runbook.md:2"),
    "nested deeply": ("shell: bash\na: " + "[" * 5000 + "\n", "runbook.md:3"),
    "a circle": ("shell: bash\na: &a [*a]\n", "runbook.md:3"),
    "a key twice": ("shell: bash\nshell: bash\n", "runbook.md:3"),
    "two documents": ("shell: bash\n--- \nx: y\n", "runbook.md:"),
}
BLOCKS = {
    "attributes nested deeply": '```sh {"a":' + "[" * 100_000,
    "a step of many digits": f"### Step {'9' * 5000}: look",
    "an undo of many digits": f"#### Undo Step {'9' * 5000}",
    "a row without cells": "## Diagnosis\n\n### Decision 1: x?\n\n| a | b |\n|---|---|\n|\n",
    "carriage returns": "a\rb [x](y)\rc\n",
    "a very long block": "## Diagnosis\n\n```sh\n" + "a." * 50_000 + "com\n```\n",
}


@pytest.mark.parametrize("case", FRONT)
def test_front_matter_is_refused_with_its_line(case):
    source, where = FRONT[case]
    problems = parse_text(f"---\n{source}---\n# x\n", Path("runbook.md")).problems
    assert any(problem.where.startswith(where) for problem in problems), problems


@pytest.mark.parametrize("case", BLOCKS)
def test_a_runbook_is_read_to_its_end(case, tmp_path):
    path = tmp_path / SHIPPED.name
    path.write_bytes(SHIPPED.read_bytes() + BLOCKS[case].encode() + b"\n")
    assert all(problem.where.rpartition(":")[2].isdecimal() for problem in lint(path))


def test_lines_are_counted_whatever_ends_them():
    text = SHIPPED.read_text(encoding="utf-8")
    for end in ("\r\n", "\r"):
        runbook = parse_text(text.replace("\n", end), SHIPPED)
        assert not runbook.problems
        assert [step.line for step in runbook.steps] == [
            step.line for step in parse_text(text, SHIPPED).steps
        ]


def test_bytes_that_are_no_text_have_a_line(tmp_path):
    (tmp_path / "x.md").write_bytes(b"# x\n\ncaf\xe9\n")
    with pytest.raises(UsageError, match=r"x\.md:3: got bytes that are not UTF-8"):
        read_text(tmp_path / "x.md")


def test_a_file_too_large_to_be_a_runbook_is_not_read(tmp_path):
    (tmp_path / "x.md").write_bytes(b"x" * 200_001)
    with pytest.raises(UsageError, match=r"200,001 bytes, expected at most 200,000"):
        read_text(tmp_path / "x.md")


def test_functions_that_call_each_other_many_times_are_said_to():
    code = "".join(f'f{n}() {{ f{n + 1} "$@"; f{n + 1} "$@"; }}\n' for n in range(60)) + "f0 x\n"
    found = list(harm.destroys(shell.read(code)))
    assert (61, "'f0 x', which calls more than 30 others") in found


def test_a_long_block_is_said_to_be_one():
    script = shell.read("x" * 10_001)
    assert script.error == ("10,001 characters, more than 10,000", 1)
    assert script.commands == []
