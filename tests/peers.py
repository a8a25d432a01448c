"""What the tests marked `peers` need of others, and what a test says that does not find it."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

_DRIVERS = {
    "chaosk8s": "kubernetes",
    "chaosaws": "aws",
    "chaosgcp": "gcp",
}  # package: our extra that brings it


def need_driver(package: str) -> None:
    """Skip the test when Chaos Toolkit's driver is not installed."""
    if importlib.util.find_spec(package) is None:
        extra = _DRIVERS[package]
        pytest.skip(f"the driver {package} is not installed: .venv/bin/pip install -e '.[{extra}]'")


def need_program(*names: str, package: str) -> str:
    """The first of these programs that is on PATH; skips the test when none is. `package`: who brings it."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"none of {', '.join(names)} is on PATH: install {package}")
    return found
