"""How far a run is told, and how its lines are laid out. No stream and no clock, so every line can be tested.

Times in the left column count from the trial's start, and from the fault once it is in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chaos_ext.language import Language, Said, say, t
from chaos_ext.model import Arm, Event, Interval
from chaos_ext.report import text
from chaos_ext.report.clean import clean, wrap
from chaos_ext.report.line import Line
from chaos_ext.report.words import seconds, span

GUTTER, LABEL = 9, 12


@dataclass(frozen=True)
class Busy:
    """What is going on until the next event, and since when (monotonic)."""

    what: str
    since: float


class Story:
    """Tells one run in `language`. `width` is the columns to keep to; 0 means any (a log)."""

    def __init__(self, width: int = 0, language: Language = "en") -> None:
        self.width = width
        self.language: Language = language
        self.busy: Busy | None = None
        self.trials = 0
        self.left = False  # whether something could not be taken down
        self.started: float | None = None
        self.fault: Interval | None = None
        self.arm: str = Arm.TREATMENT
        self.plain = True  # whether the runbook, if any, is followed as it is written
        self.trial: Event = {}
        self.in_lab = False

    def now(self, event: Event, what: str) -> None:
        """What goes on from this event on; nothing when `what` is empty."""
        self.busy = Busy(clean(self._told(what)), float(event.get("at", 0.0))) if what else None

    # --- language ---

    @property
    def mark(self) -> str:
        """What stands at the end of a line that was cut: '…' may take two columns on a Japanese terminal."""
        return "…" if self.language == "en" else ".."

    def say(self, sentence: object) -> str:
        """A sentence of ours, also one that went through a file, in the language of this story."""
        return say(sentence, self.language)

    def _told(self, words: str) -> str:
        """Somebody else's words stay as they are; a service may well print a sentence like one of ours."""
        return self.say(words) if isinstance(words, Said) else words

    # --- layout ---

    def heading(self, words: str, style: str = "strong") -> Iterator[Line]:
        """A line from the first column on."""
        for part in wrap(clean(self._told(words)), self.width):
            yield Line(part, style)

    def row(self, event: Event, label: str, words: str, style: str = "plain") -> Iterator[Line]:
        """A labelled line with its time; what does not fit goes on below, indented."""
        indent = GUTTER + 1 + LABEL + 1
        columns = max(10, self.width - indent) if self.width else 0
        first = f"{text.pad_left(self.clock(event), GUTTER)} {text.pad(self._told(label), LABEL)} "
        for number, part in enumerate(wrap(clean(self._told(words)), columns)):
            head = " " * indent if number else first
            yield Line(f"{head}{part}".rstrip(), style)

    def below(self, words: str, style: str = "plain", mark: str = "") -> Iterator[Line]:
        """A line below a labelled one; clipped, never wrapped."""
        line = " " * (GUTTER + 1 + LABEL + 1) + mark + clean(self._told(words))
        yield Line(text.clip(line, self.width, self.mark) if self.width else line, style)

    def clock(self, event: Event) -> str:
        """When it was: since the trial's start, or since the fault with a plus."""
        at = event.get("at")
        origin = self.started if self.fault is None else self.fault.earliest
        if origin is None or not isinstance(at, int | float):
            return ""
        sign = "" if self.fault is None else "+"
        return sign + self.say(t("{s:.1f} s", s=max(0.0, at - origin)))

    def after_fault(self, event: Event) -> str:
        """When it was, after the fault; empty when that is not known."""
        early, late = event.get("earliest"), event.get("latest")
        if self.fault is None or early is None or late is None:
            return ""
        return t("{time} after the fault", time=span(Interval(early, late).since(self.fault)))

    def objective(self, name: str) -> str:
        """The objective of that name in this trial, to end a line with; empty when it has none."""
        value = (self.trial.get("objectives") or {}).get(name)
        return "" if value is None else t("; objective {s:g} s", s=value)

    @property
    def alone(self) -> bool:
        """Whether nothing is done in this trial, which is told in a few lines only."""
        return self.arm in (Arm.NO_ACTION, Arm.LOOK_ONLY)

    def table(self, headers: tuple[str, ...], rows: list[tuple[object, ...]]) -> Iterator[Line]:
        """Figures below a labelled line."""
        said = [tuple(self._told(cell) if isinstance(cell, str) else cell for cell in row) for row in rows]
        for line in text.table(said, tuple(map(self._told, headers))).splitlines():
            yield from self.below(line, "dim")

    def since(self, event: Event) -> str:
        """How long after the fault it was recorded."""
        at = event.get("at")
        if self.fault is None or not isinstance(at, int | float):
            return t("the time watched")
        return seconds(max(0.0, at - self.fault.latest))
