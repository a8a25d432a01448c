"""What markdown-it's tokens hold: lines, plain text, rows of tables, anchors and where links lead. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote

from markdown_it.token import Token

_ANCHOR = re.compile(r"""\b(?:id|name)=["']([^"']+)""")


def line_of(token: Token) -> int:
    """The line on which it begins, from 1."""
    return (token.map[0] if token.map else 0) + 1


def plain(inline: Token) -> str:
    """Its text without marks, on one line."""
    texts = [
        " " if child.type in ("softbreak", "hardbreak") else child.content
        for child in inline.children or ()
        if child.type in ("text", "code_inline", "softbreak", "hardbreak")
    ]
    return "".join(texts).strip()


def rows(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The cells of each row below a table's head."""
    cells: list[Token] = []
    in_body = False
    for token in tokens:
        if token.type == "tbody_open":
            in_body = True
        elif token.type == "tr_open":
            cells = []
        elif token.type == "inline":
            cells.append(token)
        elif token.type == "tr_close" and in_body:
            yield cells


def anchors(inline: Token) -> Iterator[str]:
    """Those that stand in it as HTML."""
    for child in inline.children or ():
        if child.type == "html_inline":
            yield from _ANCHOR.findall(child.content)


def targets(inline: Token) -> Iterator[str]:
    """Where its links and images lead, as a person would write it."""
    for child in inline.children or ():
        target: Any = {"link_open": child.attrs.get("href"), "image": child.attrs.get("src")}.get(child.type)
        if target:
            yield unquote(str(target))
