"""The rows of many runs that go on side by side: pure, so that every state can be tested on a list of events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chaos_ext.language import Language, say, t
from chaos_ext.model import Event
from chaos_ext.report import text
from chaos_ext.report.clean import clean
from chaos_ext.report.line import Line
from chaos_ext.report.several import Result
from chaos_ext.report.story import Story
from chaos_ext.report.telling import tell

# What is worth a line in a log of many runs; besides, everything that is bad.
_TOLD = frozenset(
    (
        "lab-started", "trial-started", "fault-injected", "impact", "alert", "runbook-started",
        "runbook-finished", "recovery", "write-log", "progress", "abort",
    )
)  # fmt: skip


@dataclass
class Row:
    """One failure mode on its way, told in `language`."""

    mode: str
    language: Language = "en"
    started: float | None = None  # monotonic; None: it waits for its turn
    stopping: bool = False  # it was asked to stop, and has not said that it does
    result: Result | None = None
    trial: str = ""
    story: Story = field(init=False)

    def __post_init__(self) -> None:
        self.story = Story(language=self.language)

    @property
    def running(self) -> bool:
        """Whether a process of its own is at work."""
        return self.started is not None and self.result is None

    def hear(self, event: Event) -> list[Line]:
        """Take in an event of the run; the lines that a log should have for it, at most one."""
        kind = str(event.get("kind"))
        told = [line for line in tell(self.story, event) if line.text.strip()]
        if kind == "trial-started" and self.story.trials:
            number = str(event.get("trial", "")).split("-")[0].lstrip("0")
            self.trial = f"{number}/{self.story.trials}"
        if kind == "abort":
            self.stopping = False
        if kind in _TOLD:
            return told[:1]
        return [line for line in told if line.style == "bad"][:1]

    def now(self) -> str:
        """What it does, for people."""
        return clean(say(self._now(), self.language))

    def _now(self) -> str:
        if self.result is not None:
            words = self.result.word
            return t("{word}, decided before", word=words) if self.result.before else words
        if self.started is None:
            return t("waits for its turn")
        if self.stopping:
            return t("is asked to stop")
        busy = self.story.busy
        return busy.what if busy else t("ends") if self.trial else t("begins")

    def took_s(self, moment: float) -> float:
        """How long it has been going on, or took."""
        if self.result is not None:
            return self.result.seconds
        return 0.0 if self.started is None else max(0.0, moment - self.started)

    @property
    def style(self) -> str:
        """How the row is painted."""
        if self.result is not None:
            return self.result.style
        return "plain" if self.running else "dim"


def table(rows: Sequence[Row], moment: float, columns: int, height: int) -> Iterator[Line]:
    """The rows as they stand at `moment`, each in one line of at most `columns`, in at most `height` lines.

    When not all fit, those that run come first, then those that are not good, and the rest is counted.
    """
    shown = _that_fit(rows, height)
    language: Language = rows[0].language if rows else "en"
    mark = rows[0].story.mark if rows else ""
    widest = max((text.width(row.mode) for row in rows), default=0)
    lines = []
    for row in shown:
        took = row.took_s(moment)
        clock = say(t("{s:.0f} s", s=took), language) if took else ""
        cells = (text.pad(row.mode, widest), text.pad_left(clock, 6), text.pad(row.trial, 3), row.now())
        lines.append(Line("  ".join(cells).rstrip(), row.style))
    if left := [row for row in rows if row not in shown]:
        waiting = sum(row.started is None and row.result is None for row in left)
        more = t("… and {count} more, {waiting} of them wait", count=len(left), waiting=waiting)
        lines.append(Line(say(more, language), "dim"))
    for line in lines:
        yield Line(text.clip(line.text, columns, mark), line.style) if columns else line


def _that_fit(rows: Sequence[Row], height: int) -> list[Row]:
    if len(rows) <= height:
        return list(rows)
    urgent = sorted(rows, key=lambda row: (not row.running, row.result is None or row.result.good))
    kept = urgent[: max(1, height - 1)]
    return [row for row in rows if row in kept]
