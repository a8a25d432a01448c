"""To which project an experiment belongs: that says whether it is guarded, by which guidelines, and in which ledger.

Where we are (or CHAOS_PROJECT) and where its file is must be one project. A doubt is not the same as none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaos_ext import environments
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t


def project_of(source: Path | None) -> Path | None:
    """The project of the experiment in the file `source`; None: it has to do with none.

    Raises UsageError when CHAOS_PROJECT is no project, or another one than the file's.
    """
    here = environments.project_root() if os.environ.get("CHAOS_PROJECT") else _around(Path.cwd())
    if source is None:
        return here
    for start in dict.fromkeys((source.parent, source.resolve().parent)):  # a link lies here and leads there
        theirs = _around(start)
        if theirs is None or (here is not None and theirs.samefile(here)):
            continue
        if here is None:
            here = theirs
            continue
        got = t("an experiment of the project {theirs}", theirs=theirs)
        expected = t("one of {here}", here=here)
        hint = t("Go to its project, or set CHAOS_PROJECT to it.")
        raise UsageError([Problem(str(source), "", got, expected, hint)])
    return here


def _around(start: Path) -> Path | None:
    try:
        return environments.project_root(start)
    except UsageError:
        return None


def wants_the_guard(experiment: Mapping[str, Any], configuration: Mapping[str, Any]) -> bool:
    """Whether an experiment outside of any project says that it wants to be guarded."""
    extensions = experiment.get("extensions") or ()
    named = any(isinstance(each, Mapping) and each.get("name") == "chaos_ext" for each in extensions)
    return named or "chaos_environment" in {**(experiment.get("configuration") or {}), **configuration}
