"""The terminal of a run: listens to its events and writes the story, on a screen or into a log.

On a screen one status line says what is going on; it is erased before anything else is written. Without a
screen there are plain lines only, and one every few seconds while something takes long.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from chaos_ext.language import Language, chosen_for, say, t
from chaos_ext.model import Event, Verdict, VerdictWord
from chaos_ext.report import text
from chaos_ext.report.clean import clean, wrap
from chaos_ext.report.findings import finding_rows
from chaos_ext.report.line import Line
from chaos_ext.report.story import Story
from chaos_ext.report.telling import tell
from chaos_ext.report.words import VERDICTS

_STYLES = {"plain": "", "good": "\x1b[32m", "bad": "\x1b[31m", "strong": "\x1b[1m", "dim": "\x1b[2m"}
_RESET, _ERASE = "\x1b[0m", "\r\x1b[K"
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAME_S, _HEARTBEAT_S = 0.1, 5.0
_ASCII = str.maketrans(
    {"·": "|", "–": "-", "×": "x", "…": "~", "→": ">", "〜": "~"} | dict.fromkeys(_SPINNER, "*")
)


class Terminal:
    """Call it with an event and it writes what there is to say. Safe to use from several threads.

    A stream that fails (its reader went away) is written to no more; what that means for the run is decided
    elsewhere (`safety/abort.py`). Use it in a `with` block, which keeps the status line moving.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        tty: bool,
        width: int = 0,
        colour: bool = False,
        language: Language | None = None,
    ) -> None:
        """`width` in columns is kept on a screen; 0, as for a log, means any. `language`: None, the chosen one."""
        self.language = language or chosen_for(stream)
        self.stream, self.tty, self.width, self.colour = stream, tty, width, colour
        self._measure: Callable[[], int] | None = None
        self._story = Story(width, self.language)
        self._lock = threading.RLock()
        self._gone = False
        self._status_shown = False
        self._said_at = 0.0
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def for_stream(cls, stream: TextIO, environ: Mapping[str, str] | None = None) -> Self:
        """What fits `stream`: a screen or a log; colours unless NO_COLOR is set (https://no-color.org)."""
        env = os.environ if environ is None else environ
        tty = stream.isatty() and env.get("TERM") != "dumb"
        width = _columns() if tty else 0
        terminal = cls(stream, tty=tty, width=width, colour=tty and not env.get("NO_COLOR"))
        if tty:
            terminal._measure = _columns
        return terminal

    def __call__(self, event: Event) -> None:
        """Tell about `event`."""
        with self._lock:
            self._fit()
            try:
                told = tell(self._story, event)
            except Exception as error:  # noqa: BLE001 - what cannot be told must not stop a trial that broke something
                told = [
                    Line(
                        self.said(t("({kind} cannot be shown: {why})", kind=event.get("kind"), why=error)),
                        "bad",
                    )
                ]
            self.lines(told)
            self._said_at = time.monotonic()

    def said(self, text: object) -> str:
        """A sentence of ours in this terminal's language, fit for one line."""
        return clean(say(text, self.language))

    def lines(self, lines: Iterable[Line]) -> None:
        """Write lines above the status line."""
        written = "".join(self.paint(line) + "\n" for line in lines)
        with self._lock:
            if written:
                self._write(self._erased() + written)

    def paint(self, line: Line) -> str:
        """The line as this terminal shows it."""
        shown = line.text if self._takes(line.text) else line.text.translate(_ASCII)
        style = _STYLES[line.style] if self.colour and shown else ""
        return f"{style}{shown}{_RESET}" if style else shown

    # --- what is going on ---

    def tick(self, now: float | None = None) -> None:
        """Show how long the current thing takes by `now` (monotonic): the status line, or a line every few seconds."""
        moment = time.monotonic() if now is None else now
        with self._lock:
            self._fit()
            busy = self._story.busy
            if busy is None:
                self._write(self._erased())
                return
            took = max(0.0, moment - busy.since)
            if self.tty:
                frame = _SPINNER[int(moment / _FRAME_S) % len(_SPINNER)]
                passed = self.said(t(" … {s:.1f} s", s=took))
                line = _status(f"{frame} {busy.what}", passed, max(1, self.width - 1), self._story.mark)
                self._write(_ERASE + self.paint(Line(line, "dim")))
                self._status_shown = True
            elif moment - max(busy.since, self._said_at) >= _HEARTBEAT_S:
                words = t("  … {what}, {s:.0f} s so far", what=busy.what, s=took)
                self.lines([Line(self.said(words))])
                self._said_at = moment

    def _fit(self) -> None:
        """Keep to the window as it is now: a status line that wraps cannot be erased."""
        if self._measure is not None:
            self.width = self._story.width = self._measure()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._keep_ticking, name="terminal", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._write(self._erased())

    def _keep_ticking(self) -> None:
        while not self._done.wait(_FRAME_S if self.tty else 1.0):
            self.tick()

    # --- the stream ---

    def _erased(self) -> str:
        shown, self._status_shown = self._status_shown, False
        return _ERASE if shown else ""

    def _takes(self, written: str) -> bool:
        try:
            written.encode(self.stream.encoding or "utf-8")
        except UnicodeEncodeError:
            return False
        return True

    def _write(self, written: str) -> None:
        if self._gone or not written:
            return
        encoding = self.stream.encoding or "utf-8"
        try:
            self.stream.write(written.encode(encoding, "replace").decode(encoding))
            self.stream.flush()
        except (OSError, ValueError):
            self._gone = True


