"""What a verdict depends on besides the four files that an experiment names: code that breaks things, and is broken."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from chaos_ext.catalog.load import Digest, digest
from chaos_ext.model import Activity, FailureMode

LAB = "chaos_lab"


def activities(
    mode: FailureMode,
    platform: str,
    root: Path,
    looks: Iterable[Activity] = (),
    of: Callable[[Path, Path], Digest] = digest,
) -> dict[str, Digest]:
    """The modules and programs whose functions reproduce, prove and undo `mode`, each with the digest of its file.

    `looks` are the probes that say whether its environment is as it was; theirs are among them. What cannot be found
    has an empty digest, and is equal to nothing. `of` makes the digest of a file: one that remembers, for many modes.
    """
    found: dict[str, Digest] = {}
    for provider in (*_providers(mode, platform), *(look["provider"] for look in looks)):
        if provider.get("type") == "python":
            name = str(provider.get("module"))
            path = _file_of(name)
            found[name] = Digest(name, "") if path is None else of(path, root)
        elif provider.get("type") == "process":
            name = str(provider.get("path"))
            found[name] = of(root / name, root)
    return dict(sorted(found.items()))


def deployed(platform: str) -> dict[str, str]:
    """What runs in the environment, as far as it is known here: name → version. The lab's is the digest of its code."""
    if platform != "lab":
        return {}
    spec = importlib.util.find_spec(LAB)
    folders = [Path(each) for each in (spec.submodule_search_locations or ())] if spec else []
    whole = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            whole.update(f"{path.relative_to(folder)}\0".encode())
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return {"lab": whole.hexdigest()} if folders else {}


def _providers(mode: FailureMode, platform: str) -> Iterator[dict[str, Any]]:
    faults = (fault for name, each in mode.reproduce.items() if name == platform for fault in each)
    for fault in faults:
        for activity in ({"provider": fault.provider}, fault.undo, fault.in_force):
            provider = (activity or {}).get("provider")
            if isinstance(provider, dict):
                yield provider


def _file_of(module: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None
