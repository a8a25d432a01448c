"""Places to try failures in: where the project is, which environments it has, and their values at run time.

Everything that a run needs to know of a place comes from `environments/<name>.yaml`; the two kinds of
placeholder in it, ``${lab.…}`` and ``${env.NAME}``, are filled in when the place is known.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_ext.catalog import source as sources
from chaos_ext.catalog.source import Path_
from chaos_ext.catalog.words import nearest_or_all, understood, whole
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import listed, t

if TYPE_CHECKING:
    from chaos_ext.model import Environment

FOLDER = "environments"
_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")
_INVENTED = re.compile(r"0{9}\d{3}")  # as the shipped example has them; AWS gives out none
_FIELD_OF_MODEL = {"schema_": "schema", "for_": "for"}  # where a field's name and its key in the file differ


def project_root(start: Path | None = None) -> Path:
    """The folder that holds `catalog/` and `environments/`: $CHAOS_PROJECT, or `start` (here) or one above.

    Raises UsageError that says where was looked.
    """
    told = os.environ.get("CHAOS_PROJECT") if start is None else None
    begin = Path(told) if told else (start or Path.cwd())
    candidates = [begin.absolute()] if told else [begin.absolute(), *begin.absolute().parents]
    for folder in candidates:
        if (folder / "catalog").is_dir() and (folder / FOLDER).is_dir():
            return folder
    where = "CHAOS_PROJECT" if told else "project"
    raise UsageError(
        [
            Problem(
                where,
                "",
                f"{str(begin)!r}",
                t("a folder that holds catalog/ and environments/"),
                t("Go to your project, or set CHAOS_PROJECT to its path."),
            )
        ]
    )


def state_dir(root: Path | None = None) -> Path:
    """Where runs and the ledger are kept: $CHAOS_STATE, or `.chaos/` in the project. May be absent."""
    told = os.environ.get("CHAOS_STATE")
    return Path(told).absolute() if told else (root or project_root()) / ".chaos"


def names(root: Path | None = None) -> list[str]:
    """The environments of the project, sorted; an environment's name is its file's stem."""
    return sorted(path.stem for path in ((root or project_root()) / FOLDER).glob("*.yaml"))


def path_of(name: str, root: Path | None = None) -> Path:
    """The file of an environment. Raises UsageError with the nearest name when there is none."""
    root = root or project_root()
    known = names(root)
    if name not in known:
        hint = nearest_or_all(name, known) or t("There is nothing in {folder}/ yet.", folder=FOLDER)
        raise UsageError([Problem("ENV", "", repr(name), t("the name of an environment"), hint)])
    return root / FOLDER / f"{name}.yaml"


def load(name: str, root: Path | None = None) -> Environment:
    """One environment, with its placeholders. Raises UsageError: unknown, not YAML, not an environment."""
    return whole(lambda problems: scan(name, root or project_root(), problems))


def scan(name: str, root: Path, problems: list[Problem]) -> Environment | None:
    """Like `load`, but problems go to the list."""
    from chaos_ext.model import Environment

    try:
        path = path_of(name, root)
    except UsageError as error:
        problems += error.problems
        return None
    environment, source = understood(path, root, Environment, problems)
    if environment is None or source is None:
        return None
    if environment.name != name:
        hint = t("Rename the file to {name}.yaml, or write 'name: {stem}'.", name=environment.name, stem=name)
        problems.append(
            source.problem(("name",), repr(environment.name), t("the file's stem, '{name}'", name=name), hint)
        )
        return None
    from chaos_ext.safety.identity import written

    problems += written.problems(environment, source)
    return environment


def refuse_unfilled(environment: Environment, root: Path, environ: Mapping[str, str] | None = None) -> None:
    """Raise UsageError with everything that a place outside of the lab still lacks: marks, and values of variables.

    An example that somebody has begun to fill in is not yet a place: what it says of accounts and targets is invented.
    """
    from chaos_ext.catalog import templates

    if environment.platform == "lab":
        return
    shown = f"{FOLDER}/{environment.name}.yaml"
    problems = []
    for line, what in templates.marks((root / shown).read_text(encoding="utf-8-sig")):
        got = t("the mark 'fill in: {what}'", what=what)
        hint = t("Say it there, and take the mark away.")
        problems.append(Problem(f"{shown}:{line}", "", got, t("what it asks for"), hint))
    for at, number in _accounts(environment):
        if _INVENTED.fullmatch(number):
            got = t("'{number}', an invented account", number=number)
            problems.append(problem(environment, at, got, t("the number of a real one"), root=root))
    if not problems:
        return  # variables without a value are told when they are filled in
    try:
        fill(environment, {}, environ)
    except UsageError as error:
        problems += error.problems
    raise UsageError(problems)


def _accounts(environment: Environment) -> Iterator[tuple[Path_, str]]:
    """The numbers of AWS accounts that it names, and where."""
    yield ("identity", "aws", "account"), environment.identity.get("aws", {}).get("account", "")
    for index, denied in enumerate(environment.deny.get("aws", ())):
        yield ("deny", "aws", index, "account"), denied.get("account", "")


def digest(name: str, root: Path | None = None) -> str:
    """The sha256 of an environment's file, in hexadecimal."""
    return hashlib.sha256(path_of(name, root).read_bytes()).hexdigest()


