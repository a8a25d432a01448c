"""The undo ledger: what was broken, and how to put it back, written before it is broken.

One file of JSON lines per instance of an environment, only ever appended to; or, for an environment that several
machines share, a PostgreSQL database by URL, and beside it a file of the same shape with what this machine has to do
with: should the database be lost at the worst moment, the undo goes on, and what closes an entry is sent later.

A line is on the disk (fsync, or a durable commit) before the call that wrote it returns, so that a power cut, a
SIGKILL or a full disk cannot leave a fault that nobody knows of. Lines of one entry: `intended` with everything that
its undo needs, then `injected`, then `undone`, `superseded` (the world has moved on, undoing would do harm) or
`failed` (still broken; `chaos heal` tries again). What else a ledger holds is in `book.py`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.masking.register import hidden
from chaos_ext.record import wall_now
from chaos_ext.safety import book as books
from chaos_ext.safety import clocks, ledger_file, processes
from chaos_ext.safety.book import Book
from chaos_ext.safety.entries import (
    CLOCKS_DIFFER_S,
    CLOSED,
    NOT_OF_THE_FAULT,
    STATES,
    Entry,
    Holder,
    State,
    file_stem,
)
from chaos_ext.safety.ledger_postgresql import Remote

if TYPE_CHECKING:
    from chaos_ext.model import Activity

__all__ = ["CLOSED", "Entry", "Ledger", "State", "file_stem"]


class Held(Protocol):
    """That this process is the only one to run something in a place."""

    def refuse_unless_ours(self, book: Book, now: float) -> None:
        """Raise Blocked when the ledger says that it is not, or not any more; `now` by the ledger's clock."""

    def refuse_if_over(self) -> None:
        """Raise Blocked when it may have ended by now, by this machine's clock."""


# Sees what is open, and what time it is there; raises to stop the writing, or returns more for the record.
Unless = Callable[[Book, float], dict[str, Any] | None]
_Rows = list[tuple[str, dict[str, Any]]]
_COPIES = "copies"


