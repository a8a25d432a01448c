"""One run in one line, told from its directory alone."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from chaos_ext.errors import UsageError
from chaos_ext.history import manifest
from chaos_ext.history.reading import run_facts, trial_folders
from chaos_ext.language import printable, t
from chaos_ext.model import Arm
from chaos_ext.verdict.words import VERDICTS

UNFINISHED = "unfinished"  # not sealed: it goes on, or it was killed
DAMAGED = "damaged"  # not as it was sealed, or its facts cannot be read: it proves nothing
NOT_JUDGED = (UNFINISHED, DAMAGED)
SAID = {**VERDICTS, UNFINISHED: t("unfinished"), DAMAGED: t("damaged")}
TOMBSTONE = "tombstone.json"  # all that is left of a run whose evidence was removed
_BY_DIGEST = ("run.json", "verdict.json", "mode.json")  # small; of the others the size has to do
_MOST = 1e9  # seconds or writes; nothing that was measured is more
# What figures are made of; the lines of a trial's record that hold none of these are not even parsed.
_TOLD = ("fault-injected", "alert", "recovery", "write-log")
_NEEDLES = tuple(f'"kind": "{kind}"'.encode() for kind in _TOLD)


class Entry(NamedTuple):
    """One run, as a list, an index and an export have it. Times are seconds after the fault, as they were recorded."""

    run_id: str
    mode: str
    environment: str
    started: str  # wall clock, ISO 8601 UTC
    verdict: str  # a word of design/verification.md, "unfinished" or "damaged"
    reasons: tuple[str, ...]
    flags: tuple[str, ...]
    exit_code: int | None
    arms: tuple[str, ...]  # planned, such as treatment=5
    trials: int  # recorded
    seconds: float | None  # the whole run
    detect_s: float | None  # the latest alert of a treatment
    recover_s: float | None  # the slowest recovery of a treatment; None: one never came
    lost: int | None  # acknowledged writes that the treatments lost
    seal: str  # sha256 of its manifest; empty while there is none
    removed: str = ""  # when its evidence was removed (wall clock), and only a tombstone left
    where: str = ""  # the place that keeps it, of a run in an index that others write to; empty: here

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in self._asdict().items()
        }


def entry(folder: Path) -> Entry:
    """The run in `folder`. Raises UsageError when it is none."""
    found = read(folder)
    if found is None:
        run_facts(folder)  # says what is missing
        raise UsageError(t("{folder}: no run", folder=folder))
    return found


def read(folder: Path, figures: bool = True) -> Entry | None:
    """The run in `folder`, or None when it is none. What is wrong with it is part of the answer.

    Without `figures` the trials' records are not opened, and what is made of them is left out.
    """
    if (folder / TOMBSTONE).exists():
        return _buried(folder)
    sealed, seal, wrong = _sealed(folder)
    try:
        run = run_facts(folder)
    except UsageError:
        if not (folder / "run.json").exists() and not seal and not wrong:
            return None
        run, wrong = {}, wrong or "run.json"
    verdict = _object(folder / "verdict.json") if seal and not wrong else {}
    if seal and not wrong:
        wrong = _altered(folder, sealed) or ("" if verdict.get("word") else "verdict.json")
    word = DAMAGED if wrong else _text(verdict["word"]) if seal else UNFINISHED
    told = _Figures.of(folder, run) if figures else _Figures()
    return Entry(
        run_id=folder.name,
        mode=_text(run.get("mode", "?")),
        environment=_text(run.get("environment", "?")),
        started=_text(run.get("started", "")),
        verdict=word,
        reasons=(_text(wrong),) if wrong else _words(verdict.get("reasons")),
        flags=() if wrong else _words(verdict.get("flags")),
        exit_code=None if wrong else _code(verdict.get("exit_code")),
        arms=_arms(run.get("arms")),
        trials=told.trials,
        seconds=told.seconds,
        detect_s=told.detect_s,
        recover_s=told.recover_s,
        lost=told.lost,
        seal=seal,
    )


def buried(folder: Path) -> dict[str, Any]:
    """What the tombstone of a run says; empty when it has none."""
    return _object(folder / TOMBSTONE)


def _buried(folder: Path) -> Entry:
    """What the tombstone says; what an older version did not write there is left out."""
    told = buried(folder)
    was = _mapping(told.get("run"))
    return Entry(
        run_id=folder.name,
        mode=_text(was.get("mode", "?")),
        environment=_text(was.get("environment", "?")),
        started=_text(was.get("started", "")),
        verdict=_text(was.get("verdict") or DAMAGED),
        reasons=_texts(was.get("reasons", [TOMBSTONE])),
        flags=_texts(was.get("flags")),
        exit_code=_code(was.get("exit_code")),
        arms=_texts(was.get("arms")),
        trials=int(_number(was.get("trials")) or 0),
        seconds=_number(was.get("seconds")),
        detect_s=_number(was.get("detect_s")),
        recover_s=_number(was.get("recover_s")),
        lost=None if (lost := _number(was.get("lost"))) is None else int(lost),
        seal=_text(was.get("seal", "")),
        removed=_text(told.get("removed") or "?"),
    )


def _sealed(folder: Path) -> tuple[Mapping[str, dict[str, Any]], str, str]:
    """The files of the manifest, its own digest, and its name when it is damaged."""
    try:
        data = (folder / manifest.NAME).read_bytes()
    except OSError:
        return {}, "", ""
    seal = hashlib.sha256(data).hexdigest()
    try:
        return manifest.sealed_files(data), seal, ""
    except ValueError:
        return {}, seal, manifest.NAME


def _altered(folder: Path, sealed: Mapping[str, dict[str, Any]]) -> str:
    """The first file that is gone, has another size, or (of the small ones) other content; empty: none.

    `chaos history check` looks at every byte.
    """
    for name, was in sealed.items():
        path = os.path.join(folder, name)
        try:
            here = os.lstat(path)
        except OSError:
            return name
        if stat.S_ISLNK(here.st_mode):
            if was.get("link") != os.readlink(path):
                return name
        elif here.st_size != was.get("bytes"):
            return name
    for name in _BY_DIGEST:
        try:
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError:
            return name
        if digest != _mapping(sealed.get(name)).get("sha256"):
            return name
    return ""


class _Figures(NamedTuple):
    trials: int = 0
    seconds: float | None = None
    detect_s: float | None = None
    recover_s: float | None = None
    lost: int | None = None

    @classmethod
    def of(cls, folder: Path, run: Mapping[str, Any]) -> _Figures:
        """What the records of the run and its treatments say."""
        trials = trial_folders(folder)
        treated = [_trial(path) for path in trials if path.name.partition("-")[2] == Arm.TREATMENT.value]
        recovered = [each["recovery"] for each in treated]
        lost = [each["lost"] for each in treated if each["lost"] is not None]
        return cls(
            len(trials),
            _seconds(folder / "events.jsonl"),
            max((each["alert"] for each in treated if each["alert"] is not None), default=None),
            None if None in recovered or not recovered else max(recovered),
            sum(lost) if lost else None,
        )


def _trial(folder: Path) -> dict[str, Any]:
    """Alert and recovery of a trial, in seconds after its fault, and how many acknowledged writes it lost."""
    found: dict[str, Any] = {"alert": None, "recovery": None, "lost": None}
    fault: float | None = None
    for event in _events(folder / "events.jsonl", _NEEDLES):
        kind = event.get("kind")
        if kind == "fault-injected" and fault is None:
            fault = _number(event.get("started"))
        elif kind == "write-log" and isinstance(event.get("lost"), list):
            found["lost"] = len(event["lost"])
        elif kind in ("alert", "recovery"):
            latest = _number(event.get("latest"))
            happened = event.get("fired" if kind == "alert" else "recovered") is True
            if fault is not None and latest is not None and happened:
                found[kind] = round(latest - fault, 3)
    return found


def _seconds(path: Path) -> float | None:
    """From the first event of a run to its last one."""
    times = [at for event in _events(path) if (at := _number(event.get("at"))) is not None]
    return round(times[-1] - times[0], 3) if times and times[-1] >= times[0] else None


def _events(path: Path, needles: tuple[bytes, ...] = ()) -> Iterator[dict[str, Any]]:
    try:
        data = path.read_bytes()
    except OSError:
        return
    for line in data.split(b"\n"):
        if line and (not needles or any(needle in line for needle in needles)):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event


def _text(value: Any) -> str:
    return str(printable(str(value)))


def _code(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 256 else None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, value)) if isinstance(value, list) else ()


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST
    return float(value) if known else None


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _arms(value: Any) -> tuple[str, ...]:
    return tuple(_text(f"{arm}={count}") for arm, count in _mapping(value).items())


def _words(reasons: Any) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(_text(r["word"]) for r in reasons or () if isinstance(r, dict) and "word" in r)
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
