"""Other people's output made fit for a terminal and a log: visible characters only.

A service's log line may hold escape sequences that move the cursor, hide text or reorder it. None of that
reaches a person who has to believe what stands there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from chaos_ext.report.text import width

# CSI (colours, cursor), OSC and the other strings (titles, links) with their end, and single escapes.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_KEPT_FORMATS = "\u200d"  # joins emoji and some scripts; hides nothing
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def clean(text: str) -> str:
    """One line without control characters. A line that was overwritten (`\\r`) is what stood there last."""
    shown = _ESCAPES.sub("", text).expandtabs(4).rstrip("\r\n").rsplit("\r", 1)[-1]
    return "".join(c for c in shown.replace("\n", " ") if c in _KEPT_FORMATS or not _hidden(c))


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN


# What must not begin a line in Japanese, and what must not end one (JIS X 4051).
_NOT_FIRST = frozenset(
    "、。，．・：；？！ー」』）】〉》〕｝〜～％゛゜々ゝゞぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ,.;:!?)]}%"
)
_NOT_LAST = frozenset("「『（【〈《〔｛([{")


def wrap(text: str, columns: int) -> Iterator[str]:
    """`text` in lines of at most `columns`; words that are wider are broken. 0 columns: one line.

    Lines break at spaces and between Japanese characters, but not before a full stop or a closing bracket, nor
    after an opening one.
    """
    if not columns or width(text) <= columns:
        yield text
        return
    line = ""
    for gap, piece in _pieces(text):
        joined = f"{line}{gap}{piece}" if line else piece
        if width(joined) <= columns:
            line = joined
            continue
        if line:
            yield line
        *whole, line = _broken(piece, columns)
        yield from whole
    yield line


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """What may stand on lines of its own, each with the spaces before it."""
    gap = piece = ""
    for character in text:
        if character == " ":
            if piece:
                yield gap, piece
                gap = piece = ""
            gap += character
        elif piece and _may_break(piece[-1], character):
            yield gap, piece
            gap, piece = "", character
        else:
            piece += character
    yield gap, piece


def _may_break(before: str, after: str) -> bool:
    wide = width(before) > 1 or width(after) > 1
    return wide and after not in _NOT_FIRST and before not in _NOT_LAST and width(after) > 0


def _broken(word: str, columns: int) -> list[str]:
    parts, line = [], ""
    for character in word:
        if line and width(line + character) > columns:
            parts.append(line)
            line = ""
        line += character
    return [*parts, line]
