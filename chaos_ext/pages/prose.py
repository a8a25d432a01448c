"""A runbook's Markdown as HTML that may stand in a page of ours: no HTML of its own, no picture, no broken link.

The headings carry the anchors that the runbook's own links name.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from chaos_ext.masking.register import hide
from chaos_ext.report.clean import clean
from chaos_ext.runbook import front
from chaos_ext.runbook.headings import slug
from chaos_ext.runbook.tokens import plain

_OUTSIDE = re.compile(r"https?://", re.IGNORECASE)


def prose(text: str, pages: Collection[str]) -> Markup:
    """`text` without its front matter and title; `pages` are the runbooks that have a page, by stem."""
    _, skipped = front.split(text)
    lines = [clean(line) for line in hide(text).split("\n")[skipped:]]
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = reader.parse("\n".join(lines))
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", slug(plain(tokens[number + 1])))
        for child in token.children or ():
            if child.type == "link_open":
                _lead(child, pages)
    return Markup(reader.renderer.render(_without_title(tokens), reader.options, {}))


def _lead(link: Token, pages: Collection[str]) -> None:
    """Where a link may lead: on this page, to another runbook of the site, or to an address that is written out."""
    target = unquote(str(link.attrs.get("href", "")))
    path, _, anchor = target.partition("#")
    stem = path.rpartition("/")[2].removesuffix(".md")
    if not path and anchor:
        return
    if path.endswith(".md") and stem in pages and not _OUTSIDE.match(path):
        link.attrSet("href", f"{stem}.html" + (f"#{anchor}" if anchor else ""))
    elif not _OUTSIDE.match(target):
        link.attrs.pop("href", None)


def _without_title(tokens: list[Token]) -> list[Token]:
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        return tokens[3:]
    return tokens