class Ledger:
    """The ledger of one instance. Several processes may use it at once.

    `url`: of the shared ledger, without a password (`ledger_postgresql.remember`); "" for a file in `directory`.
    """

    def __init__(self, directory: Path, environment: str, instance: str, url: str = "") -> None:
        self.directory = directory
        self.environment = environment
        self.instance = instance
        self.url = url
        self.path = folder_of(directory, url) / f"{file_stem(instance)}.jsonl"
        self._clocks = clocks.both()
        self.held: Held | None = None  # by this process, while it runs something there

    @property
    def where(self) -> str:
        """The file or the URL, for messages."""
        return self.url or str(self.path)

    # --- faults ---

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
        when it cannot be written, this machine's clock jumped, or a shared place is not ours any more; then nothing
        may be injected.
        """
        self._refuse_jumped_clock()
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
            ledger=self.url,
        )
        fault = _fault_of(entry)
        # Hidden, they would not undo it any more.
        for needed in ("undo", "in_force", "configuration", "identity"):
            if hidden(fault[needed]) != fault[needed]:
                raise Blocked(
                    t(
                        "{name}: got a secret's value in its {needed}, expected none: the ledger is kept, and whoever "
                        "heals must read it. Nothing is injected.",
                        name=name,
                        needed=needed,
                    )
                )
        ours = None if self.held is None else self.held.refuse_unless_ours
        self.append(entry.id, "intended", {"fault": fault}, wall=now, unless=ours, check_clock=True)
        return entry

    def refuse_if_late(self, entry: Entry) -> None:
        """Raise Blocked when a fault that was intended must not be injected any more; asked right before it is.

        Its runner may have stood still since: its place was lost then, or its entry was healed, or soon is.
        """
        self._refuse_jumped_clock()
        if self.held is not None:
            self.held.refuse_if_over()
        known = next((each for each in self.entries() if each.id == entry.id), None)
        if known is None or not known.is_open or known.lease() == "over":
            raise Blocked(
                t(
                    "{name}: got its entry {state}, expected it open and within its lease: this process stood still. "
                    "Nothing was injected; run it again.",
                    name=entry.name,
                    state=t("gone") if known is None else known.state if not known.is_open else t("overdue"),
                )
            )

    def injected(self, entry: Entry, output: Any) -> Entry:
        """Write down that the fault was injected, and what its activity returned."""
        now = wall_now()
        self.append(entry.id, "injected", {"output": output}, wall=now)
        holder = books.holder_in(output) or entry.holder
        return replace(entry, state="injected", changed_wall=now, output=output, holder=holder)

    def held_by(self, entry: Entry, holder: Holder) -> None:
        """Write down which process the fault will live in, before it does. Raises Blocked."""
        self.append(entry.id, "holder", {"holder": vars(holder)})

    def close(self, entry: Entry, state: State, why: str) -> Entry:
        """Write down how it ended: `undone`, `superseded`, or `failed` (which stays open)."""
        now = wall_now()
        if self.url:
            self._adopt(entry)
        self.append(entry.id, state, {"why": why}, wall=now, later=True)
        return replace(entry, state=state, changed_wall=now, why=why)

    def entries(self) -> list[Entry]:
        """All entries that this machine has to do with, oldest first, each as it stands now."""
        return read_file(self.path)

    def open_entries(self) -> list[Entry]:
        """Entries that may still be broken, oldest first."""
        return [entry for entry in self.entries() if entry.is_open]

    # --- everything ---

    def book(self, everything: bool = False) -> Book:
        """What is open in it, on every machine that shares it. Raises Blocked when that cannot be known."""
        if not self.url:
            return read_book(self.path)
        self.send_unsent()
        rows, ahead_s = Remote(self.url).records(self.instance, everything)
        book = Book(self.environment, self.instance, self.url, ahead_s)
        return books.fold(rows, self.path, self.url, book)

    def append(
        self,
        key: str,
        state: str,
        more: dict[str, Any],
        *,
        wall: str | None = None,
        later: bool = False,
        unless: Unless | None = None,
        check_clock: bool = False,
    ) -> None:
        """Write one record, durably. Raises Blocked.

        `later`: when the shared ledger cannot be reached this machine keeps it, and sends it later. `unless` sees
        what is open, while nobody else can write, and raises to stop it.
        """
        schema = books.FAULTS if state in STATES else books.SCHEMA
        record = {"schema": schema, "entry": key, "state": state, "wall": wall or wall_now(), **hidden(more)}
        if self.url or state not in STATES:
            record |= {"environment": self.environment, "instance": self.instance}
        if not self.url:
            return self._write(record, unless)
        record["record"] = str(uuid.uuid4())
        try:
            Remote(self.url).append(record, self._as_book(unless), check_clock)
        except Blocked:
            if not later:
                raise
            return self._write({**record, "copy_of": self.url, "unsent": True})
        try:
            self._write({**record, "copy_of": self.url})
        except Blocked as error:
            if state != "intended":  # the shared ledger has it; the copy is for the day when that is lost
                return None
            undone = {"state": "undone", "why": t("nothing was injected"), "record": str(uuid.uuid4())}
            with contextlib.suppress(Blocked):
                Remote(self.url).append({**record, **undone, "fault": None})
            raise error
        return None

    def send_unsent(self) -> int:
        """Send what a shared ledger has not got yet; how much that was. Raises Blocked when it cannot be reached."""
        if not self.url:
            return 0
        sent = 0
        for key, kept in read_book(self.path).unsent.items():
            record = {name: value for name, value in kept.items() if name not in ("copy_of", "unsent")}

            def unless(rows: _Rows, _now: float, subject: str = record["entry"]) -> None:
                if not any(row["entry"] == subject for _, row in rows):
                    raise _Closed

            with contextlib.suppress(_Closed):  # somebody else has closed it meanwhile
                Remote(self.url).append(record, unless)
            self._write(
                {
                    "schema": books.SCHEMA,
                    "entry": key,
                    "state": "sent",
                    "wall": wall_now(),
                    "copy_of": self.url,
                }
            )
            sent += 1
        return sent

    def _as_book(self, unless: Unless | None) -> Callable[[_Rows, float], dict[str, Any] | None] | None:
        if unless is None:
            return None

        def see(rows: _Rows, now: float) -> dict[str, Any] | None:
            book = Book(self.environment, self.instance, self.url)
            return unless(books.fold(rows, self.path, self.url, book), now)

        return see

    def _adopt(self, entry: Entry) -> None:
        """Have a copy of an entry that another machine wrote, so that its closing line has something to close."""
        with contextlib.suppress(Blocked):
            if any(known.id == entry.id for known in read_file(self.path)):
                return
            common = {
                "schema": books.FAULTS, "entry": entry.id, "copy_of": self.url,
                "environment": self.environment, "instance": self.instance,
            }  # fmt: skip
            fault = {"state": "intended", "wall": entry.intended_wall, "fault": _fault_of(entry)}
            self._write({**common, **fault})
            if entry.state != "intended":
                self._write(
                    {
                        **common, "state": entry.state, "wall": entry.changed_wall, "why": entry.why,
                        "output": entry.output,
                    }
                )  # fmt: skip

    def _write(self, record: dict[str, Any], unless: Unless | None = None) -> None:
        """One line at the end of our file."""

        def see(data: bytes) -> None:
            if unless is not None:
                unless(books.parse(self.path, data), time.time())

        try:
            line = json.dumps(record, ensure_ascii=False, default=str).encode(errors="replace") + b"\n"
            ledger_file.append(self.path, line, see)
        except OSError as error:
            raise Blocked(
                t(
                    "{path}: got {strerror}, expected to write down '{state}' durably. Make room or "
                    "mend the directory; nothing is injected without it.",
                    path=self.path,
                    strerror=error.strerror or error,
                    state=record["state"],
                )
            ) from error

    def _refuse_jumped_clock(self) -> None:
        """A lease is a time of the wall clock: one that was set meanwhile may be wrong now, or was before."""
        wall, steady = clocks.both()
        jumped_s = (wall - self._clocks[0]) - (steady - self._clocks[1])
        if abs(jumped_s) > CLOCKS_DIFFER_S:
            raise Blocked(
                t(
                    "clock: got a jump by {jumped_s:.0f} s since this run began, expected none: nobody could trust a "
                    "lease. See that the clock is right (timedatectl), then start again; nothing is injected.",
                    jumped_s=jumped_s,
                )
            )


class _Closed(Exception):
    """What a late record would close is closed."""


def _fault_of(entry: Entry) -> dict[str, Any]:
    return {key: value for key, value in vars(entry).items() if key not in NOT_OF_THE_FAULT}


def folder_of(directory: Path, url: str) -> Path:
    """Where the files of a ledger are: in the state's own folder, or in that of a shared ledger's copies."""
    return directory / _COPIES / hashlib.sha256(url.encode()).hexdigest()[:16] if url else directory


def of(entry: Entry) -> Ledger:
    """The ledger that holds `entry`."""
    directory = entry.path.parents[2] if entry.ledger else entry.path.parent
    return Ledger(directory, entry.environment, entry.instance, entry.ledger)


def read_book(path: Path) -> Book:
    """What one ledger file says. Raises Blocked on a damaged one."""
    return books.parse(path, ledger_file.read(path))


def read_file(path: Path) -> list[Entry]:
    """The entries of one ledger file; none when there is no file. Raises Blocked on a damaged one."""
    return list(read_book(path).entries.values())


def files(directory: Path) -> list[Path]:
    """The ledger files of this machine: its own, and the copies of shared ledgers."""
    return [*sorted(directory.glob("*.jsonl")), *sorted(directory.glob(f"{_COPIES}/*/*.jsonl"))]


def read_books(paths: Iterable[Path], damaged: list[Blocked] | None = None) -> list[Book]:
    """What several files say. Raises Blocked on a damaged one, or adds that to `damaged` and goes on."""
    found = []
    for path in paths:
        try:
            found.append(read_book(path))
        except Blocked as error:
            if damaged is None:
                raise
            damaged.append(error)
    return found


def read_all(directory: Path, damaged: list[Blocked] | None = None) -> list[Entry]:
    """The entries of every instance that this machine has to do with, oldest first.

    Raises Blocked on a damaged file, or adds that to `damaged` and goes on with the other files.
    """
    entries = [e for book in read_books(files(directory), damaged) for e in book.entries.values()]
    return sorted(entries, key=lambda entry: entry.intended_wall)


def find(path: Path, entry_id: str) -> Entry:
    """One entry as it stands now. KeyError when the file does not hold it."""
    return next((entry for entry in read_file(path) if entry.id == entry_id), None) or _missing(entry_id)


def _missing(entry_id: str) -> Entry:
    raise KeyError(entry_id)
