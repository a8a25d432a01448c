"""`release`: what a delivery pipeline is in life. Deploys, and goes back, by version directories.

    releases/<service>/v1/{<service>.py,config.json,release.json}
    releases/<service>/current -> v1          switched in one step
    releases/<service>/history.jsonl          what was activated, in order

Activation restarts one replica after the other and waits until each is ready before it goes on. When
one does not get ready the roll-out stops there, as a careful pipeline does: the others keep serving
with what they run. Standard library only: this starts as a tool many times a day.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import fcntl
import hashlib
import http.client
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from chaos_lab.errors import LabProblem
from chaos_lab.orchestrator import Orchestrator

READY_WITHIN_S = 10.0
STOPPED_WITHIN_S = 8.0
_VERSION = re.compile(r"v([1-9][0-9]*)")
_STOPPED = ("STOPPED", "EXITED", "FATAL")
_CRASHED = ("BACKOFF", "EXITED", "FATAL")


def lay_down(directory: Path, service: str, config: dict[str, Any]) -> None:
    """The first release of a service: our own source and its configuration, current, in the history."""
    first = directory / "v1"
    first.mkdir(mode=0o700, parents=True)
    shutil.copyfile(Path(__file__).with_name("services") / f"{service}.py", first / f"{service}.py")
    (first / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    _describe(first, None, "first release")
    (directory / "current").symlink_to("v1")
    _remember(directory, "v1", "healthy")


# --- what there is -------------------------------------------------------------------------------


def versions(directory: Path) -> list[str]:
    """All versions of a service, oldest first."""
    found = [path.name for path in directory.iterdir() if _VERSION.fullmatch(path.name)]
    return sorted(found, key=lambda name: int(name[1:]))


def current(directory: Path) -> str:
    """The version that `current` leads to."""
    return (directory / "current").readlink().name


def history(directory: Path) -> list[dict[str, Any]]:
    """Activations, oldest first: {"version", "at", "outcome"}."""
    with contextlib.suppress(FileNotFoundError):
        return [
            json.loads(line)
            for line in (directory / "history.jsonl").read_text(encoding="utf-8").splitlines()
        ]
    return []


def previous(directory: Path) -> str:
    """The version that ran before the current one. Raises LabProblem when there was none."""
    now = current(directory)
    for entry in reversed(history(directory)):
        if entry["version"] != now and entry["outcome"] == "healthy":
            return str(entry["version"])
    raise LabProblem(f"release: {directory.name}: nothing ran before {now}.")


# --- new versions --------------------------------------------------------------------------------


def add(directory: Path, source: Path, note: str) -> str:
    """A new version with the files of the folder `source`, not activated; its name."""
    if not (source / f"{directory.name}.py").is_file() or not (source / "config.json").is_file():
        raise LabProblem(f"release: {source}: expected a folder with {directory.name}.py and config.json.")
    name = f"v{max((int(version[1:]) for version in versions(directory)), default=0) + 1}"
    fresh = directory / f".{name}"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(
        source, fresh, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "release.json")
    )
    _describe(fresh, current(directory), note, name)
    fresh.rename(directory / name)
    return name


def changed(directory: Path, changes: dict[str, Any]) -> str:
    """A new version: the current one with other values in config.json, not activated; its name."""
    source = (directory / "current").resolve()
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    for key in changes:
        if key not in config:
            close = difflib.get_close_matches(key, config, 1)
            meant = f" Did you mean {close[0]!r}?" if close else ""
            raise LabProblem(
                f"release: {directory.name}: got {key!r}, expected one of {', '.join(config)}.{meant}"
            )
    name = add(directory, source, " ".join(f"{key}={value}" for key, value in changes.items()))
    path = directory / name / "config.json"
    path.write_text(json.dumps({**config, **changes}, indent=1) + "\n", encoding="utf-8")
    _describe(
        directory / name, current(directory), " ".join(f"{key}={value}" for key, value in changes.items())
    )
    return name


def _describe(version: Path, after: str | None, note: str, name: str | None = None) -> None:
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(version.iterdir())
        if path.is_file() and path.name != "release.json"
    }
    said = {"version": name or version.name, "after": after, "note": note, "made_at": _now(), "files": files}
    (version / "release.json").write_text(
        json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _remember(directory: Path, version: str, outcome: str) -> None:
    with (directory / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"version": version, "at": _now(), "outcome": outcome}) + "\n")


# --- activation ----------------------------------------------------------------------------------


def activate(lab: Path, service: str, version: str, say: Callable[[str], None]) -> None:
    """Make `version` current and restart the replicas one by one, each until it is ready.

    Raises LabProblem when a replica does not stop, ends again, or is not ready after `READY_WITHIN_S`
    seconds; then the version stays current, and the replicas after it run what they ran.
    """
    directory = lab / "releases" / service
    if version not in versions(directory):
        raise LabProblem(
            f"release: {service}: got version {version!r}, expected one of {', '.join(versions(directory))}."
        )
    before = current(directory)
    fresh = directory / f".current.{os.getpid()}"
    fresh.symlink_to(version)
    fresh.replace(directory / "current")
    orchestrator = Orchestrator(lab / "run" / "supervisor.sock")
    try:
        for replica in _replicas(lab, service):
            say(f"{replica}: restarting with {version}")
            _restart(orchestrator, replica)
            problem = _wait_ready(lab, orchestrator, replica, version)
            if problem:
                raise LabProblem(
                    f"release: {service} {version}: {replica} is not ready: {problem}. "
                    f"The others were left alone. Back: release activate {service} {before}"
                )
            say(f"{replica}: ready")
    except BaseException:
        _remember(directory, version, "unhealthy")
        raise
    _remember(directory, version, "healthy")


def _replicas(lab: Path, service: str) -> list[str]:
    """Replicas of a service, by the configuration files that name them."""
    return sorted(
        path.stem for path in (lab / "conf").glob("*.json") if re.fullmatch(rf"{service}(-\d+)?", path.stem)
    )


def _restart(orchestrator: Orchestrator, replica: str) -> None:
    orchestrator.stop(replica)
    deadline = time.monotonic() + STOPPED_WITHIN_S
    while orchestrator.state(replica) not in _STOPPED:
        if time.monotonic() > deadline:
            raise LabProblem(f"release: {replica}: does not stop within {STOPPED_WITHIN_S:g} s.")
        time.sleep(0.02)
    orchestrator.start(replica)


def _wait_ready(lab: Path, orchestrator: Orchestrator, replica: str, version: str) -> str:
    """Wait for the replica. Returns why it is not ready, or nothing when it is."""
    host, _, port = json.loads((lab / "conf" / f"{replica}.json").read_text(encoding="utf-8"))[
        "listen"
    ].rpartition(":")
    began = time.monotonic()
    while why := _not_ready(host, int(port), version):
        state, waited_s = orchestrator.state(replica), time.monotonic() - began
        if state in _CRASHED:
            return f"its process ends again and again ({state}); see {lab / 'logs' / replica}.log"
        if waited_s > READY_WITHIN_S:
            return f"after {READY_WITHIN_S:g} s: {why}"
        time.sleep(0.03)
    return ""


def _not_ready(host: str, port: int, version: str) -> str:
    """One look at /readyz: can it do its work, and is it the version we mean?"""
    connection = http.client.HTTPConnection(host, port, timeout=2.5)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return f"/readyz: {error}"
    finally:
        connection.close()
    if response.status != 200:
        return f"/readyz answers {response.status} {body[:200]}"
    with contextlib.suppress(ValueError, AttributeError):
        runs = json.loads(body).get("release", version)
        if runs != version:
            return f"it runs {runs}"
    return ""


# --- the command ---------------------------------------------------------------------------------


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One release of a service at a time."""
    handle = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise LabProblem(
            f"release: {directory.name}: another release is under way. Wait until it is done."
        ) from error
    finally:
        os.close(handle)


