"""The guard: is this the place it is said to be? Asked of the place itself, and closed when in doubt.

Checked before a run, before every mutating activity, and again before an undo. A prover for each kind
of identity is listed in `identity/kinds.py`; a kind that nobody can prove refuses.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from chaos_ext.errors import Blocked
from chaos_ext.language import listed, t
from chaos_ext.safety.bounded import Bounded, Overdue
from chaos_ext.safety.identity.kinds import KINDS, Kind
from chaos_ext.safety.identity.proof import Denied, Identity, Mismatch, Proof, Seen
from chaos_ext.safety.identity.written import missing

if TYPE_CHECKING:
    from chaos_ext.model import Place

__all__ = [
    "Answer", "Denied", "Identity", "Mismatch", "Proof", "answers", "is_gone", "is_proven", "prove", "prove_identity",
]  # fmt: skip

Deny = Mapping[str, Sequence[Mapping[str, str]]]  # kind → identities that refuse at once
LIMIT_S = 10.0  # longest time for one kind; its own requests give up earlier


@dataclass(frozen=True)
class Answer:
    """What came of one kind of identity: its proofs, or why there are none."""

    kind: str
    proofs: tuple[Proof, ...]
    refused: Blocked | None


def prove(place: Place) -> tuple[Proof, ...]:
    """Prove that `place` is what its environment says. Raises Blocked on any doubt."""
    return prove_identity(place.environment.identity, place.facts, place.environment.deny)


def prove_identity(
    identity: Identity, facts: Mapping[str, Any], deny: Deny | None = None
) -> tuple[Proof, ...]:
    """Prove every kind of `identity`; `facts` (what the lab's `up` printed) must agree with it.

    Raises Blocked, and its kind Mismatch when the place answered that it is another one, or one of `deny`.
    """
    if not identity:
        raise Blocked(t("identity: got nothing to prove, expected at least one kind. Nothing is injected."))
    proofs: list[Proof] = []
    for answer in answers(identity, facts, deny):
        if answer.refused is not None:
            raise answer.refused
        proofs += answer.proofs
    wrong = [proof for proof in proofs if not proof.holds]
    if wrong or not proofs:
        said = listed(
            (
                t("{kind}: got '{got}', expected '{expected}'", kind=p.kind, got=p.got, expected=p.expected)
                for p in wrong
            ),
            "; ",
        ) or t("no proof")
        raise Mismatch(t("{said}. This is not the place; nothing is touched.", said=said))
    return tuple(proofs)


def answers(identity: Identity, facts: Mapping[str, Any], deny: Deny | None = None) -> Iterator[Answer]:
    """What each kind of `identity` says, one after the other; never raises for one of them."""
    for kind, expected in identity.items():
        seen = Seen([])
        refused: Blocked | None = None
        try:
            seen = _ask(kind, expected, facts)
            _refuse_denied(kind, seen, (deny or {}).get(kind, ()))
        except Blocked as error:
            refused = error
        yield Answer(kind, tuple(seen.proofs), refused)


def is_proven(answers: Sequence[Answer]) -> bool:
    """Whether every kind was proven, and there was one."""
    return bool(answers) and all(
        answer.refused is None and answer.proofs and all(proof.holds for proof in answer.proofs)
        for answer in answers
    )


def _ask(kind: str, expected: Mapping[str, str], facts: Mapping[str, Any]) -> Seen:
    known = KINDS.get(kind)
    if known is None:
        raise Blocked(
            t(
                "identity.{kind}: got a kind that cannot be proven, expected one of {provers}.",
                kind=kind,
                provers=[*KINDS],
            )
        )
    _refuse_unfinished(kind, known, expected)
    try:
        see = importlib.import_module(known.module).see
        seen = Bounded(f"prove {kind}", lambda: see(expected, facts)).wait(LIMIT_S)
        if not isinstance(seen, Seen) or not seen.proofs:
            raise Blocked(t("identity.{kind}: got no proof, expected one.", kind=kind))
        return seen
    except Blocked:
        raise
    except (Exception, Overdue) as error:
        raise Blocked(
            t(
                "identity.{kind}: got {name}: {error}, expected a proof.",
                kind=kind,
                name=type(error).__name__,
                error=error,
            )
        ) from error


def _refuse_unfinished(kind: str, known: Kind, expected: Mapping[str, str]) -> None:
    """A key that nobody knows may be a misspelt one, and what is not said cannot be proven."""
    if unknown := [key for key in expected if key not in known.keys]:
        raise Blocked(
            t(
                "identity.{kind}: got the unknown key '{key}', expected one of {keys}.",
                kind=kind,
                key=unknown[0],
                keys=listed(known.keys),
            )
        )
    for key, value in expected.items():
        if not isinstance(value, str) or "${" in value:
            raise Blocked(
                t("identity.{kind}.{key}: got {value!r}, expected a value.", kind=kind, key=key, value=value)
            )
    for got, wanted, _ in missing(known, expected):
        raise Blocked(
            t("identity.{kind}: got {got}, expected {expected}.", kind=kind, got=got, expected=wanted)
        )


def _refuse_denied(kind: str, seen: Seen, denied: Sequence[Mapping[str, str]]) -> None:
    for item in denied:
        # What the place does not say of itself could be anything: also the denied one.
        # However it is written there: names of roles and markers that differ only so are meant as one.
        if all(seen.said.get(key, value).casefold() == value.casefold() for key, value in item.items()):
            said = listed(t("{key}: {value}", key=key, value=value) for key, value in item.items())
            raise Denied(
                t(
                    "deny.{kind}: got {said}, which this environment denies. Nothing is touched.",
                    kind=kind,
                    said=said,
                )
            )


def is_gone(identity: Identity) -> bool:
    """Whether the whole place has vanished: a lab, or a rehearsal's cloud, whose folder and processes are no more."""
    directory = identity.get("lab", {}).get("directory", "") if set(identity) == {"lab"} else ""
    of_aws = identity.get("aws", {}) if set(identity) == {"aws"} else {}
    if of_aws.get("endpoint_url", "").startswith("http://127.0.0.1:"):
        # An emulator's credentials lie in its own folder, which goes with it.
        directory = os.path.dirname(of_aws.get("credentials_file", ""))
    return bool(directory) and not os.path.lexists(directory) and not _processes_naming(directory)


def _processes_naming(directory: str) -> list[int]:
    """Living processes (not ours) whose command line names something below `directory`."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        info = process.info
        if info["pid"] == os.getpid() or info["status"] == psutil.STATUS_ZOMBIE:
            continue
        if any(word == directory or f"{directory}/" in word for word in info["cmdline"] or ()):
            found.append(info["pid"])
    return found
