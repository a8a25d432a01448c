"""The directory of one run: everything a verdict is derived from, as files that anybody can read and check.

Written while the run goes on and only ever added to; `seal` puts the verdict and a manifest of digests beside
it. Private: a run's files hold what services said.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_ext.errors import Problem, UsageError
from chaos_ext.history import manifest
from chaos_ext.history.reading import load
from chaos_ext.history.versions import versions
from chaos_ext.language import t
from chaos_ext.model import Arm, Environment, FailureMode, Reason, Services, Verdict, VerdictWord
from chaos_ext.verdict.judge import VERDICT_RULES

if TYPE_CHECKING:
    from chaos_ext.catalog.load import Catalog

SCHEMA = 1


def create(
    runs: Path,
    *,
    catalog: Catalog,
    mode: FailureMode,
    environment: Environment,
    experiment: Mapping[str, Any],
    seed: int,
    arms: Mapping[Arm, int],
) -> Path:
    """Make the folder of a new run below `runs`, with everything that is known before it begins.

    Its name is the run's id: when, what, and four letters against two at once; ids sort by time. Raises OSError.
    """
    from chaos_ext.compile import dump
    from chaos_ext.history import freshness

    folder = _new_folder(runs, mode.id)
    (folder / "trials").mkdir(mode=0o700)
    write_json(folder / "mode.json", _plain(mode))
    write_json(folder / "environment.json", _plain(environment))
    write_json(folder / "services.json", _plain(catalog.services))
    _write(folder / "experiment.yaml", dump(experiment).encode())
    if mode.runbook != "none":
        _write(folder / "runbook.md", (catalog.root / "catalog" / mode.runbook).read_bytes())
    write_json(
        folder / "run.json",
        {
            "schema": SCHEMA,
            "run_id": folder.name,
            "mode": mode.id,
            "environment": environment.name,
            "arms": {str(arm): count for arm, count in arms.items()},
            "seed": seed,
            "started": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "versions": versions(),
            **freshness.facts(catalog, mode, environment),
        },
    )
    return folder


def seal(folder: Path, verdict: Verdict) -> None:
    """Write the verdict, and the digest of every file. Nothing may be written into the folder afterwards.

    Raises FileExistsError, and changes nothing, when the run is sealed already; OSError.
    """
    if (folder / manifest.NAME).exists():
        raise FileExistsError(t("{folder}: this run is sealed", folder=folder))
    write_json(folder / "verdict.json", {"schema": SCHEMA, "rules": VERDICT_RULES, **verdict_fields(verdict)})
    manifest.write_manifest(folder)


def verdict_fields(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON has it."""
    return {
        "word": str(verdict.word),
        "reasons": [{"word": r.word, "sentence": r.sentence} for r in verdict.reasons],
        "flags": [{"word": r.word, "sentence": r.sentence} for r in verdict.flags],
        "worth": verdict.worth,
        "exit_code": verdict.exit_code,
    }


def verdict_from(fields: Mapping[str, Any]) -> Verdict:
    """The verdict that `verdict_fields` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    return Verdict(
        VerdictWord(fields["word"]),
        tuple(Reason(r["word"], r["sentence"]) for r in fields["reasons"]),
        tuple(Reason(r["word"], r["sentence"]) for r in fields["flags"]),
        fields["worth"],
        fields["exit_code"],
    )


def verdict_of(folder: Path) -> Verdict:
    """The verdict that was sealed with the run. Raises UsageError when there is none, or it is damaged."""
    path = folder / "verdict.json"
    try:
        return verdict_from(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            [Problem(str(path), "", f"{type(error).__name__}: {error}", t("a verdict"))]
        ) from error


def write_json(path: Path, value: Any) -> None:
    """Write a private JSON file, whole or not at all, and durably. What JSON does not know becomes its `str`."""
    _write(path, _as_json(value))


def _as_json(value: Any) -> bytes:
    # A lone surrogate (output that was not text) becomes its JSON escape, which reads back as it was.
    return (json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n").encode(
        "utf-8", "backslashreplace"
    )


def _plain(written: FailureMode | Environment | Services) -> Any:
    """Reads back as the same model: durations keep their units."""
    return written.model_dump(mode="json", by_alias=True)


def _new_folder(runs: Path, mode: str) -> Path:
    runs.mkdir(parents=True, exist_ok=True, mode=0o700)
    while True:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")[:-3] + "Z"
        folder = runs / f"{stamp}-{mode}-{secrets.token_hex(2)}"
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:  # the same millisecond and the same four letters
            continue
        return folder


def _write(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it private
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


__all__ = ["create", "load", "seal", "verdict_fields", "verdict_from", "verdict_of", "write_json"]
