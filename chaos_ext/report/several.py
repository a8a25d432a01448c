"""The summary of many runs: worst first, with what is needed to go on. Pure: no stream and no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos_ext.language import Language, listed, say, t
from chaos_ext.model import Verdict
from chaos_ext.report import text
from chaos_ext.report.clean import clean, wrap
from chaos_ext.report.line import Line
from chaos_ext.report.words import VERDICTS

# The gravest first; None is a mode that was not run at all.
_ORDER = (5, 130, 3, 2, 1, 4, None, 0)


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
            return VERDICTS[self.verdict.word]
        return t("no verdict") if self.seconds else t("not run")

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
    results: Sequence[Result],
    *,
    exit_code: int,
    took_s: float,
    next_command: str,
    report: Path | None = None,
    width: int = 0,
    language: Language = "en",
) -> Iterator[Line]:
    """One entry for each mode, the worst first; the last lines, from the counts on, are for eyes and scripts alike."""
    heads = [[say(cell, language) for cell in _head(each)] for each in worst_first(results)]
    widths = [max(text.width(row[column]) for row in heads) for column in range(3)] if heads else []
    yield Line("")
    for each, (word, mode, took, before) in zip(worst_first(results), heads, strict=True):
        cells = (text.pad(word, widths[0]), text.pad(mode, widths[1]), text.pad_left(took, widths[2]), before)
        yield Line("  ".join(cells).rstrip(), each.style)
        for sentence, style in _below(each):
            for part in wrap(clean(say(sentence, language)), max(20, width - 4) if width else 0):
                yield Line(f"    {part}", style)
    yield Line("")
    for sentence, style in (
        (t("verdicts: {counts}", counts=_counts(results, took_s)), "bad" if exit_code else "good"),
        (t("exit code: {code}", code=exit_code), "plain"),
        *([(t("report: {path}", path=near(report)), "plain")] if report else []),
        (t("next: {command}", command=next_command), "plain"),
    ):
        yield Line(say(sentence, language), style)


def _head(result: Result) -> tuple[str, str, str, str]:
    took = t("{s:.1f} s", s=result.seconds) if result.seconds else ""
    return result.word, result.mode, took, t("decided before") if result.before else ""


def _below(result: Result) -> Iterator[tuple[str, str]]:
    """What there is to say of a result besides, each with its style."""
    if result.verdict is not None and not result.good:
        for reason in (*result.verdict.flags, *result.verdict.reasons):
            yield t("{word}: {sentence}", word=reason.word, sentence=reason.sentence), "bad"
    for line in result.note.splitlines() if "\n" in result.note else filter(None, [result.note]):
        yield line, "plain" if result.good or result.exit_code is None else "bad"
    if result.bundle is not None:
        yield t("bundle: {path}", path=near(result.bundle)), "dim"


def _counts(results: Sequence[Result], took_s: float) -> str:
    counted = Counter(each.word for each in worst_first(results))
    flags = sum(bool(each.verdict and each.verdict.flags) for each in results)
    before = sum(each.before for each in results)
    parts = [t("{count} {word}", count=count, word=word) for word, count in counted.items()]
    parts += [t("{count} with something left behind", count=flags)] if flags else []
    parts += [t("{count} of them decided before", count=before)] if before else []
    minutes, seconds = divmod(round(took_s), 60)
    took = (
        t("{minutes} min {seconds} s", minutes=minutes, seconds=seconds)
        if minutes
        else t("{s:.1f} s", s=took_s)
    )
    return listed((listed(parts), took), " · ")


def near(path: Path) -> Path:
    """Relative to here, when it is below."""
    try:
        return path.absolute().relative_to(Path.cwd())
    except (ValueError, OSError):
        return path
