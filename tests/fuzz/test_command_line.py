"""A handful of spoilt files through the real commands, each a process of its own: no traceback, the right exit code."""

# ruff: noqa: E501 - a table

from __future__ import annotations

import json

import pytest
from fuzz import hostile, of_a_run

MODE = "catalog/failure-modes/redis/redis-memory-full.yaml"
RUNBOOK = "catalog/runbooks/redis-memory-full.md"
PLACE = "environments/lab.yaml"
RULES = "catalog/guidelines.yaml"
SPOILT = {
    "a tag that would run a command": (MODE, "severity: ", f"x: !!python/object/apply:os.system [touch {hostile.MARKER}]\nseverity: "),
    "an escape sequence": (MODE, "product: Redis", 'product: "\\e[2J\\a"\nzzz: "\\e[2J"'),
    "a number of many digits": (MODE, "severity: ", "y: 0x" + "f" * 5000 + "\nseverity: "),
    "a bool that is none": (PLACE, "disposable: true", "disposable: !!bool perhaps"),
    "a name too long for a file": (PLACE, "runbooks/redis-memory-full.md", "runbooks/" + "x" * 5000),
    "aliases that multiply": (RULES, "rules:", "a: &a [x, x]\n" + "".join(
        f"a{n}: &a{n} [{'*a' if not n else f'*a{n - 1}'}{(', ' + ('*a' if not n else f'*a{n - 1}')) * 9}]\n" for n in range(9)
    ) + "rules:"),
    "front matter that is a comment": (RUNBOOK, "---\n", "---\n# nothing\n---\n"),
    "attributes nested deeply": (RUNBOOK, "## Diagnosis\n", "## Diagnosis\n\n```sh {\"a\":" + "[" * 50_000 + "\n```\n"),
    "a lone surrogate": (RUNBOOK, "## Diagnosis\n", '## Diagnosis\n\n```sh {"role":"\\ud800"}\ntrue\n```\n'),
}  # fmt: skip


@pytest.mark.parametrize("case", SPOILT)
def test_a_check_names_the_line(case, project):
    path, old, new = SPOILT[case]
    text = (project.root / path).read_text(encoding="utf-8")
    assert old in text
    (project.root / path).write_text(text.replace(old, new, 1), encoding="utf-8")
    command = ("runbook", "lint", RUNBOOK) if path == RUNBOOK else ("catalog", "check")
    done = project.chaos(*command)
    assert done.code == 2, done.err
    assert f"{path}:" in done.out + done.err
    _is_clean(project, done)


LINES = {
    "nested deeply": b"[" * 100_000,
    "a lease that is a word": None,
    "no record": b'{"schema": 1, "entry": {}, "state": "undone", "wall": "x"}',
    "bytes": b"\xff\x00",
    "of a newer version": b'{"schema": 99}',
}


@pytest.mark.parametrize("case", LINES)
def test_a_damaged_ledger_is_refused(case, project, tmp_path):
    folder = project.root / ".chaos"
    raw = of_a_run.ledger_as_written(folder)
    line = LINES[case]
    if line is None:
        record = json.loads(raw.split(b"\n")[0])
        record["fault"]["lease_until"] = "soon"
        line = json.dumps(record).encode()
    (folder / "ledger" / "an-instance.jsonl").write_bytes(line + b"\n" + raw)
    commands = [("ledger", "show"), ("heal",)] if case in ("bytes", "a lease that is a word") else [("heal",)]
    for command in commands:
        done = project.chaos(*command)
        assert done.code == 4, (command, done.out, done.err)
        assert "an-instance.jsonl:1: " in done.err
        _is_clean(project, done)


def _is_clean(project, done) -> None:
    told = done.out + done.err
    assert "Traceback" not in told
    assert "bug in chaos-ext" not in told
    assert "\x1b" not in told
    assert len(told) < 20_000
    assert not list(project.root.rglob(hostile.MARKER))
