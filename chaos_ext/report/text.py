"""Text in columns for a terminal, where Japanese characters take two.

Widths follow Unicode's East Asian Width (UAX #11): wide and fullwidth take two columns, combining marks
and format characters none, ambiguous ones one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_NO_WIDTH = frozenset(("Mn", "Me", "Cf", "Cc"))


def width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def pad(text: str, columns: int) -> str:
    """`text` with spaces after it up to `columns`; a longer one is left as it is."""
    return text + " " * (columns - width(text))


def pad_left(text: str, columns: int) -> str:
    """`text` with spaces before it up to `columns`; a longer one is left as it is."""
    return " " * (columns - width(text)) + text


def clip(text: str, columns: int, mark: str = "…") -> str:
    """`text` in at most `columns`, its cut end shown as `mark`. Never half a wide character."""
    if width(text) <= columns:
        return text
    kept, left = [], columns - len(mark)
    for character in text:
        left -= _columns(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept) + mark[: max(0, columns)]


def table(rows: Sequence[Sequence[object]], headers: Sequence[str], columns: int = 0) -> str:
    """Rows below headers, in columns that are two spaces apart; no line ends in a space.

    `columns` is the width to keep to: the last column gives way, down to 10. 0 means any width.
    """
    cells = [[one_line(cell) for cell in row] for row in (headers, *rows)]
    widths = [max(width(row[index]) for row in cells) for index in range(len(headers))]
    if columns and widths:
        before = sum(widths[:-1]) + 2 * (len(widths) - 1)
        widths[-1] = min(widths[-1], max(10, columns - before))
    lines = (
        "  ".join(pad(clip(cell, size), size) for cell, size in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
    return "\n".join(lines)


def one_line(cell: object) -> str:
    """`cell` as a terminal may show it: no line of it ends early, nothing in it moves the cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(cell)).split(" "))
