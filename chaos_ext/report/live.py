"""Many runs on a terminal: a table that is drawn anew in its place, or plain lines in a log."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Sequence

from chaos_ext.language import t
from chaos_ext.model import Event
from chaos_ext.report import text
from chaos_ext.report.line import Line
from chaos_ext.report.rows import Row, table
from chaos_ext.report.several import Result
from chaos_ext.report.terminal import Terminal

_QUIET_S = 15.0  # after this long without a line, a log hears what is going on


class Live(Terminal):
    """The terminal of a campaign. `begin` comes first, then a `with` block. Safe to use from several threads."""

    _rows: dict[str, Row]
    _drawn: list[str]

    def begin(self, modes: Sequence[str], results: Iterable[Result] = ()) -> None:
        """Show these modes, in this order; `results` are those that need no run."""
        with self._lock:
            self._rows = {mode: Row(mode, self.language) for mode in modes}
            self._drawn = []
            self._widest = max(map(text.width, modes), default=0)
            self._said_at = time.monotonic()
        for result in results:
            self.ended(result)

    def started(self, mode: str) -> None:
        """The run of `mode` has begun."""
        with self._lock:
            self._rows[mode].started = time.monotonic()
            self._log(mode, Line(self.said(t("begins"))))

    def heard(self, mode: str, event: Event) -> None:
        """An event of the run of `mode`."""
        with self._lock:
            try:
                told = self._rows[mode].hear(event)
            except Exception as error:  # noqa: BLE001 - what cannot be told must not stop the others
                words = t("({kind} cannot be shown: {why})", kind=event.get("kind"), why=error)
                told = [Line(self.said(words), "bad")]
            for line in told:
                self._log(mode, line)

    def ended(self, result: Result) -> None:
        """The run of a mode is over, or needs not be made."""
        with self._lock:
            self._rows[result.mode].result = result
            words = t("{word}, decided before", word=result.word) if result.before else result.word
            if result.seconds and not result.before:
                words = t("{word} after {s:.1f} s", word=words, s=result.seconds)
            self._log(result.mode, Line(self.said(words), result.style))

    def stopping(self, modes: Iterable[str]) -> None:
        """These runs were asked to stop."""
        with self._lock:
            for mode in modes:
                self._rows[mode].stopping = True

    def says(self, mode: str, line: str) -> None:
        """A line that the process of `mode` wrote for people; above the table, in a log like the others."""
        with self._lock:
            self.lines([Line(f"{text.pad(mode, self._widest)}  {self.said(line)}")])
            self._said_at = time.monotonic()

    def notice(self, words: str) -> None:
        """A line of the campaign itself, above the table."""
        self.lines([Line(self.said(words), "strong")])

    def _log(self, mode: str, line: Line) -> None:
        if not self.tty:
            self.lines([Line(f"{text.pad(mode, self._widest)}  {line.text.strip()}", line.style)])
            self._said_at = time.monotonic()

    # --- the table ---

    def tick(self, now: float | None = None) -> None:
        """Draw the table as it stands; in a log, say what goes on when nothing was said for long."""
        moment = time.monotonic() if now is None else now
        with self._lock:
            self._fit()
            if self.tty:
                height = max(2, shutil.get_terminal_size().lines - 2)
                lines = list(table(list(self._rows.values()), moment, max(1, self.width - 1), height))
                written = "".join(f"{self.paint(line)}\x1b[K\n" for line in lines)
                self._write(f"{self._up()}{written}\x1b[J")
                self._drawn = [line.text for line in lines]
            elif moment - self._said_at >= _QUIET_S:
                for row in self._rows.values():
                    if row.running:
                        words = t(
                            "… {what}, {s:.0f} s so far",
                            what=row.now(),
                            s=row.took_s(moment),
                        )
                        self._log(row.mode, Line(words))
                self._said_at = moment

    def _up(self) -> str:
        """To the first line of what was drawn; a window that became narrower has broken its lines."""
        columns = max(1, self.width)
        height = sum(max(1, -(-text.width(drawn) // columns)) for drawn in self._drawn)
        return f"\r\x1b[{height}A" if height else "\r"

    def _erased(self) -> str:
        if not self._drawn:
            return ""
        up, self._drawn = self._up(), []
        return f"{up}\x1b[J"
