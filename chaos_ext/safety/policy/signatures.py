"""Signatures by SSH keys: `ssh-keygen -Y`, and the file that says whose keys count (git's own format).

Nothing here verifies anything by itself; every answer is ssh-keygen's. The signers' file is read only to name
the line that a person must look at.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t

NAMESPACE = "approval@chaos-ext"  # a signature made for anything else (a commit, a mail) is no approval
SIGNERS = "environments/allowed_signers"
_PROGRAM = "ssh-keygen"
_LOOK_LIMIT_S = 20.0
_SIGN_LIMIT_S = 300.0  # a person may have to type a passphrase or touch a key
_MOST_BYTES = 1_000_000
_KEY = re.compile(r"(?:^|\s)((?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+)\s+([A-Za-z0-9+/]+=*)")


class NotSigned(Exception):
    """A signature that does not count; the text is ssh-keygen's own."""


@dataclass(frozen=True)
class Signer:
    """One line of the signers' file."""

    line: int
    principals: str  # patterns, with commas between
    kind: str
    key: str

    def may_be(self, principal: str) -> bool:
        """Whether the line speaks of `principal`."""
        return any(fnmatchcase(principal, one) for one in self.principals.split(","))


def signers(path: Path) -> list[Signer]:
    """The lines of the file that hold a key. Nothing when it cannot be read: ssh-keygen says so itself."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return []
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return list(_signers(lines))


def _signers(lines: list[str]) -> Iterator[Signer]:
    for number, text in enumerate(lines, start=1):
        if (words := text.strip()) and not words.startswith("#") and (found := _KEY.search(words)):
            first = words[1:].split('"')[0] if words.startswith('"') else words.split()[0]
            yield Signer(number, first, found[1], found[2])


def public_key(key: Path) -> tuple[str, str]:
    """Kind and base64 of the public half of `key` (a private key, or the .pub of one that an agent holds).

    Raises UsageError when there is no such key.
    """
    beside = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")
    try:
        told = beside.read_text(encoding="utf-8", errors="replace")
    except OSError:
        if not key.is_file():
            hint = t("Make one with 'ssh-keygen -t ed25519', or name another with --key.")
            raise UsageError(
                [Problem("--key", "", t("no file {path}", path=key), t("an SSH private key"), hint)]
            ) from None
        told = _run("-y", "-f", str(key), limit_s=_SIGN_LIMIT_S).stdout.decode(errors="replace")
    found = _KEY.search(told)
    if found is None:
        raise UsageError([Problem("--key", "", str(key), t("an SSH private key"))])
    return found[1], found[2]


def sign(data: bytes, key: Path) -> bytes:
    """The signature of `data`. A passphrase is asked for on the terminal by ssh-keygen. Raises UsageError."""
    done = _run(
        "-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(key), data=data, limit_s=_SIGN_LIMIT_S, ask=True
    )
    if done.returncode != 0 or b"BEGIN SSH SIGNATURE" not in done.stdout:
        expected = t("a key that ssh-keygen can sign with")
        raise UsageError([Problem("--key", "", f"{key} ({_said(done)})", expected)])
    return done.stdout


def mismatch(data: bytes, signature: Path) -> str:
    """Why a signature is none of exactly these bytes, by whatever key, in ssh-keygen's words; empty when it is one."""
    done = _run("-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(signature), data=data)
    return "" if done.returncode == 0 else _said(done)


def verify(data: bytes, signature: Path, principal: str, allowed: Path, at: datetime | None = None) -> None:
    """That `principal` signed `data`, with a key that counts now (or counted `at`). Raises NotSigned, UsageError."""
    when = [] if at is None else ["-O", f"verify-time={at.astimezone(UTC):%Y%m%d%H%M%SZ}"]
    done = _run(
        "-Y", "verify", *when, "-n", NAMESPACE, "-f", str(allowed), "-I", principal, "-s", str(signature),
        data=data,
    )  # fmt: skip
    if done.returncode != 0:
        raise NotSigned(_said(done))


def principals(signature: Path, allowed: Path) -> list[str]:
    """Whose key it was, by the signers' file; nobody when the key is not there, or does not count now."""
    done = _run("-Y", "find-principals", "-s", str(signature), "-f", str(allowed))
    return done.stdout.decode(errors="replace").split() if done.returncode == 0 else []


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    told = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
    return told[0].strip() if told else t("exit code {code}", code=done.returncode)


def _run(
    *words: str, data: bytes = b"", limit_s: float = _LOOK_LIMIT_S, ask: bool = False
) -> subprocess.CompletedProcess[bytes]:
    """Run ssh-keygen, with `data` on its standard input. Raises UsageError when it is missing or does not come back."""
    try:
        return subprocess.run(
            [_PROGRAM, *words],
            input=data,
            capture_output=True,
            timeout=limit_s,
            check=False,
            start_new_session=not ask,  # without a terminal it asks nobody
        )
    except FileNotFoundError:
        hint = t("Install OpenSSH 8.9 or newer (Debian: apt install openssh-client).")
        raise UsageError(
            [Problem(_PROGRAM, "", t("no such program on PATH"), t("OpenSSH, which checks approvals"), hint)]
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(
            [Problem(_PROGRAM, "", str(error), t("an answer within {s:g} s", s=limit_s))]
        ) from error
