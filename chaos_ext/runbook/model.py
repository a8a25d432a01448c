"""What a runbook says: sections, steps, blocks, decisions. No I/O.

Lines count from 1 in the file. A step's `key` is how everything else names it: ``step-4``, ``decision-3``,
``undo-step-4``, or the section's own name when blocks stand directly below an H2 (``verification``).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from chaos_ext.errors import Problem

PLATFORMS = ("lab", "kubernetes", "aws", "gcp")
EXPORTED_NAME = re.compile(
    r"[A-Z][A-Z0-9_]*"
)  # a block of such a name exports its trimmed output, as in Runme


class SectionName(StrEnum):
    """The H2 headings, in the order in which they must stand."""

    MEANING = "Meaning"
    IMPACT = "Impact"
    PARAMETERS = "Parameters"
    DIAGNOSIS = "Diagnosis"
    MITIGATION = "Mitigation"
    VERIFICATION = "Verification"
    ESCALATION = "Escalation"


class Role(StrEnum):
    """What a block is for."""

    PARAMS = "params"  # sets the variables that the other blocks use
    DIAGNOSE = "diagnose"  # looks, never writes
    MITIGATE = "mitigate"  # changes the product
    UNDO = "undo"  # takes a mitigation back; run only when asked for
    STANDIN = "standin"  # does a manual step when nobody is there
    VERIFY = "verify"  # says whether users are well again


@dataclass(frozen=True)
class Expectation:
    """What a block must print on its standard output."""

    line: int
    how: str  # contains: the lines in this order, others between · lines: all lines in any order · exact
    lines: tuple[str, ...]  # each may end in " (re)" or " (glob)"


@dataclass(frozen=True)
class Block:
    """One executable fence. Values that could not be read have their defaults; the parser reported them."""

    line: int  # of the fence; the code begins one below
    code: str
    attributes: Mapping[str, str]
    role: Role | None = None
    on: str | None = None  # platform; None runs everywhere
    timeout_s: float = 60.0
    exit: int = 0
    next: str | None = None
    within_s: float = 0.0
    every_s: float = 1.0
    stable_s: float = 0.0
    expects: Expectation | None = None
    warned: bool = False  # a warning line stands above it

    @property
    def name(self) -> str:
        """Runme's name of the block; empty when it has none."""
        return self.attributes.get("name", "")

    @property
    def exports(self) -> str | None:
        """The variable that takes this block's trimmed output, when its name asks for that."""
        return self.name if EXPORTED_NAME.fullmatch(self.name) else None

    def runs_on(self, platform: str) -> bool:
        """Whether this block is meant for `platform`."""
        return self.on is None or self.on == platform


@dataclass(frozen=True)
class Branch:
    """One row of a decision's table."""

    line: int
    values: tuple[str, ...]  # any of them; may end in " (re)" or " (glob)"; empty: anything else
    target: str | None  # where its link goes: "#anchor"
    text: str  # the first cell as people read it


@dataclass(frozen=True)
class Task:
    """One thing that a person does by hand."""

    line: int
    text: str


class StepKind(StrEnum):
    """How a step is done."""

    STEP = "step"
    DECISION = "decision"
    UNDO = "undo"
    SECTION = "section"  # blocks directly below an H2


@dataclass(frozen=True)
class Step:
    """Something to do, to decide or to take back."""

    kind: StepKind
    number: int  # 0 for the blocks of a section
    heading: str
    key: str
    anchor: str  # what a link to it says after the '#'
    line: int
    section: SectionName
    blocks: tuple[Block, ...] = ()
    tasks: tuple[Task, ...] = ()
    branches: tuple[Branch, ...] = ()
    prose: bool = False  # words stand below the heading

    def blocks_on(self, platform: str) -> tuple[Block, ...]:
        """The blocks that `platform` runs, in order."""
        return tuple(block for block in self.blocks if block.runs_on(platform))


@dataclass(frozen=True)
class Section:
    """One H2 and where it stands. `name` is None for a heading that a runbook does not have."""

    name: SectionName | None
    heading: str
    anchor: str
    line: int
    empty: bool


@dataclass(frozen=True)
class Link:
    """A link or image as written."""

    line: int
    target: str


@dataclass(frozen=True)
class FrontMatter:
    """Our key of the front matter. `lines` says where each key stands."""

    id: str = ""
    recovers: tuple[str, ...] = ()
    owner: str = ""
    rto_s: float | None = None
    rpo_s: float | None = None
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Runbook:
    """A whole runbook. `problems` are what the parser could not make sense of."""

    path: Path
    title: str
    title_line: int
    digest: str  # SHA-256 of the file's bytes, hexadecimal
    front: FrontMatter
    sections: tuple[Section, ...]
    steps: tuple[Step, ...]  # steps, decisions and bare blocks, in the order in which they stand; no undo
    undos: tuple[Step, ...]
    links: tuple[Link, ...]
    anchors: frozenset[str]
    problems: tuple[Problem, ...]

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """Everything that holds blocks, by line."""
        return tuple(sorted((*self.steps, *self.undos), key=lambda step: step.line))

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms that some block names; empty when every block runs everywhere."""
        named = {block.on for _, block in self.blocks() if block.on}
        return tuple(platform for platform in PLATFORMS if platform in named)

    def blocks(self, *roles: Role) -> Iterator[tuple[Step, Block]]:
        """All blocks of these roles (of all roles when none is given) with their steps, by line."""
        for step in self.all_steps:
            for block in step.blocks:
                if not roles or block.role in roles:
                    yield step, block

    def undo_of(self, step: Step) -> Step | None:
        """How `step` is taken back."""
        return next(
            (undo for undo in self.undos if step.kind is StepKind.STEP and undo.number == step.number), None
        )

    def find(self, name: str) -> Step | None:
        """The step that `name` means: a key, an anchor with or without '#', 'Step 4', or one of its blocks."""
        wanted = name.strip().removeprefix("#")
        key = re.sub(r"\s+", "-", wanted).lower()
        for step in self.all_steps:
            if key in (step.key, step.anchor):
                return step
        return next((step for step, block in self.blocks() if block.name == wanted), None)

    def section_at(self, anchor: str) -> Section | None:
        """The section whose heading `anchor` names, in English or as it is written."""
        wanted = anchor.strip().removeprefix("#").lower()
        return next((s for s in self.sections if s.name and wanted in (s.anchor, s.name.value.lower())), None)


def matches(pattern: str, text: str) -> bool:
    """Whether `text` equals `pattern`, or fits it as a whole when it ends in ' (re)' or ' (glob)'."""
    if pattern.endswith(" (re)"):
        return re.fullmatch(pattern.removesuffix(" (re)"), text) is not None
    if pattern.endswith(" (glob)"):
        return fnmatch.fnmatchcase(text, pattern.removesuffix(" (glob)"))
    return pattern == text
