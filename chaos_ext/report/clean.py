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


def wrap(text: str, columns: int) -> Iterator[str]:
    """`text` in lines of at most `columns`; words that are wider are broken. 0 columns: one line."""
    if not columns or width(text) <= columns:
        yield text
        return
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if width(joined) <= columns:
            line = joined
            continue
        if line:
            yield line
        *whole, line = _broken(word, columns)
        yield from whole
    yield line


def _broken(word: str, columns: int) -> list[str]:
    parts, line = [], ""
    for character in word:
        if line and width(line + character) > columns:
            parts.append(line)
            line = ""
        line += character
    return [*parts, line]
