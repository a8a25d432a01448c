"""What output is compared with: the lines that a block shall print, and the first column of a decision. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from markdown_it.token import Token

from chaos_ext.errors import Problem, did_you_mean
from chaos_ext.language import listed, t
from chaos_ext.runbook import attributes
from chaos_ext.runbook.model import Branch, Expectation
from chaos_ext.runbook.tokens import line_of, plain

_ELSE = re.compile(r"anything else|(?:それ|上記)以外", re.IGNORECASE)


def expectation(
    token: Token, attrs: Mapping[str, str], file: str, *, below_block: bool
) -> tuple[Expectation | None, list[Problem]]:
    """What the fence expects of the block above it, and what is wrong with that; None: nothing usable."""
    line = line_of(token)
    where = f"{file}:{line}"
    problems = attributes.unknown_keys(attrs, where, of_expectation=True)
    if attrs.get("ignore") != "true":
        problems.append(
            Problem(where, "ignore", t("none"), t("'true', or Runme offers the output as something to run"))
        )
    how = attrs["expect"]
    if how not in attributes.EXPECT:
        expected = t("one of {choices}", choices=listed(attributes.EXPECT))
        problems.append(Problem(where, "expect", f"'{how}'", expected, did_you_mean(how, attributes.EXPECT)))
        return None, problems
    if not below_block:
        problems.append(
            Problem(where, "expect", t("no block right above"), t("the block whose output this is"))
        )
        return None, problems
    lines = tuple(token.content.rstrip("\n").split("\n"))
    for number, text in enumerate(lines, start=line + 1):
        problems += _pattern(text, f"{file}:{number}")
    return Expectation(line, how, lines), problems


def branch(cells: list[Token], file: str) -> tuple[Branch, list[Problem]]:
    """A row of a decision's table, and what is wrong with it."""
    first, second = cells[0], cells[1] if len(cells) > 1 else None
    where = f"{file}:{line_of(first)}"
    problems: list[Problem] = []
    text = plain(first)
    codes = [child.content for child in first.children or () if child.type == "code_inline"]
    suffix = next((end for end in (" (re)", " (glob)") if text.endswith(end)), "")
    values = tuple(code + suffix for code in codes) if codes else (text,)
    if _ELSE.fullmatch(text):
        values = ()
    elif text == "":
        problems.append(
            Problem(where, t("decision"), t("an empty first cell"), t("a value, or 'anything else'"))
        )
    for value in values:
        problems += _pattern(value, where)
    targets = (
        [str(child.attrs["href"]) for child in (second.children or ()) if child.type == "link_open"]
        if second
        else []
    )
    if len(targets) != 1:
        got = t("{targets} links in the row '{text}'", targets=len(targets), text=text)
        expected = t("one link to the step to go to, such as [Step 4](#step-4-promote)")
        problems.append(Problem(where, t("decision"), got, expected))
    return Branch(line_of(first), values, unquote(targets[0]) if targets else None, text), problems


def _pattern(text: str, where: str) -> Iterator[Problem]:
    if text.endswith(" (re)"):
        try:
            re.compile(text.removesuffix(" (re)"))
        except re.error as error:
            got = f"'{text}' ({error})"
            yield Problem(where, "expect", got, t("a regular expression before ' (re)'"))
