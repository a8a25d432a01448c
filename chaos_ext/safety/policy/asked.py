"""What a person named on the command line: a failure mode, or a file with an experiment; and the environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chaos_ext import compile as compiling
from chaos_ext import environments
from chaos_ext.catalog import load
from chaos_ext.catalog import source as sources
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t
from chaos_ext.safety.policy.approving import Request
from chaos_ext.safety.policy.enforcing import plain

if TYPE_CHECKING:
    from chaos_ext.catalog.load import Catalog

EXPERIMENTS = "experiments"
_SUFFIXES = (".yaml", ".yml", ".json")


def find(root: Path, exp: str, environment: str | None) -> Request:
    """The experiment that `exp` names. Raises UsageError with all that is wrong with it."""
    catalog = load.catalog(root)
    if not _is_path(exp):
        mode = load.find(catalog, exp)
        place = environments.load(environment or "lab", root)
        experiment = compiling.compile_experiment(catalog, mode, place)
        file = root / EXPERIMENTS / place.name / f"{mode.id}.yaml"
        return Request(mode.id, file, experiment, place, catalog)
    return _of_file(root, Path(exp), environment, catalog)


def _is_path(exp: str) -> bool:
    return "/" in exp or exp.endswith(_SUFFIXES)


def _of_file(root: Path, path: Path, environment: str | None, catalog: Catalog) -> Request:
    file = path.absolute()
    source = sources.read(file, root)
    if not isinstance(source.data.get("method"), list):
        expected = t("an experiment of Chaos Toolkit, with a method")
        raise UsageError([source.problem(("method",), t("no list of activities"), expected)])
    configuration = source.data.get("configuration")
    configuration = configuration if isinstance(configuration, dict) else {}
    name = environment or configuration.get("chaos_environment")
    place = environments.load(name if isinstance(name, str) else "lab", root)
    mode = configuration.get("chaos_mode")
    own = plain(mode) if isinstance(mode, str) else ""
    return Request(own or file.stem, file, source.data, place, catalog)


def refuse_unless_kept(root: Path, request: Request) -> None:
    """An approval names a file of the project that holds exactly the experiment. Raises UsageError."""
    shown = str(request.file)
    if not request.file.is_relative_to(root):
        hint = t("Put it below {root}, where it is reviewed.", root=root)
        raise UsageError([Problem(shown, "", t("a file outside of the project"), t("one inside"), hint)])
    shown = str(request.file.relative_to(root))
    if not request.file.is_file():
        hint = t("Run `chaos catalog compile`.")
        raise UsageError([Problem(shown, "", t("no file"), t("the compiled experiment"), hint)])
    if (
        _is_compiled(root, request)
        and request.file.read_bytes() != compiling.dump(request.experiment).encode()
    ):
        hint = t("Run `chaos catalog compile`.")
        got = t("an experiment that is out of date")
        raise UsageError([Problem(shown, "", got, t("the compiled one"), hint)])


def _is_compiled(root: Path, request: Request) -> bool:
    """Whether the file is the one that `chaos catalog compile` keeps up to date."""
    own = request.file == root / EXPERIMENTS / request.environment.name / f"{request.id}.yaml"
    return own and request.catalog is not None and request.id in request.catalog.modes
