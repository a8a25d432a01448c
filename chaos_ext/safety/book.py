"""What a ledger says of one instance: its records, one after the other, folded. Pure; the same for a file and a table.

A record is a JSON object: `schema`, `entry` (what it is about), `state`, `wall`, and what belongs to the state:

- intended, injected, undone, superseded, failed: a fault; `holder`: the process that it lives in
- mitigating, mitigated: a runbook that is changing things, in a place that is not thrown away
- needs-person, cleared: nothing may run there until a person has looked
- reserved, released: a window of time for somebody
- taken, let-go: one run at a time, in a shared ledger
- sent: a record of the local copy has reached the shared ledger
"""

from __future__ import annotations

import contextlib
import json
import math
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from chaos_ext.errors import Blocked
from chaos_ext.language import printable, t
from chaos_ext.safety.entries import CLOSED, NOT_OF_THE_FAULT, STATES, Entry, Holder, file_stem

FAULTS, SCHEMA = 1, 2  # what wrote only faults reads 1; everything else is written as 2
ENDS = (*CLOSED, "mitigated", "cleared", "released", "let-go", "sent")  # nothing more is to be done about it


@dataclass(frozen=True)
class Left:
    """A runbook that was left in the middle, if it was: the step that it had reached."""

    id: str
    runbook: str
    step: str
    heading: str
    wall: str


@dataclass(frozen=True)
class Mitigation(Left):
    """How far a runner had got in a runbook that changes things."""

    runner: Holder


@dataclass(frozen=True)
class Mark(Left):
    """A person must look before anything runs there again."""

    why: str


@dataclass(frozen=True)
class Reservation:
    """A window of time in which an environment is somebody's; `starts` and `ends` in seconds since 1970."""

    id: str
    starts: float
    ends: float
    zone: str  # in which it was said
    purpose: str
    by: str
    wall: str


@dataclass(frozen=True)
class Hold:
    """Who runs something there now, until when unless it is heard of again."""

    id: str
    what: str
    who: str
    runner: Holder
    since: str
    lease_until: float


@dataclass
class Book:
    """Everything that is known of one instance."""

    environment: str = ""
    instance: str = ""
    where: str = ""  # the file or the URL, for messages
    ahead_s: float = 0.0  # this machine's clock, of that by which the leases of a shared ledger count
    entries: dict[str, Entry] = field(default_factory=dict)
    mitigations: dict[str, Mitigation] = field(default_factory=dict)  # begun, and neither ended nor marked
    marks: dict[str, Mark] = field(default_factory=dict)  # not cleared
    reservations: dict[str, Reservation] = field(default_factory=dict)  # not released
    holds: dict[str, Hold] = field(default_factory=dict)  # not let go
    unsent: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # records that a shared ledger must still get

    @property
    def open_entries(self) -> list[Entry]:
        """Faults that may still be in force, oldest first."""
        return [entry for entry in self.entries.values() if entry.is_open]

    @property
    def is_settled(self) -> bool:
        """Whether nothing in it matters any more."""
        return not (
            self.open_entries
            or self.mitigations
            or self.marks
            or self.reservations
            or self.holds
            or self.unsent
        )


class Unreadable(ValueError):
    """A record that is not what a ledger holds."""


# --- reading ---


