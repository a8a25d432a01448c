"""Whether a block printed what the runbook says it prints."""

from __future__ import annotations

from collections.abc import Callable

from chaos_ext.language import t
from chaos_ext.runbook.model import Expectation, matches

Hide = Callable[[str], str]


def mismatch(expects: Expectation, output: str, hide: Hide = str) -> str | None:
    """Why `output` (a block's standard output) is not what was expected, in a sentence; None when it is.

    `hide` masks secrets in what the sentence quotes; it must see the text before quoting changes it.
    """
    got = output.rstrip("\n").split("\n")
    if expects.how == "exact":
        wanted = expects.lines
        for number, (pattern, line) in enumerate(zip(wanted, got, strict=False), start=1):
            if not matches(pattern, line):
                return t(
                    "line {number} of the output is {line!r}, expected {pattern!r}",
                    number=number,
                    line=hide(line),
                    pattern=pattern,
                )
        if len(got) != len(wanted):
            return t("the output has {got} lines, expected {wanted}", got=len(got), wanted=len(wanted))
        return None
    if expects.how == "lines":
        return _in_any_order(expects.lines, got, hide)
    return _in_this_order(expects.lines, got, hide)


def _in_this_order(wanted: tuple[str, ...], got: list[str], hide: Hide) -> str | None:
    rest = iter(got)
    for pattern in wanted:
        if not any(_contains(pattern, line) for line in rest):
            return t(
                "the output does not contain {pattern!r}{but}", pattern=pattern, but=_what_came(got, hide)
            )
    return None


def _contains(pattern: str, line: str) -> bool:
    """A plain line may stand anywhere inside; a pattern must match the whole line."""
    return matches(pattern, line) or (not pattern.endswith((" (re)", " (glob)")) and pattern in line)


def _in_any_order(wanted: tuple[str, ...], got: list[str], hide: Hide) -> str | None:
    """Every line is expected once and every expected line came once, whatever the order."""
    left = list(got)
    # Plain lines first, so that a pattern does not take a line that only a plain one can match.
    for pattern in sorted(wanted, key=lambda line: line.endswith((" (re)", " (glob)"))):
        found = next((line for line in left if matches(pattern, line)), None)
        if found is None:
            return t("no line of the output is {pattern!r}{but}", pattern=pattern, but=_what_came(got, hide))
        left.remove(found)
    return t("the output has a line that was not expected: {line!r}", line=hide(left[0])) if left else None


def _what_came(lines: list[str], hide: Hide) -> str:
    got = hide("\n".join(lines)).split("\n")
    return (
        t("; it is {got!r}{more}", got=" / ".join(got[:5]), more=" …" if len(got) > 5 else "")
        if got != [""]
        else t("; it is empty")
    )
