"""What a prover hands back: each thing that the place itself said, beside what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chaos_ext.errors import Blocked
from chaos_ext.language import Said, t

Identity = Mapping[str, Mapping[str, str]]  # kind of proof → what it must show, and how it is reached


@dataclass(frozen=True)
class Proof:
    """One thing that the place itself said, beside what the environment's file expects."""

    kind: str
    expected: str
    got: str

    @property
    def holds(self) -> bool:
        """Whether it is what was expected, to the letter; nothing expected proves nothing."""
        return bool(self.expected) and self.expected == self.got


class Mismatch(Blocked):
    """The place answered, and is another one: no use in asking again."""


class Denied(Mismatch):
    """The place answered that it is one which nobody may touch."""


@dataclass(frozen=True)
class Seen:
    """What a prover saw. `said` is all that the place said of itself, for lists of what is denied."""

    proofs: list[Proof]
    said: dict[str, str] = field(default_factory=dict)


def no_answer(kind: str, where: str, why: object) -> Blocked:
    """The thing that should say who it is did not, or cannot be understood. Of a long reason the first line."""
    if not isinstance(why, Said):
        why = next(iter(str(why).splitlines()), "") or type(why).__name__
    return Blocked(
        t(
            "identity.{kind}: got no proof from {where} ({why}), expected an answer. Nothing is touched.",
            kind=kind,
            where=where,
            why=why,
        )
    )


def not_installed(kind: str, package: str, extra: str) -> Blocked:
    """A client library of that platform is missing."""
    return Blocked(
        t(
            "identity.{kind}: got no Python package '{package}', expected it. Try: pip install 'chaos-ext[{extra}]'.",
            kind=kind,
            package=package,
            extra=extra,
        )
    )


def text_of(kind: str, where: str, name: str, value: object) -> str:
    """`value` when it is a text that is not empty; anything else is no answer."""
    if isinstance(value, str) and value.strip() == value and value:
        return value
    raise no_answer(kind, where, t("{name} is {value!r}", name=name, value=value))


def pairs(kind: str, key: str, written: str) -> dict[str, str]:
    """``a=b,c=d`` as a mapping, as kubectl and gcloud write labels. Raises Blocked."""
    found: dict[str, str] = {}
    for item in written.split(","):
        name, equals, value = item.strip().partition("=")
        if not equals or not name or not value or name in found:
            raise Blocked(
                t(
                    "identity.{kind}.{key}: got '{written}', expected name=value, with commas between several.",
                    kind=kind,
                    key=key,
                    written=written,
                )
            )
        found[name] = value
    return found