def lines_of(where: str, data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each record of a ledger file's content, with ``file:line``. Raises Blocked at the first that is none.

    A last line without its end that is no JSON was torn by a power cut: nobody was told that it had been written.
    """
    lines = data.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        place = f"{where}:{number}"
        try:
            yield place, record_of(line)
        except Unreadable as error:
            if number == len(lines) and not is_json(line):
                return
            raise damage(place, error) from error


def is_json(line: bytes) -> bool:
    """Whether `line` is one whole JSON value."""
    try:
        json.loads(line)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def record_of(line: bytes | str) -> dict[str, Any]:
    """The record that a line holds. Raises Unreadable, and Newer."""
    try:
        record = json.loads(line)
        json.dumps(record, ensure_ascii=False).encode()  # half a character could not be shown to anybody
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    if not isinstance(record, dict):
        raise Unreadable(t("got {kind}, expected an object", kind=type(record).__name__))
    version = _whole(record, "schema")
    if version > SCHEMA:
        raise Newer(version)
    return record


class Newer(Unreadable):
    """A newer version of this toolkit wrote it."""

    def __init__(self, version: int) -> None:
        super().__init__(t("schema {schema}, this version reads {ours}", schema=version, ours=SCHEMA))


def damage(where: str, error: Unreadable) -> Blocked:
    """The refusal that says where, what, and what to do."""
    if isinstance(error, Newer):
        return Blocked(
            t(
                "{where}: got a record of a newer version ({error}). Upgrade chaos-ext here; with this version nothing "
                "is injected or undone there.",
                where=where,
                error=printable(str(error)),
            )
        )
    return Blocked(
        t(
            "{where}: got a line that cannot be read ({error}), expected one ledger record. Nothing is injected here. "
            "Keep a copy of the file, mend or remove that line, then run 'chaos heal'.",
            where=where,
            error=error,
        )
    )


def fold(
    records: Iterable[tuple[str, dict[str, Any]]], path: Path, ledger: str = "", into: Book | None = None
) -> Book:
    """What the records say together. Raises Blocked, naming the place, at one that does not fit those before it."""
    book = into or Book(where=ledger or str(path))
    for where, record in records:
        try:
            _take(book, record, path, ledger)
        except Unreadable as error:
            raise damage(where, error) from error
    return book


def parse(path: Path, data: bytes) -> Book:
    """What the content of the ledger file `path` says. Raises Blocked when it is damaged."""
    return fold(lines_of(str(path), data), path)


# --- folding ---


def _take(book: Book, record: Mapping[str, Any], path: Path, ledger: str) -> None:
    key, state, wall = _text(record, "entry"), _text(record, "state"), _text(record, "wall")
    if record.get("unsent") is True:
        book.unsent[_text(record, "record")] = dict(record)
    if state in STATES:
        _take_fault(book, record, path, ledger)
    elif state == "holder":
        book.entries[key] = replace(_known(book, key), holder=_process(record, "holder"))
    elif state == "mitigating":
        runner = _process(record, "runner")
        book.mitigations[key] = Mitigation(key, runner=runner, wall=wall, **_texts(record, *_STEP))
    elif state == "mitigated":
        book.mitigations.pop(key, None)
    elif state == "needs-person":
        book.mitigations.pop(key, None)
        book.marks[key] = Mark(key, wall=wall, **_texts(record, *_STEP, "why"))
    elif state == "cleared":
        book.marks.pop(key, None)
        book.mitigations.pop(key, None)
    elif state == "reserved":
        starts, ends = _number(record, "starts"), _number(record, "ends")
        said = _texts(record, "zone", "purpose", "by")
        book.reservations[key] = Reservation(key, starts, ends, wall=wall, **said)
    elif state == "released":
        book.reservations.pop(key, None)
    elif state == "taken":
        runner, lease_until = _process(record, "runner"), _number(record, "lease_until")
        said = _texts(record, "what", "who", "since")
        book.holds[key] = Hold(key, runner=runner, lease_until=lease_until, **said)
    elif state == "let-go":
        book.holds.pop(key, None)
    elif state == "sent":
        book.unsent.pop(key, None)
    else:
        raise Unreadable(t("state: got {got}, expected one that this version knows", got=short(state)))
    if "instance" in record:
        book.environment, book.instance = _text(record, "environment"), _text(record, "instance")
        _refuse_strange_file(book.instance, path)


def _take_fault(book: Book, record: Mapping[str, Any], path: Path, ledger: str) -> None:
    key, state, wall = record["entry"], record["state"], record["wall"]
    if state == "intended":
        fault = _fault(_mapping(record, "fault"))
        shared = _text(record, "copy_of") if "copy_of" in record else ledger
        entry = Entry(id=key, path=path, state=state, changed_wall=wall, ledger=shared, **fault)
        book.entries[key] = entry
        book.environment, book.instance = entry.environment, entry.instance
        _refuse_strange_file(entry.instance, path)
        return
    before = _known(book, key)
    book.entries[key] = replace(
        before,
        state=state,
        changed_wall=wall,
        why=_text(record, "why") if "why" in record else before.why,
        output=record.get("output", before.output),
        holder=holder_in(record.get("output")) or before.holder,
    )


def holder_in(output: Any) -> Holder | None:
    """The process that an activity's output names as the one its fault lives in; None when it names none."""
    with contextlib.suppress(Unreadable):
        return _process(output if isinstance(output, dict) else {}, "holder")
    return None


def _refuse_strange_file(instance: str, path: Path) -> None:
    if file_stem(instance) != path.stem:
        raise Unreadable(
            t("instance: got {got}, expected that of the file '{name}'", got=short(instance), name=path.name)
        )


def _known(book: Book, key: str) -> Entry:
    if key not in book.entries:
        raise Unreadable(t("entry: got '{key}', which was never intended", key=printable(key, 60)))
    return book.entries[key]


_OF_THE_FAULT = tuple(f.name for f in fields(Entry) if f.name not in NOT_OF_THE_FAULT)
_TEXTS = (
    "name",
    "environment",
    "instance",
    "cannot_be_undone_because",
    "runner_started",
    "runner_host",
    "intended_wall",
)
_STEP = ("runbook", "step", "heading")
_MAPPINGS = ("identity", "activity", "in_force", "configuration")


def _fault(fault: Mapping[str, Any]) -> dict[str, Any]:
    if strange := sorted({*fault} ^ {*_OF_THE_FAULT}):
        raise Unreadable(
            t("fault: got too few or too many fields ({fields})", fields=printable(", ".join(strange), 120))
        )
    for key in _TEXTS:
        _text(fault, key)
    for key in _MAPPINGS:
        _mapping(fault, key)
    if fault["undo"] is not None:
        _mapping(fault, "undo")
    for kind in fault["identity"]:
        for key in _mapping(fault["identity"], kind):
            _text(fault["identity"][kind], key)
    _whole(fault, "runner_pid")
    _number(fault, "lease_until")
    return dict(fault)


def _process(record: Mapping[str, Any], key: str) -> Holder:
    said = _mapping(record, key)
    return Holder(_whole(said, "pid"), _text(said, "started"), _text(said, "host"))


def short(value: Any) -> str:
    """`value` for a message, however long it is."""
    return printable(reprlib.repr(value), 60)


def _texts(record: Mapping[str, Any], *keys: str) -> dict[str, str]:
    return {key: _text(record, key) for key in keys}


def _text(record: Mapping[str, Any], key: str) -> str:
    if not isinstance(value := record.get(key), str):
        raise Unreadable(t("{key}: got {value}, expected a text", key=key, value=short(value)))
    return value


def _mapping(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if not isinstance(value := record.get(key), dict):
        raise Unreadable(t("{key}: got {value}, expected an object", key=key, value=short(value)))
    return value


def _whole(record: Mapping[str, Any], key: str) -> int:
    value = record.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        raise Unreadable(t("{key}: got {value}, expected a whole number", key=key, value=short(value)))
    return value


def _number(record: Mapping[str, Any], key: str) -> float:
    value = record.get(key)
    if (
        not isinstance(value, (int, float))
        or isinstance(value, bool)
        or abs(value) > 1e12
        or math.isnan(value)
    ):
        raise Unreadable(t("{key}: got {value}, expected a number of seconds", key=key, value=short(value)))
    return float(value)
