"""The summary of many runs: worst first, with what is needed to go on. Pure: no stream and no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos_ext.language import t
from chaos_ext.model import Verdict, VerdictWord
from chaos_ext.report import text
from chaos_ext.report.clean import clean, wrap
from chaos_ext.report.line import Line

# The gravest first; None is a mode that was not run at all.
_ORDER = (5, 130, 3, 2, 1, 4, None, 0)
NOT_RUN = "not run"
_NO_VERDICT = "no verdict"


@dataclass(frozen=True)
class Result:
    """What became of one failure mode. `exit_code` None: it was not started, and counts for nothing."""

    mode: str
    exit_code: int | None
    verdict: Verdict | None = None  # None: there is none, and `note` says why
    bundle: Path | None = None
    seconds: float = 0.0
    note: str = ""
    before: bool = False  # decided by an earlier run, and not run again

    @property
    def word(self) -> str:
        """One word, or two, for a table."""
        if self.verdict is not None:
            return str(self.verdict.word)
        return t(_NO_VERDICT) if self.seconds else t(NOT_RUN)

    @property
    def good(self) -> bool:
        """Whether nothing has to be done about it."""
        return self.exit_code == 0

    @property
    def style(self) -> str:
        """How a line about it is painted."""
        return "good" if self.good else "dim" if self.exit_code is None else "bad"


def worst_first(results: Sequence[Result]) -> list[Result]:
    """In the order of a summary; within one exit code by id."""
    return sorted(results, key=lambda each: (_rank(each.exit_code), each.mode))


def _rank(code: int | None) -> int:
    return _ORDER.index(code) if code in _ORDER else 0


def summary(
    results: Sequence[Result], *, exit_code: int, took_s: float, next_command: str, width: int = 0
) -> Iterator[Line]:
    """One entry for each mode, the worst first; the last three lines are for eyes and scripts alike."""
    columns = max((text.width(each.mode) for each in results), default=0)
    words = max((text.width(each.word) for each in results), default=0)
    yield Line("")
    for each in worst_first(results):
        took = f"{each.seconds:.1f} s" if each.seconds else ""
        head = f"{text.pad(each.word, words)}  {text.pad(each.mode, columns)}  {took:>8}"
        told = t("decided before") if each.before else ""
        yield Line(f"{head}  {told}".rstrip(), each.style)
        yield from _below(each, width)
    yield Line("")
    yield Line(t("verdicts: {counts}", counts=_counts(results, took_s)), "bad" if exit_code else "good")
    yield Line(t("exit code: {code}", code=exit_code))
    yield Line(t("next: {command}", command=next_command))


def _below(result: Result, width: int) -> Iterator[Line]:
    told: list[tuple[str, str]] = []
    if result.verdict is not None and not result.good:
        for reason in (*result.verdict.flags, *result.verdict.reasons):
            told.append((f"{reason.word}: {reason.sentence}", "bad"))
    if result.note:
        told += [
            (line, "plain" if result.good or result.exit_code is None else "bad")
            for line in result.note.splitlines()
        ]
    if result.bundle is not None:
        told.append((t("bundle: {path}", path=near(result.bundle)), "dim"))
    for words, style in told:
        for part in wrap(clean(words), max(20, width - 4) if width else 0):
            yield Line(f"    {part}", style)


def _counts(results: Sequence[Result], took_s: float) -> str:
    counted = Counter(each.word for each in worst_first(results))
    flags = sum(bool(each.verdict and each.verdict.flags) for each in results)
    parts = [t("{count} {word}", count=count, word=word) for word, count in counted.items()]
    if flags:
        parts.append(t("{count} with something left behind", count=flags))
    if before := sum(each.before for each in results):
        parts.append(t("{count} of them decided before", count=before))
    minutes, seconds = divmod(round(took_s), 60)
    took = (
        t("{minutes} min {seconds} s", minutes=minutes, seconds=seconds)
        if minutes
        else t("{seconds} s", seconds=seconds)
    )
    return f"{', '.join(parts)} · {took}"


def near(path: Path) -> Path:
    """Relative to here, when it is below."""
    try:
        return path.absolute().relative_to(Path.cwd())
    except (ValueError, OSError):
        return path


__all__ = ["NOT_RUN", "Result", "VerdictWord", "near", "summary", "worst_first"]
