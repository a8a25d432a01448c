"""The lab's cloud by the operators' own `aws`, which cannot reach any other."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaoslib.exceptions import ActivityFailed

from chaos_ext.actions.lab import proven
from chaos_ext.language import t

_WITHIN_S = 30.0


class Refused(ActivityFailed):
    """The cloud answered, and the answer is no. `code` is its own word for it, such as AccessDenied."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def aws(configuration: Mapping[str, Any] | None, *words: str) -> dict[str, Any]:
    """What `aws words…` answers, as an object. Raises Refused, or ActivityFailed when it did not answer in 30 s."""
    tool = Path(proven.facts(configuration)["bin"]) / "aws"
    try:
        done = subprocess.run(
            [str(tool), *words, "--output", "json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ActivityFailed(str(error)) from error
    said = " ".join(done.stderr.split())
    if done.returncode != 0:
        shown = t("aws {command}: {said}", command=" ".join(words[:2]), said=said)
        # "An error occurred (403) when calling the PutObject operation: Forbidden"
        if "An error occurred (" in said:
            raise Refused(shown, said.partition("An error occurred (")[2].partition(")")[0])
        raise ActivityFailed(shown)
    answer = json.loads(done.stdout) if done.stdout.strip() else {}
    return answer if isinstance(answer, dict) else {}
