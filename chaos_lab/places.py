"""Where labs live: the lab home, one directory per lab, and the file that says what state it is in.

Standard library only and light: `facts` is asked for by every command that talks to a lab.

    <home>/lock                  held while labs are claimed or swept
    <home>/template-<digest>/    what every lab is copied from
    <home>/<name>/lab.json       who started it, who owns it, which supervisor runs it
    <home>/<name>/facts.json     what others need to know; there only when the lab is healthy
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos_lab.errors import LabProblem

# Linux allows 107 bytes for a Unix socket's path, macOS 103; supervisord binds "<path>.<pid>" first.
LONGEST_SOCKET_PATH = 103 - len(".4194304")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_RESERVED = ("template-", "pg-")


def home() -> Path:
    """The directory that holds all labs of this user, made when it is not there.

    `$CHAOS_LAB_HOME`, else `chaos-lab-<uid>` in the directory for temporary files. Raises LabProblem
    when it belongs to somebody else or others may write in it: then its content cannot be trusted.
    """
    chosen = os.environ.get("CHAOS_LAB_HOME")
    path = Path(chosen) if chosen else Path(tempfile.gettempdir()) / f"chaos-lab-{os.getuid()}"
    path = path.absolute()
    try:
        path.mkdir(mode=0o711, parents=bool(chosen), exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise LabProblem(
            f"{path}: the lab home cannot be made: {error.strerror}. Set CHAOS_LAB_HOME to a short path "
            "that you may write to."
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise LabProblem(
            f"{path}: got uid {found.st_uid} and mode {stat.filemode(found.st_mode)}, expected a directory "
            f"that belongs to uid {os.getuid()} and that nobody else may write to. Set CHAOS_LAB_HOME."
        )
    return path


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`; the kernel lets go of it when we die."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@dataclass(frozen=True)
class Lab:
    """One lab's directory; the paths below it are the same in every lab."""

    dir: Path

    @property
    def name(self) -> str:
        return self.dir.name

    @property
    def run(self) -> Path:
        return self.dir / "run"

    @property
    def conf(self) -> Path:
        return self.dir / "conf"

    @property
    def data(self) -> Path:
        return self.dir / "data"

    @property
    def logs(self) -> Path:
        return self.dir / "logs"

    @property
    def bin(self) -> Path:
        return self.dir / "bin"

    @property
    def tls(self) -> Path:
        return self.dir / "tls"

    @property
    def releases(self) -> Path:
        return self.dir / "releases"

    @property
    def volumes(self) -> Path:
        """One directory for each part that writes files."""
        return self.dir / "volumes"

    @property
    def archive(self) -> Path:
        """Where PostgreSQL's servers put their write-ahead log, for recovery to a point in time."""
        return self.data / "archive"

    @property
    def clients(self) -> Path:
        """Service and password files of PostgreSQL clients; the database's OS user reads them too."""
        return self.dir / "pg"

    @property
    def names(self) -> Path:
        return self.dir / "names.json"

    @property
    def socket(self) -> Path:
        return self.run / "supervisor.sock"

    @property
    def orchestrator_log(self) -> Path:
        return self.logs / "supervisord.log"

    @property
    def supervisor_config(self) -> Path:
        return self.conf / "supervisord.conf"

    def state(self) -> dict[str, Any] | None:
        """What lab.json says, or None when it is missing or torn."""
        return read_object(self.dir / "lab.json")

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace lab.json in one step."""
        write(self.dir / "lab.json", json.dumps(state, indent=1) + "\n")

    def facts(self) -> dict[str, Any] | None:
        """What facts.json says, or None while the lab is not up."""
        return read_object(self.dir / "facts.json")


def read_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file, or None when it is missing or torn."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write(path: Path, text: str, mode: int = 0o600, owner: tuple[int, int] | None = None) -> None:
    """Write a whole file or nothing: readers never see half of it. `owner` is (uid, gid), for root only."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            file.write(text)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def check_name(name: str) -> None:
    """Raise LabProblem unless `name` can be a lab's name."""
    if not _NAME.fullmatch(name) or name.startswith(_RESERVED):
        raise LabProblem(
            f"--name: got {name!r}, expected up to 32 small letters, digits and hyphens, not starting with "
            "a hyphen, 'template-' or 'pg-'. Try 'mine'."
        )


def all_labs(where: Path) -> list[Lab]:
    """Every lab in the home, whatever state it is in, by name.

    Only what says itself that it is one: somebody's home directory may be the lab home.
    """
    names = sorted(entry.name for entry in os.scandir(where) if entry.is_dir(follow_symlinks=False))
    labs = [Lab(where / name) for name in names if _NAME.fullmatch(name) and not name.startswith(_RESERVED)]
    return [lab for lab in labs if isinstance((lab.state() or {}).get("marker"), str)]


def find(which: str | None = None) -> Lab:
    """The lab that `which` names (a name or a directory); else `$CHAOS_LAB`; else the only one there is.

    Raises LabProblem when there is none, or several to choose from.
    """
    asked = which or os.environ.get("CHAOS_LAB") or ""
    source = "LAB" if which else "CHAOS_LAB"
    if asked:
        path = Path(asked) if "/" in asked else home() / asked
        if (path / "lab.json").is_file():
            return Lab(path.absolute())
        there = ", ".join(lab.name for lab in all_labs(home())) or "none"
        raise LabProblem(
            f"{source}: got {asked!r}, expected a lab that is up (those: {there}). 'chaos lab up' starts one."
        )
    labs = all_labs(home())
    if len(labs) == 1:
        return labs[0]
    if not labs:
        raise LabProblem(f"{home()}: no lab is up. 'chaos lab up' starts one.")
    raise LabProblem(
        f"{home()}: got {len(labs)} labs ({', '.join(lab.name for lab in labs)}), expected one. "
        "Name the one you mean, or set CHAOS_LAB."
    )


def facts(which: str | None = None) -> dict[str, Any]:
    """The facts of a lab that is up. Raises LabProblem when it is not."""
    lab = find(which)
    found = lab.facts()
    if found is None:
        state = (lab.state() or {}).get("state", "unreadable")
        raise LabProblem(
            f"{lab.dir}: the lab is not up, its state is {state!r}. 'chaos lab status {lab.name}' says more."
        )
    return found