# --- run time ------------------------------------------------------------------------------------


def fill(
    environment: Environment,
    facts: Mapping[str, Any],
    environ: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
) -> Environment:
    """The environment with every ``${lab.a.b}`` taken from `facts` and every ``${env.NAME}`` from `environ`.

    `facts` is what the lab says of itself (empty elsewhere); `environ` is this process's unless given; `only`: the
    fields that are filled in, all unless given.
    Raises UsageError that names each placeholder without a value, with its file and line.
    """
    known = os.environ if environ is None else environ
    problems: list[Problem] = []
    say = cache(lambda: _reader(environment, None))  # the file is read once, and only when something is wrong

    def filled(text: str, at: Path_) -> str:
        def value(match: re.Match[str]) -> str:
            found, hint = _lookup(match[1], facts, known)
            if found is None:
                expected = t("a placeholder that has a value")
                problems.append(say()(at, f"'{match[0]}'", expected, hint))
                return match[0]
            return found

        return _PLACEHOLDER.sub(value, text)

    if only is None:
        result = _each_text(environment, filled, ())
    else:
        update = {name: _each_text(getattr(environment, name), filled, (name,)) for name in only}
        result = environment.model_copy(update=update)
    if problems:
        raise UsageError(problems)
    return result  # type: ignore[no-any-return]


def _each_text(value: Any, change: Callable[[str, Path_], str], at: Path_) -> Any:
    """A copy of `value` in which each text went through `change`; keys stay."""
    from pydantic import BaseModel

    from chaos_ext.model import LabPart

    if isinstance(value, LabPart):  # its placeholders are filled in by the lab that runs it
        return value
    if isinstance(value, str):
        return change(value, at)
    if isinstance(value, BaseModel):
        fields = {
            name: _each_text(getattr(value, name), change, (*at, _FIELD_OF_MODEL.get(name, name)))
            for name in type(value).model_fields
        }
        return value.model_copy(update=fields)
    if isinstance(value, dict):
        return {key: _each_text(inner, change, (*at, key)) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_each_text(inner, change, (*at, index)) for index, inner in enumerate(value))
    return value


def _lookup(name: str, facts: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[str | None, str]:
    """The value of a placeholder, or None and a hint."""
    kind, _, rest = name.partition(".")
    if kind == "env":
        return (
            (environ[rest], "")
            if rest in environ
            else (None, t("Set the variable {variable}.", variable=rest))
        )
    if kind not in ("lab", "rehearsal") or not rest:
        return None, t("Placeholders begin with 'lab.', 'rehearsal.' or 'env.'.")
    if bool(facts.get("rehearsal")) != (kind == "rehearsal"):
        return None, t("Only a lab says 'lab.…', and only a rehearsal's emulator 'rehearsal.…'.")
    if not facts:
        return None, t("No lab was asked; only an environment of platform 'lab' has facts.")
    value: Any = facts
    for step in rest.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return None, nearest_or_all(step, value) if isinstance(value, Mapping) else ""
        value = value[step]
    if value is None:
        return None, t("The lab says that it has none.")
    if isinstance(value, (Mapping, list)):
        return None, t("It holds more than one value: {values}.", values=listed(value))
    return str(value), ""


def problem(
    environment: Environment, at: Path_, got: str, expected: str, hint: str = "", root: Path | None = None
) -> Problem:
    """A problem with a value of an environment, with its line when the file is there."""
    return _reader(environment, root)(at, got, expected, hint)


def _reader(environment: Environment, root: Path | None) -> Callable[[Path_, str, str, str], Problem]:
    """What makes such problems, from the file read once."""
    shown = f"{FOLDER}/{environment.name}.yaml"
    try:
        root = root or project_root()
        return sources.read(root / shown, root).problem
    except UsageError:  # an environment that comes from a bundle has no file here
        return lambda at, got, expected, hint: Problem(shown, sources.dotted(at), got, expected, hint)
