"""Tables in Markdown that show exactly the text they were given, and line up also where nobody renders them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chaos_ext.report.text import pad, width

# What Markdown (CommonMark with GitHub's tables and strikethrough) would take for its own.
_MARKS = re.compile(r"[\\`*_{}\[\]<>|~]")
_ENTITY = re.compile(r"&(?=#?\w+;)")


def table(rows: Sequence[Sequence[object]], headers: Sequence[str]) -> str:
    """A table of GitHub's Markdown. Line breaks inside a cell become ``<br>``."""
    cells = [[escaped(str(cell)) for cell in row] for row in (headers, *rows)]
    widths = [max(3, *(width(row[index]) for row in cells)) for index in range(len(headers))]
    head, *body = (_line([pad(cell, size) for cell, size in zip(row, widths, strict=True)]) for row in cells)
    return "\n".join((head, _line(["-" * size for size in widths]), *body))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """`text` so that a cell of a table shows it as it is."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "<br>".join(_ENTITY.sub("&amp;", _MARKS.sub(r"\\\g<0>", line)) for line in lines)
