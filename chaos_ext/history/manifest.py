"""The digests of a run's files, and whether they are still the same."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos_ext.language import t

NAME = "manifest.json"


@dataclass(frozen=True)
class Difference:
    """One file that is not as it was sealed."""

    file: str
    what: str  # changed, missing, added, or what is wrong with the manifest itself

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def write_manifest(folder: Path) -> None:
    """Write the size and SHA-256 of every file of the run, durably. Raises FileExistsError when sealed already.

    The manifest is there whole or not at all: with it a run is sealed, so half of one would be half a seal.
    """
    text = json.dumps({"schema": 1, "files": _files(folder)}, ensure_ascii=False, indent=1, sort_keys=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{NAME}.")  # mkstemp makes it private
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        _put(Path(name), folder / NAME)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)
    sync(folder)


def _put(made: Path, place: Path) -> None:
    """Give `made` its name unless something has it."""
    try:
        os.link(made, place)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if place.exists():
            raise FileExistsError(str(place)) from None
        os.replace(made, place)


def sync(folder: Path) -> None:
    """Make the names in `folder` durable, where the file system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def is_sealed(folder: Path) -> bool:
    """Whether the run came to its end. One that is not sealed proves nothing, whatever else lies there."""
    return (folder / NAME).exists()


def sealed_files(data: bytes) -> dict[str, dict[str, Any]]:
    """The files that a manifest names, each with its size and digest, or the target of its link. Raises ValueError."""
    try:
        files = json.loads(data)["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not isinstance(files, dict) or not all(isinstance(each, dict) for each in files.values()):
        raise ValueError(t("no files"))
    return files


def check(folder: Path) -> list[Difference]:
    """Everything that is not as it was sealed; empty when all is."""
    try:
        sealed = sealed_files((folder / NAME).read_bytes())
    except FileNotFoundError:
        return [Difference(NAME, t("missing: the run did not come to its end, or was never sealed"))]
    except (OSError, ValueError) as error:
        return [Difference(NAME, t("damaged: {error}", error=error))]
    here = _files(folder)
    return [
        Difference(file, _what(sealed.get(file), here.get(file)))
        for file in sorted(sealed.keys() | here.keys())
        if sealed.get(file) != here.get(file)
    ]


def _what(sealed: Any, here: Any) -> str:
    if here is None:
        return t("missing")
    if sealed is None:
        return t("added after the run was sealed")
    return t("changed after the run was sealed")


def _files(folder: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        name = path.relative_to(folder).as_posix()
        if name.startswith(f".{NAME}."):  # a manifest that was killed before it took its name, or right after
            continue
        if stat.S_ISLNK(mode):
            found[name] = {"link": os.readlink(path)}
        elif stat.S_ISREG(mode) and name != NAME:
            found[name] = _digest(path)
    return found


def _digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return {"bytes": file.tell(), "sha256": digest.hexdigest()}
