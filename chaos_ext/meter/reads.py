"""Every look at what was written: when, at which place, and which writes it showed.

A line of reads.jsonl is one look at one store. Of what it showed only the difference to the look before is kept, so
that looking often costs little. A look that gave no answer says why, and is evidence of nothing:

    {"flow":"submit","store":"insight","sent":81.20,"done":81.21,"new":["run-1-s-0","run-1-s-1"]}
    {"flow":"submit","store":"insight","sent":81.70,"done":81.71,"gone":["run-1-s-1"]}
    {"flow":"submit","store":"insight","sent":82.20,"done":84.20,"why":"status 503, expected 200"}
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos_ext.masking.register import hide
from chaos_ext.meter.samples import json_lines

READS = "reads.jsonl"  # beside the write log


@dataclass(frozen=True, slots=True)
class Read:
    """A look that was answered with everything that the store held at some instant between `sent` and `done`."""

    flow: str
    store: str
    sent: float
    done: float
    new: tuple[str, ...] = ()  # ids of writes that the look before did not show
    gone: tuple[str, ...] = ()  # ids that the look before showed, and this one does not


class ReadFile:
    """Appends to reads.jsonl, going on with what is there. One at a time. OSError (a full disk) reaches the caller."""

    def __init__(self, path: Path) -> None:
        """Raises OSError; ValueError when what is there is no file of looks."""
        lines = read_reads(path) if path.exists() else []
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._before = {
            key: frozenset(shown_at_last(reads_of(lines, *key)))
            for key in {(line["flow"], line["store"]) for line in lines}
        }

    def showed(self, flow: str, store: str, sent: float, done: float, ids: Collection[str]) -> None:
        """A look showed these writes, all that there are."""
        now, before = frozenset(ids), self._before.get((flow, store), frozenset())
        self._before[flow, store] = now
        change = {"new": [i for i in ids if i not in before], "gone": sorted(before - now)}
        change = {name: list(dict.fromkeys(which)) for name, which in change.items() if which}
        self._append({"flow": flow, "store": store, "sent": sent, "done": done, **change})

    def failed(self, flow: str, store: str, sent: float, done: float, why: str) -> None:
        """A look gave no answer that can be understood."""
        self._append({"flow": flow, "store": store, "sent": sent, "done": done, "why": hide(why)})

    def _append(self, line: Mapping[str, Any]) -> None:
        rounded = {key: round(value, 6) if isinstance(value, float) else value for key, value in line.items()}
        data = (json.dumps(rounded, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
        while data:
            data = data[os.write(self._fd, data) :]

    def close(self) -> None:
        """Make it durable and let go of the file."""
        try:
            os.fsync(self._fd)
        finally:
            os.close(self._fd)


def read_reads(path: Path) -> list[dict[str, Any]]:
    """The lines of a file of looks. A torn last line is left out; what is no look raises ValueError."""
    lines = list(json_lines(path))
    for number, line in enumerate(lines, start=1):
        if not _is_one(line):
            raise ValueError(f"{path}:{number}: not a look at a store: {str(line)[:120]}")
    return lines


def reads_of(lines: Iterable[Mapping[str, Any]], flow: str, store: str) -> list[Read]:
    """The looks at one store for the writes of one flow that were answered, in the order of sending."""
    found = [
        Read(flow, store, line["sent"], line["done"], tuple(line.get("new", ())), tuple(line.get("gone", ())))
        for line in lines
        if (line["flow"], line["store"]) == (flow, store) and "why" not in line
    ]
    return sorted(found, key=lambda read: read.sent)


def shown_at_last(reads: Iterable[Read]) -> set[str]:
    """What the last of these looks showed."""
    shown: set[str] = set()
    for read in reads:
        shown -= set(read.gone)
        shown |= set(read.new)
    return shown


def _is_one(line: Mapping[str, Any]) -> bool:
    times = [line.get("sent"), line.get("done")]
    lists = [line.get("new", []), line.get("gone", [])]
    return (
        all(isinstance(line.get(name), str) for name in ("flow", "store"))
        and isinstance(line.get("why", ""), str)
        and all(
            isinstance(at, int | float) and not isinstance(at, bool) and abs(at) < math.inf for at in times
        )
        and all(isinstance(ids, list) and all(isinstance(i, str) for i in ids) for ids in lists)
    )
