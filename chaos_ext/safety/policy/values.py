"""What the run puts into an experiment's configuration: nobody can approve what does not stand in its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chaos_ext.errors import Blocked, Problem
from chaos_ext.language import t

# What compiled experiments take from the shell: which trial this is, never what is hit.
_OURS = ("chaos_arm", "chaos_lab", "chaos_trial_dir", "chaos_watch_s")
_FILLED_IN = ("env", "probe")  # by Chaos Toolkit, from a variable or from what a probe returns


def from_outside(experiment: Mapping[str, Any], file: Path | None, root: Path, id: str) -> Iterator[Problem]:
    """Everything of its configuration that only the run fills in."""
    for key, value in _written(experiment).items():
        if _is_filled_in(value) and not _is_ours(key, value):
            inside = file is not None and file.is_relative_to(root)
            yield Problem(
                str(file.relative_to(root)) if file is not None and inside else str(file or id),
                f"configuration.{key}",
                t("a value that only the run knows (type: {kind})", kind=value["type"]),
                t("a value"),
                t("Write the value into the file: nobody can approve what is not known."),
            )


def refuse_others(experiment: Mapping[str, Any], configuration: Mapping[str, Any]) -> None:
    """Raise Blocked when what was approved runs with other values of its configuration (`chaos run --var`)."""
    for key, value in _written(experiment).items():
        if not _is_filled_in(value) and key in configuration and configuration[key] != value:
            raise Blocked(
                t(
                    "configuration.{key}: got {got!r}, expected {value!r}, as it was approved. Leave out --var, or "
                    "write the value into the experiment and have it approved again.",
                    key=key,
                    got=configuration[key],
                    value=value,
                )
            )


def _written(experiment: Mapping[str, Any]) -> Mapping[str, Any]:
    configuration = experiment.get("configuration")
    return configuration if isinstance(configuration, Mapping) else {}


def _is_filled_in(value: object) -> bool:
    return isinstance(value, Mapping) and value.get("type") in _FILLED_IN


def _is_ours(key: str, value: Mapping[str, Any]) -> bool:
    return key in _OURS and value["type"] == "env" and value.get("key") == key.upper()
