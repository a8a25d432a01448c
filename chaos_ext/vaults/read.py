"""The values of an environment's secrets, read now from where its file says they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_ext import environments
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t
from chaos_ext.masking import register
from chaos_ext.masking.forms import SHORTEST, is_too_short
from chaos_ext.safety.bounded import Bounded, Overdue
from chaos_ext.vaults.unreadable import Unreadable, text_of

if TYPE_CHECKING:
    from chaos_ext.model import Environment, SecretReference

LIMIT_S = 15.0  # for each value; they are read at the same time
LONGEST_BYTES = 65_536  # a variable of a process holds 128 KiB at most
_HERE = ("env", "file")

Read = Callable[[], str]


def secrets_of(
    environment: Environment, prove: Callable[[], object], environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The values by variable, for the blocks of a runbook; from now on they are hidden in all that leaves here.

    Args:
        prove: called before anything is asked of a cloud or a cluster; raises Blocked when it is the wrong place
        environ: the variables of `env` references, this process's unless given

    The last line break is not part of a value, unless it is a variable's. A value may have several lines; each of
    them is hidden too. Raises UsageError with every reference that cannot be read, file and line, never a value: it is
    missing, empty, shorter than 4 characters, no text, too long for a variable, or not told within 15 s.
    """
    known = os.environ if environ is None else environ
    if any(reference.kinds[0] not in _HERE for reference in environment.secrets.values()):
        prove()
    reading = {
        variable: Bounded(f"secret {variable}", _reader(reference, environment, known))
        for variable, reference in environment.secrets.items()
    }
    problems: list[Problem] = []
    values: dict[str, str] = {}
    for variable, work in reading.items():
        try:
            values[variable] = _usable(work.wait(LIMIT_S))
        except (Unreadable, Overdue) as error:
            problems.append(_problem(environment, variable, error))
        except Exception as error:  # noqa: BLE001 - a library's message may hold what it was given; its name does not
            problems.append(_problem(environment, variable, Unreadable(type(error).__name__)))
    register.remember(values.values())
    if problems:
        raise UsageError(problems)
    return values


def problems_here(environment: Environment, environ: Mapping[str, str] | None = None) -> list[Problem]:
    """What is wrong with the secrets that are on this machine, before anything is started; no cloud is asked."""
    here = {name: each for name, each in environment.secrets.items() if each.kinds[0] in _HERE}
    try:
        secrets_of(environment.model_copy(update={"secrets": here}), lambda: None, environ)
    except UsageError as error:
        return error.problems
    return []


def _problem(environment: Environment, variable: str, error: Exception) -> Problem:
    kind = environment.secrets[variable].kinds[0]
    if not isinstance(error, Unreadable):
        error = Unreadable(str(error), t("the value within {limit_s:g} s", limit_s=LIMIT_S))
    return environments.problem(
        environment, ("secrets", variable, kind), error.got, error.expected, error.hint
    )


def _reader(reference: SecretReference, environment: Environment, environ: Mapping[str, str]) -> Read:
    """What reads it. The libraries of a cloud are imported only when a reference needs them."""

    def read() -> str:
        if reference.env is not None:
            return _of_variable(reference.env, environ)
        if reference.file is not None:
            return _of_file(reference.file)
        if reference.aws is not None:
            from chaos_ext.vaults import aws

            return _without_line_break(aws.read(reference.aws))
        if reference.google is not None:
            from chaos_ext.vaults import google

            return _without_line_break(google.read(reference.google))
        from chaos_ext.vaults import kubernetes

        assert reference.kubernetes is not None
        pinned = environment.identity.get("kubernetes", {})
        return _without_line_break(kubernetes.read(reference.kubernetes, pinned))

    return read


def _usable(value: str) -> str:
    if not value.strip():
        raise Unreadable(t("an empty value"), t("a value"))
    if is_too_short(value):
        raise Unreadable(
            t("a value of fewer than {least} characters", least=SHORTEST),
            t("a longer one"),
            t("So short a value would be hidden in words that have nothing to do with it."),
        )
    if len(value.encode("utf-8", "surrogateescape")) > LONGEST_BYTES:
        raise Unreadable(t("a value of more than 64 KiB"), t("one that a variable can hold"))
    if "\0" in value:
        raise Unreadable(t("a value with a null character"), t("one that a variable can hold"))
    return value


def _of_variable(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise Unreadable(
            t("the unset variable {place}", place=name), t("a value"), t("Set {place}.", place=name)
        )
    return environ[name]


def _of_file(place: str) -> str:
    path = Path(place).expanduser()
    path = path if path.is_absolute() else environments.project_root() / path
    expected = t("a file that holds the value")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Unreadable(t("{place}, which is no file", place=place), expected)
            data = file.read(LONGEST_BYTES + 2)
    except OSError as error:
        raise Unreadable(f"{place} ({error.strerror})", expected) from None
    return _without_line_break(text_of(data))


def _without_line_break(value: str) -> str:
    return value.removesuffix("\n").removesuffix("\r")
