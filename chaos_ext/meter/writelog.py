"""The write log: what was written, on disk before it is sent, and the account of it when all is read back.

Two lines a write in writes.jsonl. Each reaches the operating system before the call returns, so a killed meter leaves
"sent, unknown", which counts as indeterminate:

    {"id":"…","flow":"submit","text":"…","at":81.204113}
    {"id":"…","outcome":"ok","at":81.211874}

An outcome is `failed` only when the write cannot have been stored: nothing was sent (connection refused, TLS
refused), or the service itself refused it (a 4xx). It is `indeterminate` whenever the service may have stored it all
the same: a deadline, a connection that broke after sending, and every 5xx, for a 503 can come after the commit. So it
is with 408, 409 and 425, which a proxy that tried twice gives for a write that its first try stored, and with a status
that was not expected.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from chaos_ext.meter.samples import json_lines
from chaos_ext.model import Flow

Outcome = Literal["ok", "failed", "indeterminate"]
Line = Mapping[str, Any]

_REFUSED_BY_SERVICE = frozenset(range(400, 500)) - {408, 409, 425}


def outcome_of_status(status: int, expected: int) -> Outcome:
    """What an answer says about the write: see the top of this page."""
    if status == expected:
        return "ok"
    return "failed" if status in _REFUSED_BY_SERVICE else "indeterminate"


class WriteLog:
    """Appends to writes.jsonl. OSError (a full disk) reaches the caller: what cannot be logged must not be sent."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def before(self, write_id: str, flow: str, text: str, at: float) -> None:
        """A write is about to be sent."""
        words = json.dumps(text, ensure_ascii=False)
        self._append(f'{{"id":{json.dumps(write_id)},"flow":"{flow}","text":{words},"at":{at:.6f}}}\n')

    def after(self, write_id: str, outcome: Outcome, at: float) -> None:
        """What became of it."""
        self._append(f'{{"id":{json.dumps(write_id)},"outcome":"{outcome}","at":{at:.6f}}}\n')

    def _append(self, line: str) -> None:
        data = line.encode()
        while data:
            data = data[os.write(self._fd, data) :]

    def close(self) -> None:
        """Make it durable and let go of the file."""
        try:
            os.fsync(self._fd)
        finally:
            os.close(self._fd)


def read_lines(path: Path, flow: str | None = None) -> list[dict[str, Any]]:
    """The lines of a log, of one flow when named. A torn last line is left out; a torn one elsewhere: ValueError."""
    lines = list(json_lines(path))
    if flow is None:
        return lines
    own = {line["id"] for line in lines if line.get("flow") == flow}
    return [line for line in lines if line["id"] in own]


@dataclass(frozen=True)
class WriteAccount:
    """What became of all writes. Ids are the writes' own."""

    attempted: int = 0
    acknowledged: int = 0  # 0 means that nothing can be said about loss: see `no_data`
    indeterminate: int = 0  # may be there, need not be
    failed: int = 0
    read: int = 0  # of those attempted, how many were read back
    lost: tuple[str, ...] = ()  # acknowledged and not read back
    duplicated: tuple[str, ...] = ()  # read back more than once
    unexpected: tuple[str, ...] = ()  # read back, but never attempted, or certainly failed
    changed: tuple[str, ...] = ()  # read back with another text than was sent
    oldest_lost_acknowledged_at: float | None = None  # monotonic
    readable: bool = True  # False: the rest of what was read back is not known
    why: str = ""  # what was wrong with reading back

    @property
    def no_data(self) -> bool:
        """Whether this says nothing about loss: not readable, or not one acknowledged write."""
        return not self.readable or not self.acknowledged

    def as_dict(self) -> dict[str, Any]:
        """The account as an event carries it."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def account(lines: Iterable[Line], read_back_items: Sequence[Any], flow: Flow) -> WriteAccount:
    """Compare the log of one writing flow with everything that was read back. Pure.

    Raises ValueError when an item has no id, when the flow does not write, or when the log contradicts itself.
    """
    if flow.write is None:
        raise ValueError("the flow does not write")
    id_field, content_field = flow.write.id, flow.write.content
    sent, outcomes = _pairs(lines)
    times: Counter[str] = Counter()
    changed: set[str] = set()
    for item in read_back_items:
        if not isinstance(item, Mapping) or not isinstance(item.get(id_field), str):
            raise ValueError(f"an item without {id_field!r}: {str(item)[:120]}")
        write_id = item[id_field]
        times[write_id] += 1
        if content_field and write_id in sent and item.get(content_field) != sent[write_id]["text"]:
            changed.add(write_id)
    by = {word: [i for i in sent if outcomes.get(i, _UNKNOWN)["outcome"] == word] for word in _WORDS}
    lost = tuple(i for i in by["ok"] if i not in times)
    failed = set(by["failed"])
    return WriteAccount(
        attempted=len(sent),
        acknowledged=len(by["ok"]),
        indeterminate=len(by["indeterminate"]),
        failed=len(failed),
        read=sum(i in times for i in sent),
        lost=lost,
        duplicated=tuple(i for i, n in times.items() if n > 1),
        unexpected=tuple(i for i in times if i not in sent or i in failed),
        changed=tuple(i for i in sent if i in changed),
        oldest_lost_acknowledged_at=min((outcomes[i]["at"] for i in lost), default=None),
    )


def unread(lines: Iterable[Line], why: str) -> WriteAccount:
    """The account when nothing could be read back: what the log itself says, and no word about loss."""
    sent, outcomes = _pairs(lines)
    words = Counter(outcomes.get(i, _UNKNOWN)["outcome"] for i in sent)
    return WriteAccount(
        attempted=len(sent),
        acknowledged=words["ok"],
        indeterminate=words["indeterminate"],
        failed=words["failed"],
        readable=False,
        why=why,
    )


def together(accounts: Sequence[WriteAccount]) -> WriteAccount:
    """One account for all writing flows; readable only when each is."""
    oldest = [a.oldest_lost_acknowledged_at for a in accounts if a.oldest_lost_acknowledged_at is not None]
    return WriteAccount(
        attempted=sum(a.attempted for a in accounts),
        acknowledged=sum(a.acknowledged for a in accounts),
        indeterminate=sum(a.indeterminate for a in accounts),
        failed=sum(a.failed for a in accounts),
        read=sum(a.read for a in accounts),
        lost=tuple(i for a in accounts for i in a.lost),
        duplicated=tuple(i for a in accounts for i in a.duplicated),
        unexpected=tuple(i for a in accounts for i in a.unexpected),
        changed=tuple(i for a in accounts for i in a.changed),
        oldest_lost_acknowledged_at=min(oldest, default=None),
        readable=all(a.readable for a in accounts),
        why="; ".join(a.why for a in accounts if a.why),
    )


_WORDS = ("ok", "failed", "indeterminate")
_UNKNOWN: Line = {"outcome": "indeterminate"}  # sent, and the meter died before it knew


def _pairs(lines: Iterable[Line]) -> tuple[dict[str, Line], dict[str, Line]]:
    sent: dict[str, Line] = {}
    outcomes: dict[str, Line] = {}
    for line in lines:
        write_id, outcome = line["id"], line.get("outcome")
        if outcome is None:
            if write_id in sent:
                raise ValueError(f"{write_id} was sent twice")
            sent[write_id] = line
        elif write_id not in sent or write_id in outcomes or outcome not in _WORDS:
            raise ValueError(f"an outcome that does not belong to a write: {dict(line)}")
        else:
            outcomes[write_id] = line
    return sent, outcomes
