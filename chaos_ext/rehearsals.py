"""Rehearsals' clouds, as the toolkit sees them: what `python -m chaos_lab.rehearsal` answers.

Each is made for one trial, in a folder of its own: the calls that an environment says make it, a role that may do what
is given here and no more, and a profile with the keys of that role.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chaos_ext.catalog import source as sources
from chaos_ext.errors import LabError, Problem, UsageError
from chaos_ext.language import t
from chaos_ext.model import Environment

Facts = dict[str, Any]
_ERROR = "chaos_lab: "
_UP_WITHIN_S, _DOWN_WITHIN_S = 200.0, 30.0  # a little more than it allows itself


def calls(environment: Environment, root: Path) -> list[dict[str, Any]]:
    """What makes everything that is there, each call with the file that it is from. Raises UsageError."""
    assert environment.rehearsal is not None
    folder = root / environment.rehearsal.has
    files = sorted(folder.glob("*.yaml"))
    if not files or not folder.resolve().is_relative_to(root.resolve()):
        where = f"environments/{environment.name}.yaml"
        got = t("'{path}', which holds no *.yaml", path=environment.rehearsal.has)
        raise UsageError([Problem(where, "rehearsal.has", got, t("a folder of this project with some"))])
    problems: list[Problem] = []
    found: list[dict[str, Any]] = []
    for path in files:
        read = sources.read(path, root)
        listed = read.data.get("calls")
        if not isinstance(listed, list) or not listed:
            problems.append(read.problem(("calls",), t("no list"), t("calls that make what is there")))
            continue
        for index, call in enumerate(listed):
            if not isinstance(call, dict) or not {"service", "call"} <= call.keys() <= _KEYS:
                expected = t("service, call, and perhaps 'with' and 'as'")
                problems.append(read.problem(("calls", index), t("another object"), expected))
            else:
                found.append({**call, "from": read.shown})
    if problems:
        raise UsageError(problems)
    return found


_KEYS = {"service", "call", "with", "as"}


def up(
    environment: Environment,
    root: Path,
    directory: Path,
    policy: str,
    owner_pid: int,
    on_process: Callable[[subprocess.Popen[str]], None] | None = None,
) -> Facts:
    """Start a cloud in `directory`, whose role may do what the IAM policy says; its facts. Undone by `down`.

    Raises LabError with its own line, UsageError; then nothing is left.
    """
    identity = environment.identity["aws"]
    assert environment.rehearsal is not None
    told = {
        "calls": calls(environment, root),
        "role": identity["role"],
        "region": identity["region"],
        "policy": json.loads(policy),
    }
    shutil.copytree(root / environment.rehearsal.has, directory / "files", dirs_exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "chaos_lab.rehearsal", "up", str(directory), "--owner-pid", str(owner_pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,  # Ctrl-C is for the runner, which waits and takes it down
    )
    if on_process is not None:
        on_process(process)
    try:
        out, error = process.communicate(json.dumps(told), timeout=_UP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, error = "", t("not done after {limit_s:g} s", limit_s=_UP_WITHIN_S)
        process.wait()
    if process.returncode != 0:
        shutil.rmtree(directory, ignore_errors=True)
        lines = [line for line in error.splitlines() if line.strip()]
        said = (lines or [t("exit {code}", code=process.returncode)])[-1]
        raise LabError(t("the rehearsal's emulator: {said}", said=said.removeprefix(_ERROR)))
    facts: Facts = json.loads(out)
    return facts


def down_command(directory: Path) -> list[str]:
    """What ends a cloud and takes its folder away; harmless when it is gone."""
    return [sys.executable, "-m", "chaos_lab.rehearsal", "down", str(directory)]


def down(directory: Path) -> None:
    """End a cloud. Raises LabError."""
    try:
        done = subprocess.run(
            down_command(directory),
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=_DOWN_WITHIN_S,
        )
    except subprocess.TimeoutExpired:
        late = t("not done after {limit_s:g} s", limit_s=_DOWN_WITHIN_S)
        raise LabError(t("the rehearsal's emulator: {said}", said=late)) from None
    if done.returncode != 0:
        raise LabError(t("the rehearsal's emulator: {said}", said=done.stderr.strip()[-300:]))


def facts(directory: str | None) -> Facts:
    """What the cloud in `directory` says of itself (default $CHAOS_LAB). Raises LabError when none is up there.

    It is believed no word of it: the account and the role are proven by its STS.
    """
    place = directory or os.environ.get("CHAOS_LAB") or ""
    try:
        found: Mapping[str, Any] = json.loads((Path(place) / "facts.json").read_bytes()) if place else {}
    except (OSError, ValueError):
        found = {}
    url = str(found.get("url", ""))
    if found.get("rehearsal") is not True or not url.startswith("http://127.0.0.1:"):
        raise LabError(
            t(
                "No rehearsal is up: its emulator is started for each trial, and ends with it. "
                "Try: chaos verify ID --env rehearsal-aws"
            )
        )
    return dict(found)
