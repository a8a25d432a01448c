"""JSON Schema of the files that people write, so that an editor completes and checks them while they type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from chaos_ext.model import Environment, FailureMode, Guidelines, History, Services

FOLDER = "schemas"
MODELS: dict[str, type[BaseModel]] = {
    "failure-mode": FailureMode,
    "services": Services,
    "environment": Environment,
    "guidelines": Guidelines,
    "history": History,
}


def schema(kind: str) -> dict[str, Any]:
    """The schema of a kind of file, such as ``failure-mode``: a key of MODELS. KeyError otherwise."""
    generated = MODELS[kind].model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **generated}


def text(kind: str) -> str:
    """The schema as its file holds it."""
    return json.dumps(schema(kind), ensure_ascii=False, indent=2) + "\n"


def files(root: Path) -> dict[Path, str]:
    """Where each schema is committed, and what must stand there."""
    return {root / FOLDER / f"{kind}.json": text(kind) for kind in MODELS}
