"""What the parser understands, and what it says about the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos_ext.errors import UsageError
from chaos_ext.runbook.headings import slug
from chaos_ext.runbook.model import Role, SectionName, StepKind, matches
from chaos_ext.runbook.parse import parse, parse_text


def test_everything_of_a_runbook(well: str, write_runbook: Callable[[str], Path]) -> None:
    path = write_runbook(well)
    runbook = parse(path)
    assert runbook.title == "The store is down"
    assert runbook.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (runbook.front.id, runbook.front.recovers, runbook.front.rto_s) == ("well", ("store-down",), 600)
    assert [section.name for section in runbook.sections] == list(SectionName)
    numbered = [step for step in runbook.steps if step.number]
    assert [(step.kind, step.key) for step in numbered] == [
        (StepKind.STEP, "step-1"),
        (StepKind.DECISION, "decision-2"),
        (StepKind.STEP, "step-3"),
    ]
    look, decide, start = numbered
    lines = well.split("\n")
    assert lines[look.line - 1] == "### Step 1: Look"
    assert lines[look.blocks[0].line - 1].startswith("```sh")
    assert look.blocks[0].code == 'cat "$STATE"\nexport SEEN=yes\n'
    expects = look.blocks[0].expects
    assert expects
    assert (expects.how, expects.lines) == ("contains", ("down",))
    assert decide.blocks[0].exports == "BEST"
    assert [(row.values, row.target) for row in decide.branches] == [
        (("a", "b"), "#step-3-start-it"),
        ((), "#escalation"),
    ]
    assert start.blocks[0].warned
    assert start.blocks[0].timeout_s == 5
    undo = runbook.undo_of(start)
    assert undo
    assert undo.key == "undo-step-3"
    (verify,) = [block for _, block in runbook.blocks(Role.VERIFY)]
    assert (verify.within_s, verify.every_s, verify.stable_s) == (5, 0.05, 0)
    assert not runbook.problems


def test_what_is_not_given_has_its_default(well: str) -> None:
    (block,) = [b for _, b in parse_text(well, Path("well.md")).blocks() if b.name == "look"]
    assert (block.timeout_s, block.exit, block.next, block.on, block.warned) == (60, 0, None, None, False)


@pytest.mark.parametrize(
    "name", ["step-3", "Step 3", "#step-3-start-it", "step-3-start-it", "start"], ids=lambda name: str(name)
)
def test_a_step_is_found_by_all_its_names(well: str, name: str) -> None:
    step = parse_text(well, Path("well.md")).find(name)
    assert step
    assert step.key == "step-3"


def test_japanese_headings_are_the_same_runbook(well: str) -> None:
    japanese = well
    for english, alias in (
        ("## Meaning", "## 意味"),
        ("## Impact", "## 影響"),
        ("## Parameters", "## パラメータ"),
        ("## Diagnosis", "## 診断"),
        ("## Mitigation", "## 対処"),
        ("## Verification", "## 確認"),
        ("## Escalation", "## エスカレーション"),
        ("### Step 1: Look", "### 手順 1：状態を見る"),
        ("### Decision 2: Which node is best?", "### 判断 2：どのノードが最適か？"),
        ("### Step 3: Start it", "### 手順 3: 起動する"),
        ("#### Undo Step 3", "#### 手順 3 の取り消し"),
        ("#step-3-start-it", "#手順-3-起動する"),
        ("#escalation", "#エスカレーション"),
        ("anything else", "それ以外"),
    ):
        japanese = japanese.replace(english, alias)
    here, there = parse_text(japanese, Path("well.md")), parse_text(well, Path("well.md"))
    assert not here.problems
    assert [step.key for step in here.all_steps] == [step.key for step in there.all_steps]
    decision = next(step for step in here.steps if step.kind is StepKind.DECISION)
    found = here.find(decision.branches[0].target or "")
    assert found
    assert found.key == "step-3"
    section = here.section_at(decision.branches[1].target or "")
    assert section
    assert section.name is SectionName.ESCALATION


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        pytest.param(
            '"role":"diagnose","interactive":"false"}\ncat',
            '"rolle":"diagnose","interactive":"false"}\ncat',
            "```sh",
            "got the key 'rolle', expected one of role, undoes, on, timeout, exit, next, within, every, stable, needs, "
            "name, interactive, background, excludeFromRunAll, cwd, promptEnv, ignore. Did you mean 'role'?",
            id="unknown key",
        ),
        pytest.param('"name":"look"', '"name":{"x":"look"}', "```sh", "got a nested value", id="nesting"),
        pytest.param('"name":"look"', '"name":"l}ook"', "```sh", "got a brace inside a value", id="brace"),
        pytest.param('{"name":"look"', "{name=look", "```sh", "expected flat JSON", id="not JSON"),
        pytest.param('{"name":"look","role"', 'look {"role"', "```sh", "as one JSON object", id="word first"),
        pytest.param(
            '"role":"mitigate"',
            '"role":"mitigat"',
            "",
            "got 'mitigat', expected one of params",
            id="unknown role",
        ),
        pytest.param(
            '"role":"mitigate"',
            '"on":"lob","role":"mitigate"',
            "",
            "Did you mean 'lab'?",
            id="unknown platform",
        ),
        pytest.param('"timeout":"5s","within"', '"timeout":"5","within"', "", "with a unit", id="no unit"),
        pytest.param(
            '"timeout":"5s","within"', '"timeout":"0s","within"', "", "more than nothing", id="no time"
        ),
        pytest.param(
            '"role":"mitigate"', '"exit":"x","role":"mitigate"', "", "exit code from 0 to 255", id="exit"
        ),
        pytest.param("```sh {", "```bash {", "", "got 'bash', expected 'sh'", id="language"),
        pytest.param(
            '"expect":"contains"', '"expect":"contain"', "", "Did you mean 'contains'?", id="expect"
        ),
        pytest.param('"ignore":"true","expect"', '"expect"', "", "ignore: got none", id="output is run"),
        pytest.param("\ndown\n", "\n(down (re)\n", "", "a regular expression", id="bad pattern"),
        pytest.param(
            '```\n\n```text {"ignore"',
            '```\n\nIt says:\n\n```text {"ignore"',
            "",
            "no block right above",
            id="apart",
        ),
        pytest.param(
            "### Step 1: Look", "### Step one: Look", "### Step", "'Step N: verb …'", id="step heading"
        ),
        pytest.param(
            "### Step 3:", "### Step 1:", "### Step", "a second 'Step 1: Start it'", id="same number"
        ),
        pytest.param(
            "#### Undo Step 3", "#### Undo Step 4", "####", "it to stand below Step 4", id="other undo"
        ),
        pytest.param("#### Undo Step 3", "#### Undo it", "####", "expected 'Undo Step N'", id="undo heading"),
        pytest.param("## Impact", "## Impakt", "## ", "Did you mean 'Impact'?", id="section"),
        pytest.param("[Escalation](#escalation)", "Escalate", "|", "got 0 links in the row", id="no link"),
        pytest.param("# The store is down\n", "", "", "got 0 titles", id="no title"),
        pytest.param("## Impact", "# Another\n\n## Impact", "# Ano", "got 2 titles", id="two titles"),
        pytest.param("shell: bash", "shell: zsh", "shell", "expected 'shell: bash'", id="shell"),
        pytest.param("owner: sre", "oner: sre", "  oner", "Did you mean 'owner'?", id="front key"),
        pytest.param("rto: 10m", "rto: soon", "  rto", "got 'soon'", id="rto"),
        pytest.param("id: well", "id: [", "", "front matter", id="not YAML"),
    ],
)
def test_what_does_not_make_sense_is_reported(well: str, old: str, new: str, line: str, says: str) -> None:
    assert old in well
    broken = well.replace(old, new, 1)
    problems = parse_text(broken, Path("well.md")).problems
    found = [problem for problem in problems if says in str(problem)]
    assert found, [str(problem) for problem in problems]
    number = int(found[0].where.removeprefix("well.md:"))
    assert broken.split("\n")[number - 1].startswith(line)


def test_all_problems_come_at_once(well: str, write_runbook: Callable[[str], Path]) -> None:
    broken = well.replace('"role":"mitigate"', '"role":"x"').replace("shell: bash", "shell: fish")
    with pytest.raises(UsageError) as raised:
        parse(write_runbook(broken))
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "not UTF-8"])
def test_what_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "gone.md"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="expected a runbook in Markdown"):
        parse(path)


def test_examples_for_people_are_not_run(well: str) -> None:
    more = '\n```console\n$ rm -rf /\n```\n\n```sh {"ignore":"true"}\nrm -rf /\n```\n\n    rm -rf /\n'
    runbook = parse_text(well.replace("It is down.\n", "It is down.\n" + more), Path("well.md"))
    assert not runbook.problems
    assert len(list(runbook.blocks())) == 6


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Step 3: Start it", "step-3-start-it"),
        ("Which node, `pg-a`?", "which-node-pg-a"),
        ("手順 1：見る", "手順-1見る"),
    ],
)
def test_anchors_are_githubs(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a.c", "abc", False),
        ("a.c", "a.c", True),
        ("a.c (re)", "abc", True),
        ("a.c (re)", "abcd", False),
        ("pg-* (glob)", "pg-a", True),
        ("pg-* (glob)", "x pg-a", False),
    ],
)
def test_patterns_fit_whole_texts(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits
