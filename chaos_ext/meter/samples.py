"""One operation as a user flow felt it, and the file of them that a verdict is derived from.

A line of samples.jsonl is one JSON object; times are this machine's monotonic clock in seconds. What is
usual is left out: a line without `failed` succeeded, a line without `fresh` used a kept connection.

    {"flow":"submit","number":12,"scheduled":81.204,"sent":81.204113,"done":81.211874}
    {"flow":"submit","number":13,"scheduled":81.304,"sent":81.304097,"done":83.304310,"failed":"deadline"}
    {"flow":"topics","number":7,"scheduled":84.1,"sent":84.100090,"done":84.104,"failed":"late","followed":"run-1-s-9"}
    {"flow":"dashboard","number":90,"scheduled":84.2,"sent":84.200091,"done":84.211,"failed":"stale","shown":71,
     "newest":"run-1-s-9"}
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos_ext.masking.register import hide

_END_OF_TIME = 1e12  # seconds; no clock of a machine says that
OVERLOAD = "overload"  # never sent: too many operations in flight; says nothing about the service


@dataclass(frozen=True, slots=True)
class Sample:
    """One operation, once it has ended. `number` counts up from 0 in each flow without gaps."""

    flow: str
    number: int
    scheduled: float  # when it was to be sent; never moves, however late the sender was
    sent: float
    done: float  # the whole answer was there, or it had failed
    ok: bool
    why: str = (
        ""  # empty when ok; else a few words: refused, deadline, reset, tls, status 503, late, stale, wrong …
    )
    fresh: bool = False  # went over a connection of its own, made for it
    followed: str = ""  # the write that was asked about
    shown: int | None = None  # how many writes the answer showed
    newest: str = ""  # the newest of them

    @property
    def latency_s(self) -> float:
        """From sent to done; the sender's own lateness is not the service's."""
        return self.done - self.sent


def encode(sample: Sample) -> str:
    """The sample as one line, with its newline."""
    failed = "" if sample.ok else f',"failed":{json.dumps(hide(sample.why), ensure_ascii=False)}'
    fresh = ',"fresh":true' if sample.fresh else ""
    followed = f',"followed":{json.dumps(sample.followed)}' if sample.followed else ""
    shown = "" if sample.shown is None else f',"shown":{sample.shown}'
    newest = f',"newest":{json.dumps(sample.newest, ensure_ascii=False)}' if sample.newest else ""
    return (
        f'{{"flow":"{sample.flow}","number":{sample.number},"scheduled":{sample.scheduled:.6f},'
        f'"sent":{sample.sent:.6f},"done":{sample.done:.6f}{failed}{fresh}{followed}{shown}{newest}}}\n'
    )


class SampleFile:
    """Appends samples to a file, many in one write. OSError (a full disk) reaches the caller."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._waiting: list[Sample] = []

    def add(self, sample: Sample) -> None:
        """Keep it for the next flush."""
        self._waiting.append(sample)

    def flush(self) -> None:
        """Hand everything that waits to the operating system."""
        data = "".join(map(encode, self._waiting)).encode()
        self._waiting.clear()
        while data:
            data = data[os.write(self._fd, data) :]

    def close(self) -> None:
        """Make what was flushed durable and let go of the file."""
        try:
            os.fsync(self._fd)
        finally:
            os.close(self._fd)


def read(path: Path) -> list[Sample]:
    """The samples of a file in the order in which they ended.

    A torn last line (the meter was killed) is left out; anything else that is not a sample raises ValueError.
    """
    return [_decode(line, path) for line in json_lines(path)]


def _decode(line: dict[str, Any], path: Path) -> Sample:
    try:
        sample = Sample(
            flow=line["flow"],
            number=line["number"],
            scheduled=line["scheduled"],
            sent=line["sent"],
            done=line["done"],
            ok="failed" not in line,
            why=line.get("failed", ""),
            fresh=line.get("fresh", False),
            followed=line.get("followed", ""),
            shown=line.get("shown"),
            newest=line.get("newest", ""),
        )
    except KeyError as error:
        raise ValueError(f"{path}: a sample without {error}: {line}") from None
    if not _is_one(sample):
        raise ValueError(f"{path}: a sample with a value that it cannot have: {line}")
    return sample


def _is_one(sample: Sample) -> bool:
    times = (sample.scheduled, sample.sent, sample.done)
    return (
        type(sample.number) is int
        and all(type(each) in (float, int) and abs(each) < _END_OF_TIME for each in times)
        and all(type(each) is str for each in (sample.flow, sample.why, sample.followed, sample.newest))
        and type(sample.fresh) is bool
        and (sample.shown is None or type(sample.shown) is int)
    )


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines. A torn last line is left out; a torn line elsewhere raises ValueError."""
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                return
            raise ValueError(f"{path}:{number}: not a whole JSON object") from error
        if not isinstance(value, dict):
            raise ValueError(f"{path}:{number}: not a JSON object")
        yield value


def by_flow(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """The samples of each flow, in the order given."""
    flows: dict[str, list[Sample]] = {}
    for sample in samples:
        flows.setdefault(sample.flow, []).append(sample)
    return flows
