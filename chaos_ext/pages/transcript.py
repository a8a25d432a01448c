"""A trial's transcript as data: what the terminal told, with the commands that were run. The words are the story's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from chaos_ext.language import Language, t
from chaos_ext.model import Event
from chaos_ext.report.line import Line
from chaos_ext.report.story import Story
from chaos_ext.report.telling import tell

_OUTPUT, _COMMAND = "| ", "$ "
_WIDE = 2000  # characters of one line, and of a command, that a page shows
_LONG = 100_000  # characters of one trial


@dataclass(frozen=True)
class Told(Line):
    """One line of a story before it is laid out; `text` holds its words."""

    clock: str = ""
    label: str = ""
    mark: str = ""
    headers: tuple[str, ...] = ()
    rows: tuple[tuple[object, ...], ...] = ()
    heading: bool = False


@dataclass
class Entry:
    """What happened at one moment, and what belongs to it."""

    clock: str
    label: str
    words: str
    style: str
    heading: bool = False
    notes: list[Told] = field(default_factory=list)  # sentences and tables below it
    output: list[str] = field(default_factory=list)
    command: str = ""

    @property
    def size(self) -> int:
        """How many characters it takes, about."""
        notes = sum(
            len(note.text) + sum(len(str(cell)) for row in note.rows for cell in row) for note in self.notes
        )
        return len(self.words) + len(self.command) + sum(map(len, self.output)) + notes


class PageStory(Story):
    """The story in parts instead of columns."""

    def heading(self, words: str, style: str = "strong") -> Iterator[Line]:
        yield Told(self._told(words), style, heading=True)

    def row(self, event: Event, label: str, words: str, style: str = "plain") -> Iterator[Line]:
        yield Told(self._told(words), style, clock=self.clock(event), label=self._told(label))

    def below(self, words: str, style: str = "plain", mark: str = "") -> Iterator[Line]:
        yield Told(self._told(words), style, mark=mark)

    def table(self, headers: tuple[str, ...], rows: list[tuple[object, ...]]) -> Iterator[Line]:
        yield Told("", "dim", headers=headers, rows=tuple(rows))


def transcript(
    events: Iterable[Event], language: Language, run_events: Sequence[Event] = (), at_most: int = 600
) -> tuple[list[Entry], int]:
    """The entries of one trial, at most so many lines, and how many lines were left out.

    `run_events`: the run's own, of which only its beginning sets the scene (how many trials there are).
    """
    story = PageStory(language=language)
    for event in run_events:
        if event.get("kind") == "run-started":
            list(_told(story, event))
    entries: list[Entry] = []
    lines = left = size = 0
    for event in events:
        for told in _told(story, event):
            if not isinstance(told, Told):
                continue
            lines, size = lines + 1, size + min(len(told.text), _WIDE)
            if (lines > at_most or size > _LONG) and told.style != "bad":  # what went wrong is never left out
                left += 1
                continue
            _add(entries, told)
        if event.get("kind") == "step-started" and entries and event.get("command"):
            entries[-1].command = _clipped(str(event["command"]).strip("\n"))
    return entries, left


def _told(story: PageStory, event: Event) -> list[Line]:
    """What `event` adds to the story; one that holds something strange says so, as on a terminal."""
    try:
        return tell(story, event)
    except Exception as error:  # noqa: BLE001 - what cannot be told must not take the rest of the page with it
        return [
            Told(t("({kind} cannot be shown: {why})", kind=event.get("kind"), why=error), "bad", label="?")
        ]


def _add(entries: list[Entry], told: Told) -> None:
    if told.heading or told.label or not entries:
        entries.append(Entry(told.clock, told.label, _clipped(told.text), told.style, told.heading))
    elif told.mark == _OUTPUT:
        entries[-1].output.append(_clipped(told.text))
    elif told.mark != _COMMAND:  # the command stands with its step already
        entries[-1].notes.append(told)


def _clipped(text: str) -> str:
    """`text`, a sentence of ours or not, unless it is so long that nobody would read it."""
    return text if len(text) <= _WIDE else f"{text[:_WIDE]}…"
