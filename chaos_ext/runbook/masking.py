"""Hides secrets by their value in text that arrives in pieces.

A secret may be cut by the end of a read, and may span lines, so text is held back for as long as it could be
the beginning of one. Each line of a secret of several lines (a key in PEM) is a secret too, and so are the ways
in which JSON and URLs write it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "***"
_SHORTEST_LINE = 8  # a shorter line of a secret, such as a brace, is not worth hiding


class Masker:
    """Replaces secrets by ``***``. One per stream: `feed` pieces, `finish` at the end."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)  # the longest of several that begin alike
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if forms else None
        self._held = ""

    def whole(self, text: str) -> str:
        """`text` with its secrets hidden."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def feed(self, text: str) -> str:
        """What of the text so far can be shown."""
        if self._pattern is None:
            return text
        text = self._held + text
        cut = self._safe_end(text)
        self._held = text[cut:]
        return self.whole(text[:cut])

    @property
    def holds(self) -> bool:
        """Whether text is held back."""
        return bool(self._held)

    def finish(self) -> str:
        """What was held back."""
        held, self._held = self._held, ""
        return self.whole(held)

    def _safe_end(self, text: str) -> int:
        longest = len(self._forms[0])
        start = max(0, len(text) - longest + 1)
        cut = next((i for i in range(start, len(text)) if self._may_begin(text[i:])), len(text))
        # A whole secret across the cut is shown only when it is sure that no longer one begins inside it.
        for match in self._pattern.finditer(text) if self._pattern else ():
            if match.start() < cut < match.end():
                return match.start()
        return cut

    def _may_begin(self, end: str) -> bool:
        return any(len(end) < len(form) and form.startswith(end) for form in self._forms)


def _forms(secret: str) -> set[str]:
    lines = [line.strip() for line in secret.splitlines()]
    several = [line for line in lines if len(line) >= _SHORTEST_LINE] if len(lines) > 1 else []
    written = {secret, secret.strip(), json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return {form for form in {*written, quote(secret, safe=""), *several} if form}
