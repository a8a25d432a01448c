"""Approvals on the disk: whether one stands for this experiment, here and now, and if not, exactly why not."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chaos_ext import environments
from chaos_ext.catalog.source import Source
from chaos_ext.catalog.words import understood
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t
from chaos_ext.model.approvals import Approval, instant, written
from chaos_ext.safety.policy import signatures
from chaos_ext.safety.policy.signatures import SIGNERS, NotSigned

FOLDER = "approvals"
_DIGITS = 12  # of a digest, in a message


@dataclass(frozen=True)
class Wanted:
    """What must be approved. `content` is None where only the fault is known, `file` where there is none."""

    id: str
    environment: str
    faults: Mapping[str, str]  # name → digest, of those that need a review
    content: str | None = None
    file: Path | None = None


@dataclass(frozen=True)
class Standing:
    """An approval that stands, with the bytes of both its files."""

    shown: str
    approval: Approval
    raw: bytes
    signature: bytes


def path_of(root: Path, environment: str, name: str) -> Path:
    """Where the approval of an experiment for an environment is."""
    return root / FOLDER / environment / f"{name}.yaml"


def find(root: Path, wanted: Wanted, at: datetime) -> Standing:
    """The approval that stands for what is wanted. Raises UsageError with what is wrong with the one there is."""
    own = path_of(root, wanted.environment, wanted.id)
    others = sorted(own.parent.glob("*.yaml")) if wanted.content is None or not own.is_file() else []
    paths = [own, *(path for path in others if path != own)] if own.is_file() else others
    refused: list[Problem] = []
    for path in paths:
        problems: list[Problem] = []
        standing = _standing(root, path, wanted, at, problems)
        if standing is not None and not problems:
            return standing
        if path == own or _speaks_of(path, root, wanted):
            refused += problems
    if refused:
        raise UsageError(refused)
    raise UsageError([_missing(root, wanted)])


def _missing(root: Path, wanted: Wanted) -> Problem:
    own = path_of(root, wanted.environment, wanted.id).relative_to(root)
    shown = own if wanted.id else f"{own.parent}/"
    hint = t(
        "Have an SRE run: chaos policy approve {id} --env {environment} --key ~/.ssh/id_ed25519",
        id=wanted.id or "EXP",
        environment=wanted.environment,
    )
    return Problem(str(shown), "", t("no file"), t("an approval signed by an SRE"), hint)


def _speaks_of(path: Path, root: Path, wanted: Wanted) -> bool:
    """Whether an approval of another name is about the same thing, so that what is wrong with it is news."""
    approval, _ = understood(path, root, Approval, [])
    if approval is None:
        return False
    said = approval.experiment
    same = set(said.faults) & set(wanted.faults) or set(said.faults.values()) & set(wanted.faults.values())
    return said.content == wanted.content or bool(same)


def _standing(
    root: Path, path: Path, wanted: Wanted, at: datetime, problems: list[Problem]
) -> Standing | None:
    approval, source = understood(path, root, Approval, problems)
    if approval is None or source is None:
        return None
    _check_signature(root, approval, source, at, problems)
    if problems:  # what an approval says that nobody signed is no news
        return None
    _check_place(root, approval, source, wanted.environment, problems)
    _check_experiment(root, approval, source, wanted, problems)
    _check_time(approval, source, at, problems)
    return Standing(source.shown, approval, source.raw, _signature_of(source).read_bytes())


_AGAIN = t("Have it looked at and approved again.")


def _check_place(
    root: Path, approval: Approval, source: Source, environment: str, problems: list[Problem]
) -> None:
    said = approval.environment
    if said.name != environment:
        expected = t("'{name}', where it is to run", name=environment)
        problems.append(
            source.problem(
                ("environment", "name"), f"'{said.name}'", expected, t("An approval is for one environment.")
            )
        )
        return
    try:
        now = environments.digest(environment, root)
    except (UsageError, OSError) as error:
        problems.append(source.problem(("environment", "name"), str(error), t("an environment that exists")))
        return
    if said.sha256 != now:
        problems.append(
            source.problem(
                ("environment", "sha256"),
                t(
                    "{was}…, but {file} is {now}…",
                    was=said.sha256[:_DIGITS],
                    file=said.file,
                    now=now[:_DIGITS],
                ),
                t("the environment as it was approved"),
                _AGAIN,
            )
        )


def _check_experiment(
    root: Path, approval: Approval, source: Source, wanted: Wanted, problems: list[Problem]
) -> None:
    said = approval.experiment

    def changed(key: str, was: str, what: str, now: str) -> None:
        got = t("{was}…, but {file} is {now}…", was=was[:_DIGITS], file=what, now=now[:_DIGITS])
        problems.append(
            source.problem(("experiment", key), got, t("the experiment as it was approved"), _AGAIN)
        )

    file = root / said.file if wanted.file is None else wanted.file
    try:
        if not file.is_file():  # a device would never end, and no name has a NUL
            raise FileNotFoundError(errno.ENOENT, t("not a file"))
        now = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        got = t("{file}, which cannot be read ({why})", file=said.file, why=error.strerror)
        problems.append(
            source.problem(("experiment", "file"), got, t("the experiment as it was approved"), _AGAIN)
        )
        return
    if now != said.sha256:
        changed("sha256", said.sha256, said.file, now)
    elif wanted.content is not None and wanted.content != said.content:
        changed("content", said.content, t("what is to run"), wanted.content)
    for name, digest in wanted.faults.items():
        if digest not in said.faults.values() and not problems:
            was = said.faults.get(name)
            if was is None:
                expected = t("'{name}' among them", name=name)
                problems.append(source.problem(("experiment", "faults"), t("other faults"), expected, _AGAIN))
            else:
                changed("faults", was, t("the fault '{name}'", name=name), digest)


def _check_time(approval: Approval, source: Source, at: datetime, problems: list[Problem]) -> None:
    if at >= instant(approval.expires):
        expected = t("a time to come; it is {now}", now=written(at))
        problems.append(source.problem(("expires",), f"'{approval.expires}'", expected, _AGAIN))
    if at < instant(approval.issued):
        expected = t("a time gone by; it is {now}", now=written(at))
        hint = t("Is this machine's clock right?")
        problems.append(source.problem(("issued",), f"'{approval.issued}'", expected, hint))


def _signature_of(source: Source) -> Path:
    return source.path.with_name(f"{source.path.name}.sig")


def _check_signature(
    root: Path, approval: Approval, source: Source, at: datetime, problems: list[Problem]
) -> None:
    signature, allowed = _signature_of(source), root / SIGNERS
    shown = f"{source.shown}.sig"
    if not signature.is_file():
        hint = t("Commit both files, or approve again.")
        problems.append(
            Problem(shown, "", t("no file"), t("the signature of {file}", file=source.shown), hint)
        )
        return
    if not allowed.is_file():
        hint = t(
            'Write one line for each SRE: mika@example.com namespaces="{ns}" ssh-ed25519 AAAA…',
            ns=signatures.NAMESPACE,
        )
        problems.append(Problem(SIGNERS, "", t("no file"), t("who may approve, in git's format"), hint))
        return
    issuer = approval.issuer
    try:
        if said := signatures.mismatch(source.raw, signature):
            expected = t("one of {file} as it is now, byte for byte", file=source.shown)
            hint = t("One of the two was changed after it was signed. Restore both files, or approve again.")
            problems.append(
                Problem(shown, "", t("a signature of something else ({said})", said=said), expected, hint)
            )
            return
        signatures.verify(source.raw, signature, issuer, allowed, at)
    except NotSigned as error:
        problems.append(_not_signed(root, approval, source, signature, str(error)))
    except UsageError as error:
        problems += error.problems


def _not_signed(root: Path, approval: Approval, source: Source, signature: Path, said: str) -> Problem:
    """Why ssh-keygen does not take it, as exactly as it can be known."""
    allowed, issuer = root / SIGNERS, approval.issuer
    lines = [each for each in signatures.signers(allowed) if each.may_be(issuer)]
    if not lines:
        hint = t("Whoever owns the environment adds the key there, in a reviewed change.")
        expected = t("a signer whom {file} names", file=SIGNERS)
        return source.problem(("issuer",), t("the unknown signer '{issuer}'", issuer=issuer), expected, hint)
    where = f"{SIGNERS}:{lines[0].line}"
    try:
        signatures.verify(source.raw, signature, issuer, allowed, instant(approval.issued))
    except NotSigned:
        pass
    else:
        got = t("a key of '{issuer}' that does not count any more ({said})", issuer=issuer, said=said)
        hint = t("Renew valid-before there in a reviewed change, or have somebody else approve.")
        return Problem(where, "", got, t("one that is valid now"), hint)
    whose = signatures.principals(signature, allowed)
    if whose and issuer not in whose:
        expected = t("that of '{issuer}', who is said to have approved", issuer=issuer)
        return source.problem(("issuer",), t("the signature of '{whose}'", whose=whose[0]), expected, _AGAIN)
    got = t("no key of '{issuer}' that made {file}.sig ({said})", issuer=issuer, file=source.shown, said=said)
    expected = t("the key that signed, for namespace {ns}", ns=signatures.NAMESPACE)
    hint = t("Correct that line in a reviewed change, or have somebody else approve.")
    return Problem(where, "", got, expected, hint)


def check(root: Path) -> list[Problem]:
    """What cannot be read of any approval that is kept. Whether it stands is asked when it is needed."""
    problems: list[Problem] = []
    for path in sorted((root / FOLDER).glob("*/*.yaml")):
        understood(path, root, Approval, problems)
    return problems
