"""A bad release of a lab's service: real source, rolled out by the lab's own pipeline."""

import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import behind_edge, proven
from chaos_ext.language import listed, t

__all__ = ["deploy_changed_source", "restore_release", "source_is_changed"]

_TOOL_WITHIN_S = 60.0
_UNDER_WAY_S = 30.0  # how long another release, such as one whose runner was killed, may still take
_NOT_COMPARED = {"release.json", "__pycache__"}


@dataclass(frozen=True)
class _Service:
    name: str
    directory: Path  # of its versions
    lab: Path
    tool: Path
    replicas: dict[str, tuple[str, int]]

    @property
    def current(self) -> Path:
        """The activated version's directory."""
        return (self.directory / "current").resolve()


def deploy_changed_source(
    service: str, file: str, find: str, replace: str, note: str, configuration: Configuration = None
) -> dict[str, Any]:
    """Roll out a new version of a service in which one place of one source file is changed.

    - `service`: "intake" or "dashboard"
    - `file`: a file of its release, such as intake.py
    - `find`: text that stands exactly once in it
    - `replace`: what stands there instead
    - `note`: what the release says of itself, as a careless commit message would

    The rest of the version is the current one's. It is activated by the lab's `release` tool: one replica after
    the other, each until its health check passes. Returns ``{"version", "before"}``. Raises ActivityFailed
    when `find` does not stand there exactly once, or the roll-out fails. Undone by: `restore_release`.

    YAML::

        type: action
        name: deploy-bad-release
        provider:
          type: python
          module: chaos_ext.actions.lab.release
          func: deploy_changed_source
          arguments:
            service: intake
            file: intake.py
            find: text.strip()
            replace: text.strip().encode("ascii").decode()
            note: normalise the text of a response
    """
    found = _service(service, configuration)
    before = found.current
    source = _read(before / _inside(file))
    count = source.count(find)
    if not find or count != 1:
        raise ActivityFailed(
            t(
                "{before}: find: got {find!r} {count} times, expected exactly once",
                before=before / file,
                find=find,
                count=count,
            )
        )
    changed = source.replace(find, replace)
    if changed == source:
        raise ActivityFailed(
            t("{before}: replace: got the same as find, expected a change", before=before / file)
        )
    version = _add(found, before, file, changed, note)
    _release(found, "activate", service, version)
    return {"service": service, "version": version, "before": before.name}


def source_is_changed(
    service: str, file: str, find: str, configuration: Configuration = None
) -> dict[str, Any]:
    """Whether a replica of the service really runs a version whose `file` contains `find`.

    - `service`: "intake" or "dashboard"
    - `file`: a file of its release, such as intake.py
    - `find`: text that only the changed source contains

    Each process is asked over HTTP which release it was started from, and that release's source is read: neither
    what is activated nor what the pipeline said counts. One replica is enough. Raises ActivityFailed when none
    answers. Changes nothing.

    YAML::

        type: probe
        name: bad-release-runs
        provider:
          type: python
          module: chaos_ext.actions.lab.release
          func: source_is_changed
          arguments: {service: intake, file: intake.py, find: .encode("ascii").decode()}
    """
    found = _service(service, configuration)
    runs = {replica: _running_version(*address) for replica, address in found.replicas.items()}
    known = {replica: version for replica, version in runs.items() if version}
    if not known:
        raise ActivityFailed(
            t(
                "{service}: got no answer from {runs}, expected the release they run",
                service=service,
                runs=listed(runs),
            )
        )
    changed = {
        replica: find in _read(found.directory / version / _inside(file))
        for replica, version in known.items()
    }
    return {"holds": any(changed.values()), "service": service, "runs": runs, "changed": changed}


def restore_release(
    service: str, file: str, find: str, configuration: Configuration = None
) -> dict[str, Any]:
    """Go back to the release before the changed one, unless somebody has already.

    - `service`: "intake" or "dashboard"
    - `file`: a file of its release, such as intake.py
    - `find`: text that only the changed source contains

    Waits while another release is under way. Superseded when no replica runs the change any more although it
    was rolled out: the runbook went back. Where releases with other changes came on top of the bad one, those are
    kept and only `file` goes back. Harmless when repeated. Returns
    ``{"outcome": "undone" | "superseded" | "already", "why"}``. Raises ActivityFailed when no release
    without the change is left, or the roll-out fails.

    YAML::

        type: action
        name: activate-the-release-before
        provider:
          type: python
          module: chaos_ext.actions.lab.release
          func: restore_release
          arguments: {service: intake, file: intake.py, find: .encode("ascii").decode()}
    """
    found = _service(service, configuration)
    path = _inside(file)
    deadline = time.monotonic() + _UNDER_WAY_S
    while True:
        _wait_for_others(found, deadline)
        now = found.current
        is_bad = find in _read(now / path)
        if not is_bad and not source_is_changed(service, path, find, configuration)["holds"]:
            return _gone_already(found, path, find)
        try:
            version = _version_without(found, now, path, find) if is_bad else now.name
            _release(found, "activate", service, version)
        except _UnderWay:  # somebody was quicker; look again at what they have done
            if time.monotonic() > deadline:
                raise
            continue
        return {
            "outcome": "undone",
            "why": t("{service} runs {version}, without the change", service=service, version=version),
        }


