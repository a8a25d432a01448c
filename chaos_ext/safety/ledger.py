"""The undo ledger: what was broken, and how to put it back, written before it is broken.

One file of JSON lines per instance of an environment, only ever appended to. A line is on the disk
(fsync) before the call that wrote it returns, so that a power cut, a SIGKILL or a full disk cannot
leave a fault that nobody knows of. Lines of one entry: `intended` with everything that its undo needs,
then `injected`, then `undone`, `superseded` (the world has moved on, undoing would do harm) or
`failed` (still broken; `chaos heal` tries again).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.record import wall_now
from chaos_ext.safety import processes

if TYPE_CHECKING:  # the models take longer to import than all the rest of a janitor
    from chaos_ext.model import Activity

SCHEMA = 1
State = Literal["intended", "injected", "undone", "superseded", "failed"]
CLOSED: tuple[State, ...] = ("undone", "superseded")


@dataclass(frozen=True)
class Entry:
    """One fault: what was done, how it is undone, how one sees that it is in force, and how far it got."""

    id: str
    path: Path  # the ledger file that holds it
    name: str
    environment: str
    instance: str
    identity: dict[str, dict[str, str]]  # what must be proven before anything is touched
    activity: Activity
    undo: Activity | None
    cannot_be_undone_because: str
    in_force: Activity
    configuration: dict[str, Any]
    target: Any
    prior: Any  # what was seen before the fault
    lease_until: float  # seconds since 1970; later than this nobody is expected to come back for it
    runner_pid: int
    runner_started: str
    runner_host: str
    intended_wall: str
    state: State
    changed_wall: str
    why: str = ""
    output: Any = None  # what the injecting activity returned

    @property
    def is_open(self) -> bool:
        """Whether something may still be broken."""
        return self.state not in CLOSED

    def runner_may_live(self) -> bool:
        """Whether whoever injected this may still come back for it.

        On another machine we cannot see its process; there the lease decides.
        """
        if self.runner_host != processes.host():
            return time.time() < self.lease_until
        return processes.is_alive(self.runner_pid, self.runner_started)

    def is_of_this_process(self) -> bool:
        """Whether this very process injected it."""
        return (self.runner_host, self.runner_pid, self.runner_started) == (
            processes.host(),
            *processes.myself(),
        )


_FIXED = ("id", "path", "state", "changed_wall", "why", "output")  # not part of the first line's `fault`


def file_stem(instance: str) -> str:
    """A file name for `instance`: itself when that is a harmless name, otherwise its digest."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", instance):
        return instance
    return hashlib.sha256(instance.encode()).hexdigest()[:40]


class Ledger:
    """The ledger of one instance. Several processes may use it at once."""

    def __init__(self, directory: Path, environment: str, instance: str) -> None:
        self.directory = directory
        self.environment = environment
        self.instance = instance
        self.path = directory / f"{file_stem(instance)}.jsonl"

    def intend(
        self,
        name: str,
        *,
        activity: Activity,
        undo: Activity | None,
        in_force: Activity,
        target: Any,
        prior: Any,
        lease_s: float,
        configuration: dict[str, Any],
        identity: dict[str, dict[str, str]],
        cannot_be_undone_because: str = "",
    ) -> Entry:
        """Write down what is about to be broken. Returns once it is on the disk.

        `lease_s`: seconds after which the janitor undoes it although the runner lives. Raises Blocked
        when it cannot be written; then nothing may be injected.
        """
        pid, started = processes.myself()
        now = wall_now()
        entry = Entry(
            id=uuid.uuid4().hex[:16],
            path=self.path,
            name=name,
            environment=self.environment,
            instance=self.instance,
            identity=identity,
            activity=activity,
            undo=undo,
            cannot_be_undone_because=cannot_be_undone_because,
            in_force=in_force,
            configuration=configuration,
            target=target,
            prior=prior,
            lease_until=time.time() + lease_s,
            runner_pid=pid,
            runner_started=started,
            runner_host=processes.host(),
            intended_wall=now,
            state="intended",
            changed_wall=now,
        )
        fault = {key: value for key, value in vars(entry).items() if key not in _FIXED}
        self._append(entry.id, "intended", now, {"fault": fault})
        return entry

    def injected(self, entry: Entry, output: Any) -> Entry:
        """Write down that the fault was injected, and what its activity returned."""
        now = wall_now()
        self._append(entry.id, "injected", now, {"output": output})
        return replace(entry, state="injected", changed_wall=now, output=output)

    def close(self, entry: Entry, state: State, why: str) -> Entry:
        """Write down how it ended: `undone`, `superseded`, or `failed` (which stays open)."""
        now = wall_now()
        self._append(entry.id, state, now, {"why": why})
        return replace(entry, state=state, changed_wall=now, why=why)

    def entries(self) -> list[Entry]:
        """All entries, oldest first, each as it stands now."""
        return read_file(self.path)

    def open_entries(self) -> list[Entry]:
        """Entries that may still be broken, oldest first."""
        return [entry for entry in self.entries() if entry.is_open]

    def _append(self, entry: str, state: State, wall: str, more: dict[str, Any]) -> None:
        record = {"schema": SCHEMA, "entry": entry, "state": state, "wall": wall, **more}
        try:
            _append_durably(self.path, json.dumps(record, ensure_ascii=False, default=str).encode() + b"\n")
        except OSError as error:
            raise Blocked(
                t(
                    "{path}: got {strerror}, expected to write down '{state}' durably. Make room or "
                    "mend the directory; nothing is injected without it.",
                    path=self.path,
                    strerror=error.strerror or error,
                    state=state,
                )
            ) from error


