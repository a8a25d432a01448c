"""The directory of one run: everything a verdict is derived from, as files that anybody can read and check.

Written while the run goes on and only ever added to; `seal` puts the verdict and a manifest of digests beside
it. Private: a run's files hold what services said.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_ext.errors import Problem, UsageError
from chaos_ext.history import manifest
from chaos_ext.history.findings import verdict_fields, verdict_from
from chaos_ext.history.reading import SCHEMA, load
from chaos_ext.history.versions import versions
from chaos_ext.language import t
from chaos_ext.masking.register import hidden
from chaos_ext.model import Arm, Environment, FailureMode, Services, Variant, Verdict
from chaos_ext.safety import processes
from chaos_ext.verdict.judge import VERDICT_RULES

if TYPE_CHECKING:
    from chaos_ext.catalog.load import Catalog
    from chaos_ext.safety.policy.enforcing import Ruling

_VERDICT = "verdict.json"
APPROVAL = "approval.yaml"
_STAMP = "%Y%m%dT%H%M%S%f"  # of a run's id, less the last three digits, and a Z
_STAMPED = re.compile(r"\d{8}T\d{9}Z-")
_MILLISECOND = timedelta(milliseconds=1)


def create(
    runs: Path,
    *,
    catalog: Catalog,
    mode: FailureMode,
    environment: Environment,
    experiment: Mapping[str, Any],
    seed: int,
    arms: Mapping[Arm, int],
    ruling: Ruling,
    plan: Sequence[Variant] = (),
    resumes: str = "",
) -> Path:
    """Make the folder of a new run below `runs`, with everything that is known before it begins.

    An approval that `ruling` rests on is kept with its signature, as they were signed.
    `plan`: its trials in their order, as known before the first; `resumes`: the run that it goes on with.
    Its name is the run's id: when, what, and four letters against two at once. Ids sort as the runs began, whatever
    was done to the clock between them; `started` in run.json is what the clock said. Raises OSError.
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
    if ruling.approval is not None:
        _write(folder / APPROVAL, ruling.approval.raw)
        _write(folder / f"{APPROVAL}.sig", ruling.approval.signature)
    write_json(
        folder / "run.json",
        {
            "schema": SCHEMA,
            "run_id": folder.name,
            "mode": mode.id,
            "environment": environment.name,
            "arms": {str(arm): count for arm, count in arms.items()},
            **({"plan": [str(variant) for variant in plan]} if plan else {}),
            **({"resumes": resumes} if resumes else {}),
            "seed": seed,
            "approved": ruling.approved,
            "started": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "runner": _runner(),
            "versions": versions(),
            **freshness.facts(catalog, mode, environment),
        },
    )
    return folder


def _runner() -> dict[str, Any]:
    """Who runs it: once that process is gone, whoever comes next may judge and seal what it saved."""
    pid, started = processes.myself()
    return {"pid": pid, "started": started, "host": processes.host()}


def seal(folder: Path, verdict: Verdict) -> None:
    """Write the verdict, and the digest of every file. Nothing may be written into the folder afterwards.

    Raises FileExistsError, and changes nothing, when the run is sealed already; OSError.
    """
    if manifest.is_sealed(folder):
        raise FileExistsError(t("{folder}: this run is sealed", folder=folder))
    for name in (_VERDICT, manifest.NAME):  # what a killed seal had begun
        for half in folder.glob(f".{name}.*"):
            half.unlink(missing_ok=True)
    write_json(folder / _VERDICT, {"schema": SCHEMA, "rules": VERDICT_RULES, **verdict_fields(verdict)})
    manifest.write_manifest(folder)


def verdict_of(folder: Path) -> Verdict:
    """The verdict that was sealed with the run. Raises UsageError when there is none, or it is damaged."""
    path = folder / _VERDICT
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
    value = hidden(value)
    # A lone surrogate (output that was not text) becomes its JSON escape, which reads back as it was.
    return (json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n").encode(
        "utf-8", "backslashreplace"
    )


def _plain(written: FailureMode | Environment | Services) -> Any:
    """Reads back as the same model: durations keep their units."""
    return written.model_dump(mode="json", by_alias=True)


def _new_folder(runs: Path, mode: str) -> Path:
    """A folder whose name sorts after all that are there, also after a clock was set back: the newest run decides."""
    runs.mkdir(parents=True, exist_ok=True, mode=0o700)
    newest = max((each.name for each in os.scandir(runs) if _STAMPED.match(each.name)), default="")
    while True:
        stamp = datetime.now(UTC).strftime(_STAMP)[:-3] + "Z"
        if newest and stamp <= newest.partition("-")[0]:
            stamp = _after(newest.partition("-")[0])
        folder = runs / f"{stamp}-{mode}-{secrets.token_hex(2)}"
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:  # the same millisecond and the same four letters
            continue
        return folder


def _after(stamp: str) -> str:
    """The stamp a millisecond later; one that is no time stays as it is."""
    with suppress(ValueError, OverflowError):
        return (datetime.strptime(stamp[:-1] + "000", _STAMP) + _MILLISECOND).strftime(_STAMP)[:-3] + "Z"
    return stamp


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