def _columns() -> int:
    return shutil.get_terminal_size().columns


def _status(what: str, took: str, columns: int, mark: str) -> str:
    """`what` gives way, so that one sees the time go by."""
    return text.clip(text.clip(what, max(1, columns - text.width(took)), mark) + took, columns, mark)


# --- the end -------------------------------------------------------------------------------------

_WORTH = {
    VerdictWord.VERIFIED: "good",
    VerdictWord.REPRODUCED: "good",
    VerdictWord.REHEARSED: "plain",  # good as far as it goes, and never to be taken for verified
    VerdictWord.REFUTED: "bad",
    VerdictWord.UNKNOWN: "bad",
}


def render_verdict(
    verdict: Verdict,
    *,
    bundle: Path,
    next_command: str,
    report: Path | None = None,
    terminal: Terminal | None = None,
) -> list[str]:
    """The verdict with its reasons and what it is worth; the last lines, from the verdict's on, are for scripts too."""
    width = terminal.width if terminal else 0
    language: Language = terminal.language if terminal else "en"

    def entry(label: str, words: str, style: str) -> Iterator[Line]:
        columns = max(20, width - 9) if width else 0
        for number, part in enumerate(wrap(clean(say(words, language)), columns)):
            yield Line(f"{text.pad(say(label, language) if not number else '', 8)} {part}", style)

    lines = [Line("")]
    for reason in verdict.flags:
        lines += entry(t("FLAG"), t("{word}: {sentence}", word=reason.word, sentence=reason.sentence), "bad")
    for reason in verdict.reasons:
        lines += entry(
            t("because"), t("{word}: {sentence}", word=reason.word, sentence=reason.sentence), "bad"
        )
    for label, words, style in finding_rows(verdict):
        lines += entry(label, words, style)
    lines += entry(t("worth"), verdict.worth, "plain")
    lines.append(Line(""))
    flags = "".join(f", {word}" for word in dict.fromkeys(reason.word for reason in verdict.flags))
    style = "bad" if verdict.flags else _WORTH[verdict.word]
    for words, painted in (
        (t("verdict: {word}{flags}", word=VERDICTS[verdict.word], flags=flags), style),
        (t("exit code: {code}", code=verdict.exit_code), "plain"),
        (t("bundle: {path}", path=_near(bundle)), "plain"),
        *([(t("report: {path}", path=_near(report)), "plain")] if report else []),
        (t("next: {command}", command=next_command), "plain"),
    ):
        lines.append(Line(say(words, language), painted))
    paint = terminal.paint if terminal else lambda line: line.text
    return [paint(line) for line in lines]


def _near(path: Path) -> Path:
    """Relative to here, when it is below."""
    try:
        return path.absolute().relative_to(Path.cwd())
    except (ValueError, OSError):
        return path
