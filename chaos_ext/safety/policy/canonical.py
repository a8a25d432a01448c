"""The bytes by which an experiment, or one of its faults, is known again: the same content, the same digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t

_ADDED = ("dry",)  # `chaos run` notes there which activities it leaves out


def canonical(content: Any) -> bytes:
    """`content` as JSON with sorted keys and nothing between. Raises UsageError for what JSON has no words for."""
    try:
        return json.dumps(
            content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=str
        ).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            [
                Problem(
                    t("the experiment"),
                    "",
                    t("content that JSON has no words for ({error})", error=error),
                    t("mappings with text keys, lists, texts, numbers"),
                )
            ]
        ) from error


def digest(content: Any) -> str:
    """The sha256 of the canonical bytes, in hexadecimal."""
    return hashlib.sha256(canonical(content)).hexdigest()


def of_experiment(experiment: Mapping[str, Any]) -> str:
    """The digest of an experiment, also of one that Chaos Toolkit has begun to run: it adds a key of its own."""
    return digest({key: value for key, value in experiment.items() if key not in _ADDED})
