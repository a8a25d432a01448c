"""Files that hold credentials, for what acts in the proven place."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, text: str) -> str:
    """Replace a file that only we may read, at once: another activity may be reading it. Returns its path."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
    return str(path)