class _UnderWay(ActivityFailed):
    """Another release of the service is being rolled out."""


def _service(name: str, configuration: Configuration = None) -> _Service:
    facts = proven.facts(configuration)
    directory = Path(facts["releases"]) / name
    of_service = re.compile(rf"{re.escape(name)}(-\d+)?")
    replicas = {
        key: value for key, value in behind_edge.addresses(facts).items() if of_service.fullmatch(key)
    }
    if not replicas or not directory.is_dir():
        known = ", ".join(sorted(path.name for path in Path(facts["releases"]).iterdir()))
        raise ActivityFailed(t("service: got {name!r}, expected one of {known}", name=name, known=known))
    return _Service(name, directory, Path(facts["dir"]), Path(facts["bin"]) / "release", replicas)


def _inside(file: str) -> str:
    if Path(file).name != file or file in ("", ".", ".."):
        raise ActivityFailed(t("file: got {file!r}, expected the name of a file in the release", file=file))
    return file


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ActivityFailed(
            t("{path}: got {strerror}, expected a source file", path=path, strerror=error.strerror)
        ) from error


def _add(service: _Service, base: Path, file: str, text: str, note: str) -> str:
    """A new version: `base` with other text in `file`. Its name."""
    with tempfile.TemporaryDirectory(prefix="build-", dir=service.lab) as folder:
        work = Path(folder) / "files"
        shutil.copytree(base, work, ignore=shutil.ignore_patterns(*_NOT_COMPARED))
        (work / file).write_text(text, encoding="utf-8")
        said = _release(service, "add", service.name, str(work), "--note", note)
    return said.split()[-1]


def _release(service: _Service, *words: str) -> str:
    """Run the lab's `release` tool; what it printed."""
    try:
        done = subprocess.run(
            [str(service.tool), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TOOL_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ActivityFailed(t("release {words}: {error}", words=listed(words, " "), error=error)) from error
    if done.returncode != 0:
        why = done.stderr.strip() or t("exit code {returncode}", returncode=done.returncode)
        raise (_UnderWay if "another release is under way" in why else ActivityFailed)(why)
    return done.stdout.strip()


def _running_version(host: str, port: int) -> str | None:
    """The release that a process says it was started from; None when it cannot be asked."""
    connection = http.client.HTTPConnection(host, port, timeout=2.0)
    try:
        connection.request("GET", "/healthz")
        version = json.loads(connection.getresponse().read())["release"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()
    return version if isinstance(version, str) and os.path.basename(version) == version else None


def _gone_already(service: _Service, file: str, find: str) -> dict[str, Any]:
    """Why the activated release is without the change: it was never rolled out, or somebody went back."""
    history = service.directory / "history.jsonl"
    activated = [json.loads(line)["version"] for line in history.read_text(encoding="utf-8").splitlines()]
    were_bad = [
        version
        for version in activated
        if (service.directory / version / file).exists() and find in _read(service.directory / version / file)
    ]
    if were_bad:
        why = t(
            "{name} is activated, without the change of {were_bad}",
            name=service.current.name,
            were_bad=were_bad[-1],
        )
        return {"outcome": "superseded", "why": why}
    return {"outcome": "already", "why": t("the change was never rolled out")}


def _wait_for_others(service: _Service, deadline: float) -> None:
    """Wait until no `release` of this lab works on the service.

    A runner that was killed leaves the tool it had started at work; if we looked before it has activated the bad
    release, we would find nothing to undo.
    """
    while any(_is_release_of(service, process) for process in psutil.process_iter()):
        if time.monotonic() > deadline:
            raise _UnderWay(t("{name}: got another release under way, expected it to end", name=service.name))
        time.sleep(0.05)


def _is_release_of(service: _Service, process: psutil.Process) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    is_tool = str(service.tool) in words or ("--lab" in words and str(service.lab) in words)
    return is_tool and service.name in words


def _version_without(service: _Service, now: Path, file: str, find: str) -> str:
    """The version to go back to: the one before the change, or `now` with that one's `file`."""
    good = _ancestor_without(service, now, file, find)
    if _same_but(now, good, file):
        return good.name
    return _add(service, now, file, _read(good / file), f"{file} as in {good.name}")


def _ancestor_without(service: _Service, version: Path, file: str, find: str) -> Path:
    """The nearest version that `version` was made after and that is without the change."""
    seen: set[str] = set()
    while version.name not in seen:
        seen.add(version.name)
        after = json.loads(_read(version / "release.json")).get("after")
        if not after:
            break
        version = service.directory / after
        if find not in _read(version / file):
            return version
    raise ActivityFailed(
        t(
            "{name}: got {seen}, all with {find!r}, expected one without",
            name=service.name,
            seen=listed(seen),
            find=find,
        )
    )


def _same_but(one: Path, other: Path, file: str) -> bool:
    """Whether two versions differ in nothing but `file`."""

    def files(version: Path) -> dict[str, bytes]:
        skip = _NOT_COMPARED | {file}
        return {path.name: path.read_bytes() for path in version.iterdir() if path.name not in skip}

    return files(one) == files(other)