def _pairs(words: list[str]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise LabProblem(f"release set: got {word!r}, expected key=value such as database=pg-b.")
        try:
            changes[key] = json.loads(value)
        except ValueError:
            changes[key] = value
    return changes


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="release",
        description="Deploys versions of a service and goes back to earlier ones.",
        epilog="example: release set intake database=pg-b",
    )
    parser.add_argument("--lab", type=Path, required=True, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, says: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=says, description=says)
        made.add_argument("service", metavar="SERVICE", help="intake, insight or dashboard")
        return made

    command("list", "All versions: name, whether current, when made, note.")
    command("current", "The version that is activated.")
    command("previous", "The version that ran before the current one.")
    made = command("set", "A new version with other values in its configuration, activated.")
    made.add_argument("changes", metavar="KEY=VALUE", nargs="+")
    made = command("activate", "Restart the replicas, one after the other, with a version.")
    made.add_argument("version", metavar="VERSION")
    made = command("add", "A new version from the files in FOLDER, not activated; prints its name.")
    made.add_argument("folder", metavar="FOLDER", type=Path)
    made.add_argument("--note", default="")
    return parser


def run(arguments: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Do what the command line says. Raises LabProblem."""
    lab, service = arguments.lab, arguments.service
    directory = lab / "releases" / service
    known = sorted(path.name for path in (lab / "releases").iterdir()) if (lab / "releases").is_dir() else []
    if service not in known:
        raise LabProblem(
            f"release: got service {service!r}, expected one of {', '.join(known) or 'none: no lab here'}."
        )
    match arguments.command:
        case "list":
            for version in versions(directory):
                said = json.loads((directory / version / "release.json").read_text(encoding="utf-8"))
                mark = "current" if version == current(directory) else ""
                say(f"{version:<5}{mark:<9}{said['made_at']}  {said['note']}".rstrip())
        case "current":
            say(current(directory))
        case "previous":
            say(previous(directory))
        case "add":
            with _alone(directory):
                say(add(directory, arguments.folder, arguments.note))
        case "set":
            with _alone(directory):
                version = changed(directory, _pairs(arguments.changes))
                activate(lab, service, version, say)
            say(f"{service}: {version} is active")
        case "activate":
            with _alone(directory):
                activate(lab, service, arguments.version, say)
            say(f"{service}: {arguments.version} is active")


def main() -> None:
    """The `release` tool; exit 1 when the release did not work out, 2 for a wrong command line."""
    try:
        run(_parser().parse_args(), lambda line: print(line, flush=True))
    except LabProblem as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"release: {error.filename or 'file'}: {error.strerror}", file=sys.stderr)
        sys.exit(1)
