"""Why a secret cannot be read, in words that hold no value."""

from __future__ import annotations

from chaos_ext.language import t


class Unreadable(Exception):
    """What was found where the value should be; never the value itself."""

    def __init__(self, got: str, expected: str = "", hint: str = "") -> None:
        super().__init__(got)
        self.got = got
        self.expected = expected or t("the value")
        self.hint = hint
