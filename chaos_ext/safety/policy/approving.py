"""Writing an approval: what is approved, until when, by whom, signed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from chaos_ext import environments
from chaos_ext.catalog import guidelines
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import listed, t
from chaos_ext.model import Decision
from chaos_ext.model.approvals import Approval, written
from chaos_ext.safety.policy import signatures, values
from chaos_ext.safety.policy.approvals import path_of
from chaos_ext.safety.policy.canonical import of_experiment
from chaos_ext.safety.policy.deciding import Decided, decide
from chaos_ext.safety.policy.enforcing import against, mode_of, said
from chaos_ext.safety.policy.signatures import SIGNERS
from chaos_ext.safety.policy.subject import subjects

if TYPE_CHECKING:
    from chaos_ext.catalog.load import Catalog
    from chaos_ext.model import Environment

HEAD = "# Signed by `chaos policy approve`: one changed byte here, or in what it approves, voids it.\n"


@dataclass(frozen=True)
class Request:
    """What is to be approved: an experiment that stands in a file, for an environment."""

    id: str
    file: Path
    experiment: Mapping[str, Any]
    environment: Environment
    catalog: Catalog | None = None


def approve(
    root: Path,
    request: Request,
    key: Path,
    now: datetime,
    expires_s: float,
    reason: str = "",
    issuer: str | None = None,
) -> tuple[Path, Approval]:
    """Write and sign an approval. Returns its path and what it says.

    Raises UsageError: forbidden, free (nothing to approve), something in it that only the run fills in, a key that
    the signers' file does not name, no ssh-keygen.
    """
    read = guidelines.read(root)
    found = subjects(request.experiment, request.environment, now, mode_of(root, request.experiment))
    decided = [decide(read, each) for each in found]
    by_the_clock = {rule.id for rule in read.rules if rule.match.during or rule.match.outside}
    _refuse_needless(request, decided, by_the_clock)
    if unknown := list(values.from_outside(request.experiment, request.file, root, request.id)):
        raise UsageError(unknown)
    issuer = issuer or _issuer(root, key)
    data = _document(root, request, decided, issuer, now, now + timedelta(seconds=expires_s), reason)
    approval = Approval.model_validate(yaml.safe_load(data))
    signature = signatures.sign(data, key)
    path = path_of(root, request.environment.name, request.id)
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path.with_name(f"{path.name}.sig"), signature)
    _replace(path, data)
    return path, approval


def _refuse_needless(request: Request, decided: list[Decided], by_the_clock: set[str]) -> None:
    """What is forbidden only at this hour may be approved now, for another."""
    banned = against(decided, Decision.FORBIDDEN)
    forbidden = [each for each in banned if each.rule not in by_the_clock]
    if forbidden:
        raise UsageError(listed(map(said, forbidden), "\n"))
    if all(each.decision is Decision.FREE for each in decided):
        got = t("an experiment that is free in {environment}", environment=request.environment.name)
        expected = t("one that needs a review")
        hint = t("Run it: nobody has to approve it.")
        raise UsageError([Problem(request.id, "", got, expected, hint)])
    open_ones = dict.fromkeys(each.subject.name for each in decided if not each.subject.digest)
    if open_ones:
        got = t("placeholders that only the run fills in, in {faults}", faults=listed(open_ones))
        hint = t("Write the values out ($$ where a dollar is meant): nobody can approve what is not known.")
        raise UsageError([Problem(str(request.file), "", got, t("values"), hint)])


def _issuer(root: Path, key: Path) -> str:
    kind, words = signatures.public_key(key)
    allowed = root / SIGNERS
    mine = [each for each in signatures.signers(allowed) if (each.kind, each.key) == (kind, words)]
    if not mine:
        got = t("a key that {file} does not name", file=SIGNERS)
        hint = t(
            'Have this line added in a reviewed change: YOU@example.com namespaces="{ns}" {kind} {key}',
            ns=signatures.NAMESPACE,
            kind=kind,
            key=words,
        )
        raise UsageError([Problem("--key", "", got, t("the key of somebody who may approve"), hint)])
    principal = mine[0].principals
    if any(sign in principal for sign in ",*?!"):
        got = t("the pattern '{pattern}' for this key", pattern=principal)
        hint = t("Say who you are: --as mika@example.com.")
        raise UsageError([Problem(f"{SIGNERS}:{mine[0].line}", "", got, t("one name"), hint)])
    return principal


def _document(
    root: Path,
    request: Request,
    decided: list[Decided],
    issuer: str,
    now: datetime,
    until: datetime,
    reason: str,
) -> bytes:
    name = request.environment.name
    content = {
        "schema": 1,
        "experiment": {
            "id": request.id,
            "file": str(request.file.relative_to(root)),
            "sha256": hashlib.sha256(request.file.read_bytes()).hexdigest(),
            "content": of_experiment(request.experiment),
            "faults": {each.subject.name: each.subject.digest for each in decided},
        },
        "environment": {
            "name": name,
            "file": str(environments.path_of(name, root).relative_to(root)),
            "sha256": environments.digest(name, root),
        },
        "issuer": str(issuer),
        "issued": written(now),
        "expires": written(until),
        "reason": str(reason),
    }
    return (HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)).encode("utf-8")


def _replace(path: Path, data: bytes) -> None:
    """Write a file as a whole, or not at all."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_bytes(data)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
