"""Where pages are put: beside the bundles, never in one, because a bundle is sealed and a page can be made again."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

FOLDER = "reports"


def path_of(state: Path, name: str) -> Path:
    """Where the page of that run or campaign is, below `state`."""
    return state / FOLDER / f"{name}.html"


def write(path: Path, text: str) -> Path:
    """Write a page, whole or not at all; it is as private as the bundle that it shows. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it private
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    return path


def remove(state: Path, name: str) -> None:
    """Remove the page of a run whose evidence is removed, which it shows; there need be none. Raises OSError."""
    path_of(state, name).unlink(missing_ok=True)
