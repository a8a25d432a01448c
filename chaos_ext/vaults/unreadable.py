"""What a secret holds as text, and why one cannot be read, in words that hold no value."""

from __future__ import annotations

from chaos_ext.language import t


class Unreadable(Exception):
    """What was found where the value should be; never the value itself."""

    def __init__(self, got: str, expected: str = "", hint: str = "") -> None:
        super().__init__(got)
        self.got = got
        self.expected = expected or t("the value")
        self.hint = hint


def text_of(data: bytes) -> str:
    """The bytes of a value as text. Raises Unreadable."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable(t("bytes that are not UTF-8"), t("a text")) from None
