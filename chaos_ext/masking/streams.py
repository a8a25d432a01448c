"""Standard output and standard error without secrets, whoever writes to them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from chaos_ext.masking import register


class _Bytes:
    """The bytes below a stream of text."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def write(self, data: Any) -> int:
        data = bytes(data)
        if register.values():
            shown = register.hide(text := data.decode("utf-8", "surrogateescape"))
            self._raw.write(data if shown == text else shown.encode("utf-8", "surrogateescape"))
        else:
            self._raw.write(data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


class MaskedStream:
    """Like `stream`, but what is written shows no secret of this process."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(register.hide(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))

    @property
    def buffer(self) -> Any:
        return _Bytes(self._stream.buffer)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def masked() -> Iterator[None]:
    """Inside, `sys.stdout` and `sys.stderr` show no secret."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (
        stream if stream is None or isinstance(stream, MaskedStream) else MaskedStream(stream)
        for stream in before
    )
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