def of(entry: Entry) -> Ledger:
    """The ledger that holds `entry`."""
    return Ledger(entry.path.parent, entry.environment, entry.instance)


def read_file(path: Path) -> list[Entry]:
    """The entries of one ledger file; none when there is no file. Raises Blocked on a damaged one."""
    try:
        with path.open("rb") as file, _flocked(file.fileno(), fcntl.LOCK_SH):
            data = file.read()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Blocked(
            t("{path}: got {strerror}, expected to read what is open.", path=path, strerror=error.strerror)
        ) from error
    return parse(path, data)


def parse(path: Path, data: bytes) -> list[Entry]:
    """The entries in `data`, the content of the ledger file `path`. Raises Blocked when it is damaged."""
    entries: dict[str, Entry] = {}
    lines = data.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            _fold(entries, json.loads(line), path)
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):  # torn by a power cut: nobody was told that it had been written
                break
            raise Blocked(
                t(
                    "{path}:{number}: got a line that cannot be read ({error}), expected one ledger "
                    "record. Look at it before anything else is injected here.",
                    path=path,
                    number=number,
                    error=error,
                )
            ) from error
    return list(entries.values())


def read_all(directory: Path, damaged: list[Blocked] | None = None) -> list[Entry]:
    """The entries of every instance, oldest first.

    Raises Blocked on a damaged file, or adds that to `damaged` and goes on with the other files.
    """
    entries: list[Entry] = []
    for path in sorted(directory.glob("*.jsonl")):
        try:
            entries += read_file(path)
        except Blocked as error:
            if damaged is None:
                raise
            damaged.append(error)
    return sorted(entries, key=lambda entry: entry.intended_wall)


def find(path: Path, entry_id: str) -> Entry:
    """One entry as it stands now. KeyError when the file does not hold it."""
    return next((entry for entry in read_file(path) if entry.id == entry_id), None) or _missing(entry_id)


def refuse_if_unhealed(directory: Path, instance: str) -> None:
    """Raise Blocked when something that nobody is looking after may still be broken in `instance`.

    What this very process has injected, and is going to undo, does not count; what it failed to undo does.
    """
    path = directory / f"{file_stem(instance)}.jsonl"
    unhealed = [
        entry
        for entry in read_file(path)
        if entry.is_open and (entry.state == "failed" or not entry.is_of_this_process())
    ]
    if unhealed:
        names = ", ".join(f"{entry.name} ({entry.state} {entry.changed_wall})" for entry in unhealed)
        raise Blocked(
            t(
                "{path}: got {unhealed} unhealed: {names}; expected none before anything new is "
                "broken. Run 'chaos heal'.",
                path=path,
                unhealed=len(unhealed),
                names=names,
            )
        )


def _missing(entry_id: str) -> Entry:
    raise KeyError(entry_id)


def _fold(entries: dict[str, Entry], record: dict[str, Any], path: Path) -> None:
    if record["schema"] != SCHEMA:
        raise ValueError(
            t("schema {schema}, this version reads {ours}", schema=record["schema"], ours=SCHEMA)
        )
    key, state, wall = record["entry"], record["state"], record["wall"]
    if state == "intended":
        entries[key] = Entry(id=key, path=path, state=state, changed_wall=wall, **record["fault"])
        return
    entries[key] = replace(
        entries[key],
        state=state,
        changed_wall=wall,
        why=record.get("why", entries[key].why),
        output=record.get("output", entries[key].output),
    )


def _append_durably(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked_file(path) as fd:
        end = _mend_tail(fd)
        try:
            left = line
            while left:
                left = left[os.write(fd, left) :]
            os.fsync(fd)
        except OSError:
            os.ftruncate(fd, end)  # half a line would be read as damage
            raise
    if end == 0:
        _sync_directory(path.parent)


@contextmanager
def _locked_file(path: Path) -> Iterator[int]:
    """The file, locked, and still the one of that name: `prune` may have removed it while we waited."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with _flocked(fd, fcntl.LOCK_EX):
                if _is_still(fd, path):
                    yield fd
                    return
        finally:
            os.close(fd)


def _is_still(fd: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(fd)
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def _mend_tail(fd: int) -> int:
    """Make the file end with a whole line; returns its length. A torn last line was never acknowledged."""
    end = os.fstat(fd).st_size
    data = os.pread(fd, end, 0)
    tail = data.rpartition(b"\n")[2]
    if not tail:
        return end
    try:
        json.loads(tail)
    except ValueError:
        os.ftruncate(fd, end - len(tail))
        return end - len(tail)
    os.write(fd, b"\n")
    return end + 1


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _flocked(fd: int, how: int) -> Iterator[None]:
    fcntl.flock(fd, how)
    try:
        yield
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)
