"""What a runbook leaves behind and nobody said: named, and the command fails, whatever it proved."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.alone  # a verdict from what was measured
MODE = "postgresql-lock-held"


def _locks_a_role(project: Any, when: str) -> None:
    """The step that sets a limit also locks a role out of the database."""
    path = project.root / f"catalog/runbooks/{MODE}.md"
    text = path.read_text()
    set_limit = "SET idle_in_transaction_session_timeout = '$IDLE_LIMIT'\"\n"
    assert text.count(set_limit) == 1
    path.write_text(text.replace(set_limit, f"{set_limit}{when}\n"))
    assert project.chaos("catalog", "compile").code == 0


@pytest.mark.slow
def test_a_runbook_that_leaves_a_role_locked(project: Any) -> None:
    """It recovers in time, and all the same the command fails."""
    _locks_a_role(project, 'psql "service=$PRIMARY" -Xqc "ALTER ROLE retention NOLOGIN"')

    done = project.verify_treatment(MODE)

    assert done.code == 5, done.out + done.err
    assert "exit code: 5" in done.out
    assert "postgresql/roles/retention/login: was true before the fault, is false now" in done.out
    assert "Correct the fault's undo or the runbook" in done.out
    assert {flag["word"] for flag in project.verdict()["flags"]} == {"environment-not-restored"}
    told = project.chaos("history", "show", "last")
    assert "postgresql/roles/retention/login: was true before the fault, is false now" in told.out
    assert project.labs() == []
