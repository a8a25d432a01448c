"""The guard: is this the place it is said to be? Asked of the place itself, and closed when in doubt.

Checked before a run, before every mutating activity, and again before an undo. A prover for each kind
of identity is listed in PROVERS; a kind that nobody can prove refuses.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from chaos_ext.errors import Blocked
from chaos_ext.language import listed, t
from chaos_ext.safety import supervisor

if TYPE_CHECKING:
    from chaos_ext.model import Place

Identity = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Proof:
    """One thing that the place itself said, beside what the environment's file expects."""

    kind: str
    expected: str
    got: str


class Mismatch(Blocked):
    """The place answered, and is another one: no use in asking again."""


def prove(place: Place) -> tuple[Proof, ...]:
    """Prove that `place` is what its environment says. Raises Blocked on any doubt."""
    return prove_identity(place.environment.identity, place.facts)


def prove_identity(identity: Identity, facts: dict[str, Any]) -> tuple[Proof, ...]:
    """Prove every kind of `identity`; `facts` (what the lab's `up` printed) must agree with it.

    Raises Blocked, and its kind Mismatch when the place answered that it is another one.
    """
    if not identity:
        raise Blocked(t("identity: got nothing to prove, expected at least one kind. Nothing is injected."))
    proofs: list[Proof] = []
    for kind, expected in identity.items():
        prover = PROVERS.get(kind)
        if prover is None:
            raise Blocked(
                t(
                    "identity.{kind}: got a kind that cannot be proven, expected one of {provers}.",
                    kind=kind,
                    provers=[*PROVERS],
                )
            )
        try:
            proofs += prover(expected, facts)
        except Blocked:
            raise
        except Exception as error:
            raise Blocked(
                t(
                    "identity.{kind}: got {name}: {error}, expected a proof.",
                    kind=kind,
                    name=type(error).__name__,
                    error=error,
                )
            ) from error
    wrong = [proof for proof in proofs if not proof.expected or proof.expected != proof.got]
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


def is_gone(identity: Identity) -> bool:
    """Whether the whole place has vanished: a lab whose directory and processes are no more."""
    expected = identity.get("lab")
    if expected is None or set(identity) != {"lab"}:
        return False
    directory = expected.get("directory", "")
    return bool(directory) and not os.path.lexists(directory) and not _processes_naming(directory)


def _prove_lab(expected: dict[str, str], facts: dict[str, Any]) -> list[Proof]:
    """A lab is its supervisord: the marker is the daemon's own identifier, its socket lies inside."""
    missing = [key for key in ("marker", "directory") if not expected.get(key)]
    if missing:
        raise Blocked(
            t("identity.lab: got no {missing}, expected both.", missing=listed(missing, " and no "))
        )
    directory = Path(expected["directory"])
    path = directory / "run" / "supervisor.sock"
    proofs = [
        Proof(t("lab directory by its facts"), str(directory), str(facts.get("dir", ""))),
        Proof(t("lab marker by its facts"), expected["marker"], str(facts.get("marker", ""))),
        Proof(
            t("lab socket by its facts"), str(path), str((facts.get("supervisor") or {}).get("socket", ""))
        ),
    ]
    try:
        status = path.stat()
    except OSError as error:
        raise Blocked(
            t(
                "{path}: got {strerror}, expected the lab's supervisor. Is the lab up?",
                path=path,
                strerror=error.strerror,
            )
        ) from error
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid not in (0, os.geteuid()):
        raise Mismatch(
            t("{path}: got something that is not our socket, expected the lab's supervisor.", path=path)
        )
    try:
        got = supervisor.call(path, "supervisor.getIdentification")
    except supervisor.SupervisorError as error:
        raise Blocked(str(error)) from error
    return [Proof(t("lab marker"), expected["marker"], str(got)), *proofs]


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


Prover = Callable[[dict[str, str], dict[str, Any]], list[Proof]]
PROVERS: dict[str, Prover] = {"lab": _prove_lab}
