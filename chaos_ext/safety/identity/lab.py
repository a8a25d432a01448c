"""A lab is its supervisord: the marker is the daemon's own identifier, its socket lies inside."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.safety import supervisor
from chaos_ext.safety.identity.proof import Mismatch, Proof, Seen


def see(expected: Mapping[str, str], facts: Mapping[str, Any]) -> Seen:
    """Ask the supervisord in `directory`; `facts` (what the lab's `up` printed) must agree with it. Raises Blocked."""
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
        got = str(supervisor.call(path, "supervisor.getIdentification"))
    except supervisor.SupervisorError as error:
        raise Blocked(str(error)) from error
    said = {"marker": got, "directory": str(directory)}
    return Seen([Proof(t("lab marker"), expected["marker"], got), *proofs], said)
