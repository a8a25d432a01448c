"""The ways this toolkit can end badly, each with the exit code that `chaos` returns.

No I/O. Everything that refuses raises one of these; anything else that escapes is our bug (exit 3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from chaos_ext.language import Said, listed, printable, t


@dataclass(frozen=True)
class Problem:
    """One thing that a person can put right: where it is, what is wrong, what would be right.

    Reads as ``catalog/redis.yaml:12: reproduce: got 'lots', expected a size. Try '16MB'.``
    """

    where: str  # "file:line", "file", or what the message is about ("EXP", "port 8443")
    what: str  # the field or step; empty when `where` says it all
    got: str  # what stands there, already quoted where it is a value
    expected: str
    hint: str = ""  # a sentence that says what to do

    def __post_init__(self) -> None:
        """What a file says goes to terminals and logs through here: cut to a readable length, nothing invisible."""
        for name in ("where", "what", "got", "expected", "hint"):
            object.__setattr__(self, name, printable(getattr(self, name)))

    def __str__(self) -> str:
        return self.said()

    def said(self) -> Said:
        """The whole of it, so that it can be said in Japanese."""
        subject = listed(filter(None, (self.where, self.what)), ": ")
        return t(
            "{where}: got {got}, expected {expected}. {hint}"
            if self.hint
            else "{where}: got {got}, expected {expected}.",
            where=subject,
            got=self.got,
            expected=self.expected,
            hint=self.hint,
        )


_LONGEST_NAME = 200  # characters: comparing takes the square of their number


def did_you_mean(word: object, choices: Collection[str]) -> str:
    """A hint with the nearest of `choices`; empty when none is near."""
    import difflib

    if len(str(word)) > _LONGEST_NAME:
        return ""
    choices = [choice for choice in choices if len(choice) <= _LONGEST_NAME]
    near = difflib.get_close_matches(str(word), choices, n=1, cutoff=0.6)
    return t("Did you mean '{near}'?", near=near[0]) if near else ""


class ChaosExtError(Exception):
    """Base of all our errors. `exit_code` is what the command returns."""

    exit_code = 3


class UsageError(ChaosExtError):
    """The command line, the machine or a file people wrote is not right (exit 2).

    Carries every problem found, so that a person mends them in one go.
    """

    exit_code = 2

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        self.problems: list[Problem] = [] if isinstance(problems, str) else list(problems)
        text = problems if isinstance(problems, str) else listed(self.problems, "\n")
        super().__init__(text)


class Blocked(ChaosExtError):
    """The environment could not be proven, is taken, or is not healed: nothing was injected (exit 4)."""

    exit_code = 4


class LabError(ChaosExtError):
    """The lab could not be started, asked or stopped; the text says what to do (exit 2)."""

    exit_code = 2


class FaultNotInjected(ChaosExtError):
    """The fault's own activity failed, or its effect could not be read back (exit 4)."""

    exit_code = 4


class UndoFailed(ChaosExtError):
    """Something we broke is still broken. `chaos heal` tries again (exit 5)."""

    exit_code = 5


class Interrupted(ChaosExtError):
    """A person or the machine asked us to stop (exit 130)."""

    exit_code = 130
