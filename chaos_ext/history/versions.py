"""What ran: the versions that a verdict depends on, for run.json."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("chaos-ext", "chaostoolkit", "chaostoolkit-lib", "aiohttp", "pydantic", "psycopg")


def versions() -> dict[str, str]:
    """Name → version, of Python, the system and the packages that matter; a package that is absent is left out."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
