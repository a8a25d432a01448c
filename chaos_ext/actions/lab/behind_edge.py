"""The replicas that the lab's edge hands requests to, and where it reaches each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def addresses(facts: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Host and port of every replica, by its name, in order; from the facts of a proven lab."""
    names = json.loads(Path(facts["names"]).read_text(encoding="utf-8")).get("edge", {})
    found = {}
    for replica, address in sorted(names.items()):
        host, _, port = address.rpartition(":")
        found[replica] = (host, int(port))
    return found
