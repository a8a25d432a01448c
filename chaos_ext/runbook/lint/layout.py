"""Rules about the document as people read it: sections, headings, links, decisions, undo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from chaos_ext.errors import Problem
from chaos_ext.language import listed, t
from chaos_ext.runbook import front
from chaos_ext.runbook.headings import IN_JAPANESE, slug
from chaos_ext.runbook.lint.document import Document
from chaos_ext.runbook.model import Role, SectionName, Step, StepKind

_QUESTION = ("?", "？")


def sections(document: Document) -> Iterator[Problem]:
    """Every section is there once, in order, and says something."""
    found = [section for section in document.runbook.sections if section.name]
    names = [section.name for section in found]
    last = document.runbook.sections[-1].line if document.runbook.sections else document.runbook.title_line
    for name in SectionName:
        if name not in names:
            yield document.problem(
                last,
                t("section"),
                t("no '{name}'", name=name),
                t("'## {name}' (or '## {in_japanese}')", name=name, in_japanese=IN_JAPANESE[name]),
            )
    order = list(SectionName)
    for before, section in zip([None, *found], found, strict=False):
        assert section.name
        if names.count(section.name) > 1 and names.index(section.name) != found.index(section):
            yield document.problem(
                section.line,
                t("section"),
                t("a second '{heading}'", heading=section.heading),
                t("each section once"),
            )
        elif before and before.name and order.index(section.name) < order.index(before.name):
            expected = t("the order {sections}", sections=listed(SectionName))
            yield document.problem(
                section.line,
                t("section"),
                t("'{heading}' below '{other}'", heading=section.heading, other=before.heading),
                expected,
            )
        if section.empty:
            yield document.problem(
                section.line,
                t("section"),
                t("nothing below '{heading}'", heading=section.heading),
                t("at least a sentence"),
            )


def headings(document: Document) -> Iterator[Problem]:
    """Steps and decisions count up, and a decision asks."""
    last: dict[StepKind, Step] = {}
    for step in document.runbook.steps:
        if step.kind is StepKind.SECTION:
            if step.blocks and step.section not in (SectionName.PARAMETERS, SectionName.VERIFICATION):
                got = t("a block directly below '{heading}'", heading=step.heading)
                yield document.problem(
                    step.blocks[0].line, t("block"), got, t("it below a 'Step N:' heading")
                )
            continue
        before = last.get(step.kind)
        if before and step.number < before.number:
            got = t("'{heading}' below '{other}'", heading=step.heading, other=before.heading)
            yield document.problem(step.line, t("heading"), got, t("numbers that count up"))
        last[step.kind] = step
        if step.kind is StepKind.DECISION and not step.heading.rstrip().endswith((*_QUESTION, "か", "か。")):
            yield document.problem(
                step.line, t("heading"), f"'{step.heading}'", t("a question, with its mark at the end")
            )
        if step.kind is StepKind.STEP and not step.blocks and not step.tasks:
            yield document.problem(
                step.line,
                t("step"),
                t("nothing to do in '{heading}'", heading=step.heading),
                t("a block or a task list"),
            )


def links(document: Document) -> Iterator[Problem]:
    """Links within the document and to files lead somewhere. The web is not asked."""
    folder = document.runbook.path.parent
    for link in document.runbook.links:
        if re.match(r"[a-z][a-z0-9+.-]*:|//", link.target, re.IGNORECASE):
            continue
        path, _, anchor = link.target.partition("#")
        if path and not (folder / path).exists():
            yield document.problem(link.line, t("link"), f"'{link.target}'", t("a file that exists"))
            continue
        anchors = _anchors(folder / path) if path else document.runbook.anchors
        if anchor and anchors is not None and anchor not in anchors:
            near = [
                known
                for known in anchors
                if known.startswith(re.sub(r"^((?:step|decision)-\d+).*", r"\1", anchor))
            ]
            hint = t("Did you mean '#{near}'?", near=sorted(near)[0]) if near else ""
            yield document.problem(
                link.line, t("link"), f"'{link.target}'", t("the anchor of a heading"), hint
            )


def _anchors(path: Path) -> frozenset[str] | None:
    if path.suffix != ".md" or not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    body = text.split("\n")[front.split(text)[1] :]
    return frozenset(slug(line.lstrip("#").strip()) for line in body if line.startswith("#"))


def decisions(document: Document) -> Iterator[Problem]:
    """A decision has a block that says what is so, a table that says where to go, and a row for the rest."""
    for step in document.runbook.steps:
        if step.kind is not StepKind.DECISION:
            continue
        if not any(block.exports for block in step.blocks):
            expected = t("a block whose name is in UPPER_SNAKE, whose output is compared with the table")
            yield document.problem(step.line, t("decision"), t("no such block"), expected)
        if not step.branches:
            yield document.problem(
                step.line, t("decision"), t("no table"), t("a table: value, link to the step to go to")
            )
        elif not any(not row.values for row in step.branches):
            expected = t("a last row 'anything else'")
            yield document.problem(step.branches[-1].line, t("decision"), t("no such row"), expected)
        seen: dict[str, int] = {}
        for row in step.branches:
            for value in row.values or ("anything else",):
                if value in seen:
                    yield document.problem(
                        row.line,
                        t("decision"),
                        t("'{value}' again", value=value),
                        t("it once (line {line})", line=seen[value]),
                    )
                seen[value] = row.line


def ways_on(document: Document) -> Iterator[Problem]:
    """Where decisions and `next` send us is a step, a decision, or a section that comes after the parameters."""
    for step in document.runbook.all_steps:
        for row in step.branches:
            if row.target is not None and row.target in {link.target for link in document.runbook.links}:
                yield from _way_on(document, row.line, t("decision"), row.target)
        for block in step.blocks:
            if block.next is not None:
                yield from _way_on(document, block.line, "next", block.next)


def _way_on(document: Document, line: int, what: str, target: str) -> Iterator[Problem]:
    if what == "decision" and not target.startswith("#"):
        yield document.problem(
            line, what, f"'{target}'", t("a link within this runbook, such as #step-4-promote")
        )
        return
    runbook = document.runbook
    if target.startswith("#") and target.removeprefix("#") not in runbook.anchors:
        return  # a dead link, reported as such
    step = runbook.find(target)
    section = runbook.section_at(target)
    to = section.name if section else None
    fine = step is not None and step.kind in (StepKind.STEP, StepKind.DECISION)
    if not fine and to not in (*SectionName,)[3:]:
        keys = [known.key for known in runbook.steps if known.kind is not StepKind.SECTION]
        expected = t("one of {keys}, verification, escalation", keys=listed(keys))
        yield document.problem(line, what, f"'{target}'", expected)


def verification(document: Document) -> Iterator[Problem]:
    """Whoever mitigates must be told how to see that it worked."""
    runbook = document.runbook
    mitigations = [step for step, _ in runbook.blocks(Role.MITIGATE)]
    checks = [step for step, _ in runbook.blocks(Role.VERIFY) if step.section is SectionName.VERIFICATION]
    if mitigations and not checks:
        section = next((s for s in runbook.sections if s.name is SectionName.VERIFICATION), None)
        line = section.line if section else mitigations[0].line
        yield document.problem(
            line, t("verification"), t("no block of role 'verify'"), t("one that fails until users are well")
        )


def undo(document: Document) -> Iterator[Problem]:
    """Every mitigation says how it is taken back, or why it cannot be."""
    runbook = document.runbook
    for step in runbook.steps:
        if any(block.role is Role.MITIGATE for block in step.blocks) and runbook.undo_of(step) is None:
            expected = t("'#### Undo Step {number}' below it", number=step.number)
            hint = t("When it cannot be taken back, say so there.")
            yield document.problem(
                step.line, t("undo"), t("none for '{heading}'", heading=step.heading), expected, hint
            )
    for step in runbook.undos:
        if not step.prose and not step.blocks:
            yield document.problem(
                step.line, t("undo"), t("nothing below the heading"), t("a block, or why it cannot be undone")
            )
