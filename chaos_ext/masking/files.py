"""Copies of files in which no secret of this process can be read."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

from chaos_ext.masking import register

_PIECE_BYTES = 1 << 18


def copy_tree(source: Path, target: Path) -> None:
    """Copy the files below `source` into `target`; both may be there. What is no text is copied as it is.

    A file that goes away meanwhile is left out. Raises OSError.
    """
    for folder, _, names in os.walk(source):
        into = target / Path(folder).relative_to(source)
        into.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in names:
            if (path := Path(folder) / name).is_file():
                _copy(path, into / name)


def _copy(source: Path, target: Path) -> None:
    masker = register.stream()
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    with source.open("rb") as file, target.open("wb") as copy:
        while data := file.read(_PIECE_BYTES):
            copy.write(_bytes(masker.feed(decoder.decode(data))))
        copy.write(_bytes(masker.feed(decoder.decode(b"", final=True)) + masker.finish()))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
