"""Hides secrets by their value in text that arrives in pieces.

A secret may be cut by the end of a read, and may span lines, so text is held back for as long as it could be
the beginning of one. The forms in which it is hidden are those of `forms.py`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache

from chaos_ext.masking.forms import forms, squeezed

MASK = "***"
_START = 8  # characters by which nearly all of a text is seen to begin no secret


class Masker:
    """Replaces secrets by ``***``. One per stream: `feed` pieces, `finish` at the end."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._broken_up: dict[str, bool] = {}
        for secret in secrets:
            for form, may_be in forms(secret).items():
                self._broken_up[form] = may_be or self._broken_up.get(form, False)
        # The longest of several that begin alike.
        self._forms = sorted(self._broken_up, key=len, reverse=True)
        self._sorted = sorted(self._forms)
        self._starts = {form[:_START] for form in self._forms}
        self._held = ""

    def another(self) -> Masker:
        """A masker of the same secrets, for another stream."""
        other = Masker()
        other._broken_up, other._forms = self._broken_up, self._forms
        other._sorted, other._starts = self._sorted, self._starts
        return other

    def whole(self, text: str) -> str:
        """`text` with its secrets hidden."""
        spans = self._spans(text, squeezed(text))
        if not spans:
            return text
        ends = [0, *(end for _, end in spans)]
        shown = [text[end:begin] for end, (begin, _) in zip(ends, spans, strict=False)]
        return MASK.join([*shown, text[ends[-1] :]])

    def feed(self, text: str) -> str:
        """What of the text so far can be shown."""
        if not self._forms:
            return text
        text = self._held + text
        cut = self._safe_end(text)
        self._held = text[cut:]
        return self.whole(text[:cut])

    @property
    def holds(self) -> bool:
        """Whether text is held back."""
        return bool(self._held)

    @property
    def holds_lines(self) -> bool:
        """Whether what is held back ends with a line, so that a person waits for it."""
        return self._held.endswith("\n")

    def finish(self) -> str:
        """What was held back."""
        held, self._held = self._held, ""
        return self.whole(held)

    def _spans(self, text: str, tight: str) -> list[tuple[int, int]]:
        """Where secrets begin and end in `text`; `tight` is the same without white space."""
        found = [form for form in self._forms if form in tight]
        if not found:  # nearly always
            return []
        index = [at for at, character in enumerate(text) if not character.isspace()]
        spans, position = [], 0
        for first, size in sorted((first, -len(form)) for form in found for first in _all(form, tight)):
            last = first - size - 1
            if first >= position and self._fits(tight[first : last + 1], first, index):
                spans.append((index[first], index[last] + 1))
                position = last + 1
        return spans

    def _fits(self, form: str, first: int, index: list[int]) -> bool:
        last = first + len(form) - 1
        return self._broken_up[form] or index[last] - index[first] == last - first

    def _safe_end(self, text: str) -> int:
        tight = squeezed(text)
        start = max(0, len(tight) - len(self._forms[0]) + 1)
        left = next((len(tight) - i for i in range(start, len(tight)) if self._may_begin(tight, i)), 0)
        cut = _before_the_last(left, text)
        # A whole secret across the cut is shown only when it is sure that no longer one begins inside it.
        return next((begin for begin, end in self._spans(text, tight) if begin < cut < end), cut)

    def _may_begin(self, tight: str, first: int) -> bool:
        """Whether the rest of `tight` from `first` is the beginning of a form, and not the whole of it."""
        if len(tight) - first >= _START and tight[first : first + _START] not in self._starts:
            return False
        end = tight[first:]
        at = bisect_left(self._sorted, end)
        if at < len(self._sorted) and self._sorted[at] == end:
            at += 1
        return at < len(self._sorted) and self._sorted[at].startswith(end)


def _all(form: str, tight: str) -> Iterator[int]:
    """Where `form` begins in `tight`."""
    at = tight.find(form)
    while at >= 0:
        yield at
        at = tight.find(form, at + 1)


@lru_cache(maxsize=4)
def masker_of(secrets: frozenset[str]) -> Masker:
    """A masker that others share: for `whole`, and to make `another` from, which costs nothing."""
    return Masker(secrets)


def _before_the_last(count: int, text: str) -> int:
    """Where the last `count` characters of `text` begin, not counting white space; its end for none."""
    if not count:
        return len(text)
    at = len(text)
    while count:
        at -= 1
        count -= not text[at].isspace()
    return at
