"""Reads a runbook's Markdown into the model, and goes on after everything it cannot make sense of.

markdown-it finds the fences, tables and headings, as Runme's own CommonMark parser would; what they mean is
decided here.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from chaos_ext.errors import Problem, UsageError, did_you_mean
from chaos_ext.language import listed, t
from chaos_ext.runbook import attributes, comparisons, front, headings
from chaos_ext.runbook.model import (
    Block,
    Branch,
    Link,
    Runbook,
    Section,
    SectionName,
    Step,
    StepKind,
    Task,
)
from chaos_ext.runbook.tokens import anchors, line_of, plain, rows, targets

_MOST_BYTES = 200_000  # what it looks at grows faster than a file; people read the rest elsewhere anyway
_TASK = re.compile(r"\[[ xX]\]\s+(.*)", re.DOTALL)
_WARNING = re.compile(r"[\s*_>\[!⚠\ufe0f]*(?:warning|danger|caution|警告|注意|危険)|\s*⚠", re.IGNORECASE)
_ACTIVE = (SectionName.PARAMETERS, SectionName.DIAGNOSIS, SectionName.MITIGATION, SectionName.VERIFICATION)
_NUMBERED = (SectionName.DIAGNOSIS, SectionName.MITIGATION, SectionName.VERIFICATION)
_SHELLS = ("bash", "shell", "zsh", "ksh", "fish")  # Runme would run these too


def parse(path: Path) -> Runbook:
    """The runbook at `path`. UsageError with all problems when it cannot be read or does not make sense."""
    runbook = parse_text(read_text(path), path)
    if runbook.problems:
        raise UsageError(runbook.problems)
    return runbook


def read_text(path: Path) -> str:
    """What the file says. UsageError when it cannot be read."""
    expected = t("a runbook in Markdown")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError([Problem(shown(path), "", error.strerror or str(error), expected)]) from error
    if len(raw) > _MOST_BYTES:
        got, most = t("{raw:,} bytes", raw=len(raw)), t("at most {most:,}", most=_MOST_BYTES)
        raise UsageError([Problem(shown(path), "", got, most)])
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        where, got = f"{shown(path)}:{line}", t("bytes that are not UTF-8")
        raise UsageError([Problem(where, "", got, expected)]) from error


def parse_text(text: str, path: Path) -> Runbook:
    """The runbook that `text` is; `path` is where it stands (not read). Never raises for what it says."""
    return _Reader(text, path).read()


def shown(path: Path) -> str:
    """`path` as messages name it: from here when it is below here."""
    with contextlib.suppress(ValueError, OSError):
        return str(path.absolute().relative_to(Path.cwd()))
    return str(path)


@dataclass
class _Draft:
    """A step that is still being read."""

    step: Step
    blocks: list[Block] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    prose: bool = False
    warned: bool = False

    def finished(self) -> Step:
        return replace(
            self.step,
            blocks=tuple(self.blocks),
            tasks=tuple(self.tasks),
            branches=tuple(self.branches),
            prose=self.prose,
        )


class _Reader:
    def __init__(self, text: str, path: Path) -> None:
        self.path = path
        self.file = shown(path)
        self.text = text
        self.problems: list[Problem] = []
        self.titles: list[tuple[str, int]] = []
        self.sections: list[Section] = []
        self.drafts: list[_Draft] = []
        self.links: list[Link] = []
        self.anchors: dict[str, int] = {}
        self.section: SectionName | None = None
        self.draft: _Draft | None = None  # where the next block goes
        self.parent: _Draft | None = None  # the step that an undo belongs to
        self.after_block = False  # the last thing seen was an executable block

    def complain(self, line: int, what: str, got: str, expected: str, hint: str = "") -> None:
        self.problems.append(Problem(f"{self.file}:{line}", what, got, expected, hint))

    def read(self) -> Runbook:
        text = self.text.replace("\r\n", "\n").replace("\r", "\n")  # as Markdown counts lines
        source, lines = front.split(text)
        matter, problems = front.read(source, self.file)
        self.problems += problems
        self.lines = text.split("\n")
        body = "\n".join([""] * lines + self.lines[lines:])  # the numbers of the lines stay
        self.body(MarkdownIt("commonmark").enable("table").parse(body))
        steps = [draft.finished() for draft in self.drafts]
        title, title_line = self.titles[0] if self.titles else ("", 1)
        if len(self.titles) != 1:
            line = self.titles[1][1] if self.titles else lines + 1
            self.complain(
                line, "H1", t("{titles} titles", titles=len(self.titles)), t("one: what the alert says")
            )
        return Runbook(
            path=self.path,
            title=title,
            title_line=title_line,
            digest=hashlib.sha256(self.text.encode()).hexdigest(),
            front=matter,
            sections=tuple(self.sections),
            steps=tuple(step for step in steps if step.kind is not StepKind.UNDO),
            undos=tuple(step for step in steps if step.kind is StepKind.UNDO),
            links=tuple(self.links),
            anchors=frozenset(self.anchors),
            problems=tuple(self.problems),
        )

    def body(self, tokens: Sequence[Token]) -> None:
        position = 0
        while position < len(tokens):
            token = tokens[position]
            if token.type == "heading_open":
                self.heading(token, tokens[position + 1])
                position += 3
            elif token.type == "table_open":
                end = next(i for i in range(position, len(tokens)) if tokens[i].type == "table_close")
                self.table(tokens[position : end + 1])
                position = end + 1
            else:
                self.content(token)
                position += 1

    def content(self, token: Token) -> None:
        if token.type == "fence":
            self.seen()
            self.fence(token)
        elif token.type == "inline":
            self.seen()
            self.take_links(token)
            self.after_block = False
            if self.draft:
                task = _TASK.fullmatch(token.content)
                if task and self.section in _ACTIVE:
                    self.draft.tasks.append(Task(line_of(token), task[1]))
                elif _WARNING.match(token.content):
                    self.draft.warned = True
                self.draft.prose = True

    def seen(self) -> None:
        if self.sections:
            self.sections[-1] = replace(self.sections[-1], empty=False)

    # --- headings

    def heading(self, opening: Token, inline: Token) -> None:
        self.after_block = False
        text, line = plain(inline), line_of(opening)
        self.take_links(inline)
        anchor = self.anchor(text)
        level = int(opening.tag[1])
        if level == 1:
            self.titles.append((text, line))
        elif level == 2:
            self.open_section(text, anchor, line)
        elif level == 3:
            self.seen()
            self.open_step(text, anchor, line)
        elif level == 4:
            self.open_undo(text, anchor, line)

    def anchor(self, text: str) -> str:
        base = headings.slug(text)
        count = self.anchors.get(base, 0)
        self.anchors[base] = count + 1
        anchor = f"{base}-{count}" if count else base
        self.anchors.setdefault(anchor, 1)
        return anchor

    def open_section(self, text: str, anchor: str, line: int) -> None:
        name = self.section = headings.SECTIONS.get(text)
        if name is None:
            hint = did_you_mean(text, headings.SECTIONS)
            self.complain(
                line,
                t("section"),
                f"'{text}'",
                t("one of {choices}", choices=listed(SectionName)),
                hint,
            )
        self.sections.append(Section(name, text, anchor, line, empty=True))
        self.draft = self.parent = None
        if name in _ACTIVE:
            self.start(StepKind.SECTION, 0, text, name.value.lower(), anchor, line)

    def open_step(self, text: str, anchor: str, line: int) -> None:
        if self.section not in _NUMBERED:
            return  # a heading for people
        for kind, pattern in ((StepKind.STEP, headings.STEP), (StepKind.DECISION, headings.DECISION)):
            match = pattern.fullmatch(text)
            if match:
                self.start(kind, int(match[1]), text, f"{kind}-{int(match[1])}", anchor, line)
                self.parent = self.draft
                return
        expected = t("'Step N: verb …' or 'Decision N: question?'")
        self.complain(line, t("heading"), f"'{text}'", expected)
        self.draft = self.parent = None

    def open_undo(self, text: str, anchor: str, line: int) -> None:
        match = headings.UNDO.fullmatch(text)
        if match is None:
            self.draft = self.parent or self.draft
            if text.lower().startswith("undo"):
                self.complain(line, t("heading"), f"'{text}'", t("'Undo Step N'"))
            return
        number = int(match[1] or match[2])
        parent = self.parent.step if self.parent else None
        if parent is None or parent.number != number or parent.kind is not StepKind.STEP:
            got = (
                t("'{text}' below {heading!r}", text=text, heading=parent.heading)
                if parent
                else t("'{text}' outside of a step", text=text)
            )
            self.complain(line, t("heading"), got, t("it to stand below Step {number}", number=number))
        self.start(StepKind.UNDO, number, text, f"undo-step-{number}", anchor, line)

    def start(self, kind: StepKind, number: int, heading: str, key: str, anchor: str, line: int) -> None:
        twin = next((draft.step for draft in self.drafts if draft.step.key == key), None)
        if twin:
            self.complain(
                line,
                t("heading"),
                t("a second '{heading}'", heading=heading),
                t("each once; the first is on line {line}", line=twin.line),
            )
        assert self.section or kind is StepKind.UNDO
        section = self.section or SectionName.MITIGATION
        self.draft = _Draft(Step(kind, number, heading, key, anchor, line, section))
        self.drafts.append(self.draft)

    # --- fences

    def fence(self, token: Token) -> None:
        line = line_of(token)
        where = f"{self.file}:{line}"
        language, attrs, problems = attributes.split(token.info, where)
        self.problems += problems
        if "expect" in attrs:
            self.expectation(token, attrs)
            self.after_block = False
            return
        self.after_block = False
        if attrs.get("ignore") == "true" or (language not in ("sh", *_SHELLS) and "role" not in attrs):
            return
        if language != "sh":
            hint = t('For something that nobody runs write {"ignore":"true"} after it.')
            self.complain(line, t("fence"), f"'{language}'", "'sh'", hint)
        self.problems += attributes.unknown_keys(attrs, where)
        fields, wrong = attributes.typed(attrs, where)
        self.problems += wrong
        if self.draft is None:
            self.complain(line, t("block"), t("a block outside of a step"), t("it below a 'Step N:' heading"))
            return
        block = Block(line, token.content, attrs, warned=self.draft.warned, **fields)
        self.draft.blocks.append(block)
        self.draft.warned = False
        self.after_block = True

    def expectation(self, token: Token, attrs: dict[str, str]) -> None:
        below_block = self.after_block and self.draft is not None
        expects, problems = comparisons.expectation(token, attrs, self.file, below_block=below_block)
        self.problems += problems
        if expects and self.draft:
            self.draft.blocks[-1] = replace(self.draft.blocks[-1], expects=expects)

    # --- tables and links

    def table(self, tokens: Sequence[Token]) -> None:
        self.seen()
        self.after_block = False
        for token in tokens:
            if token.type == "inline":
                self.take_links(token)
        if self.draft is None:
            return
        self.draft.prose = True
        if self.draft.step.kind is StepKind.DECISION and not self.draft.branches:
            self.draft.branches = [self.branch(cells) for cells in rows(tokens) if cells]

    def branch(self, cells: list[Token]) -> Branch:
        found, problems = comparisons.branch(cells, self.file)
        self.problems += problems
        return found

    def take_links(self, token: Token) -> None:
        self.anchors.update(dict.fromkeys(anchors(token), 1))
        start, end = token.map or (0, 1)
        for target in targets(token):
            line = next((n for n in range(start, end) if target in self.lines[n]), start)
            self.links.append(Link(line + 1, target))
