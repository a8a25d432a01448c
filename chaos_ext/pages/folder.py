"""A site's folder on the disk: written beside the old one, then put in its place, so that nobody reads half of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t
from chaos_ext.pages.site import MARK

_START = "index.html"


def refuse(option: str, folder: Path) -> None:
    """Raise UsageError unless `folder` may be written: it is new, empty, or a site that was written here."""
    if not folder.exists() or (folder.is_dir() and (not any(folder.iterdir()) or _is_ours(folder))):
        return
    got = t("'{folder}', which holds something else", folder=folder)
    expected = t("a folder that is new, empty, or a site that this command wrote")
    raise UsageError(
        [Problem(option, "", got, expected, t("Take another folder, or empty this one yourself."))]
    )


def write(folder: Path, pages: Iterable[tuple[PurePosixPath, str]]) -> int:
    """Write the site; returns how many files. What was there before stays until all is written. Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    old = fresh.with_name(f"{fresh.name}.old")
    count = 0
    try:
        for path, text in pages:
            target = fresh / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            count += 1
        fresh.chmod(0o755)  # a site is there to be read by others; what it holds was masked
        if folder.exists():
            os.rename(folder, old)
        os.rename(fresh, folder)
    except BaseException:
        if old.exists() and not folder.exists():
            os.rename(old, folder)
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)
    return count


def _is_ours(folder: Path) -> bool:
    try:
        return f'content="{MARK}"' in (folder / _START).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
