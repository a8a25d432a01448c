"""A place that is up: its environment, filled in with what only the running place and this process can tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from chaos_ext import environments, labs, rehearsals
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t
from chaos_ext.masking import register
from chaos_ext.model import Place


def open_place(
    environment_name: str,
    lab: str | None = None,
    root: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Place:
    """The environment with every placeholder filled in; `environ` is this process's unless given.

    Raises UsageError, LabError. A file that is a link is refused: what it leads to can be changed unseen.
    """
    root = root or environments.project_root()
    path = environments.path_of(environment_name, root)
    if path.is_symlink() or path.parent.is_symlink():
        shown = str(path.relative_to(root))
        hint = t("Put the file itself into the project.")
        raise UsageError([Problem(shown, "", t("a link"), t("a file of this project"), hint)])
    environment = environments.load(environment_name, root)
    environments.refuse_unfilled(environment, root, environ)
    facts = labs.facts(lab) if environment.platform == "lab" else {}
    if environment.rehearsal is not None:
        facts = rehearsals.facts(lab)
    register.remember(labs.passwords(facts))
    filled = environments.fill(environment, facts, environ)
    return Place(filled, instance=str(facts.get("marker", filled.name)), facts=facts)
