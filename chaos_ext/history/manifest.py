"""The digests of a run's files, and whether they are still the same."""

from __future__ import annotations

import hashlib
import json
import os
import stat
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
    """Write the size and SHA-256 of every file of the run, durably. Raises FileExistsError when sealed already."""
    text = json.dumps({"schema": 1, "files": _files(folder)}, ensure_ascii=False, indent=1, sort_keys=True)
    handle = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


def check(folder: Path) -> list[Difference]:
    """Everything that is not as it was sealed; empty when all is."""
    try:
        sealed = json.loads((folder / NAME).read_bytes())["files"]
    except FileNotFoundError:
        return [Difference(NAME, t("missing: the run did not come to its end, or was never sealed"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [Difference(NAME, t("damaged: {error}", error=error))]
    if not isinstance(sealed, dict):
        return [Difference(NAME, t("damaged: no files"))]
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
        if stat.S_ISLNK(mode):
            found[name] = {"link": os.readlink(path)}
        elif stat.S_ISREG(mode) and name != NAME:
            found[name] = _digest(path)
    return found


def _digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return {"bytes": file.tell(), "sha256": digest.hexdigest()}
