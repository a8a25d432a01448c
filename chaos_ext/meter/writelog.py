"""The write log: what was written, on disk before it is sent, and what became of each write.

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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from chaos_ext.meter.samples import json_lines

Outcome = Literal["ok", "failed", "indeterminate"]
OUTCOMES: tuple[Outcome, ...] = ("ok", "failed", "indeterminate")
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
    return lines if flow is None else [dict(line) for line in of_flow(lines, flow)]


def of_flow(lines: Iterable[Line], flow: str) -> list[Line]:
    """The lines of the writes of one flow, in their order."""
    known = list(lines)
    own = {line["id"] for line in known if line.get("flow") == flow}
    return [line for line in known if line["id"] in own]


@dataclass(frozen=True, slots=True)
class Sent:
    """One write as the log tells it."""

    id: str
    text: str
    at: float  # monotonic; right before it was sent
    outcome: Outcome
    over_at: float | None  # when its outcome was known; None: it never was

    @property
    def acknowledged_at(self) -> float | None:
        """When users were told that it is stored; None: they were not."""
        return self.over_at if self.outcome == "ok" else None


def pairs(lines: Iterable[Line]) -> dict[str, Sent]:
    """Every write by its id, in the order of sending. Raises ValueError when the log contradicts itself."""
    sent: dict[str, Sent] = {}
    for line in lines:
        write_id, outcome = line["id"], line.get("outcome")
        before = sent.get(write_id)
        if outcome is None:
            if before is not None:
                raise ValueError(f"{write_id} was sent twice")
            # Sent, and the meter died before it knew: until its outcome comes that is all there is to say.
            sent[write_id] = Sent(write_id, line["text"], line["at"], "indeterminate", None)
        elif before is None or before.over_at is not None or outcome not in OUTCOMES:
            raise ValueError(f"an outcome that does not belong to a write: {dict(line)}")
        else:
            sent[write_id] = Sent(write_id, before.text, before.at, outcome, line["at"])
    return sent
