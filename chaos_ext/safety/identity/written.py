"""What is wrong with `identity` and `deny` as they are written: nothing is asked, all is said at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from chaos_ext.errors import Problem, did_you_mean
from chaos_ext.language import listed, t
from chaos_ext.safety.identity.kinds import KINDS, Kind
from chaos_ext.safety.identity.pins import is_of_a_platform

if TYPE_CHECKING:
    from chaos_ext.catalog.source import Path_, Source
    from chaos_ext.model import Environment

Wrong = tuple["Path_", str, str, str]  # where, got, expected, hint


def problems(environment: Environment, source: Source) -> list[Problem]:
    """Every problem, each with its file and line."""
    return [source.problem(at, got, expected, hint) for at, got, expected, hint in _all(environment)]


def _all(environment: Environment) -> Iterator[Wrong]:
    if not environment.identity:
        kinds = listed(KINDS)
        hint = t("Say how it is known: {kinds}.", kinds=kinds)
        yield ("identity",), t("nothing to prove"), t("at least one kind"), hint
    for kind, expected in environment.identity.items():
        yield from _kind(("identity", kind), kind, expected)
    for kind, items in environment.deny.items():
        yield from _denied(environment, kind, items)
    for field in ("variables", "secrets"):
        for name in getattr(environment, field):
            if is_of_a_platform(name, environment.identity):
                hint = t("Say it under identity: blocks then get exactly what was proven.")
                yield (
                    (field, name),
                    t("the variable {name}", name=name),
                    t("none that says where tools go"),
                    hint,
                )


def _kind(at: Path_, kind: str, expected: Mapping[str, str]) -> Iterator[Wrong]:
    known = KINDS.get(kind)
    if known is None:
        yield _unknown_kind(at, kind)
        return
    for key in expected:
        if key not in known.keys:
            yield _unknown_key((*at, key), key, known.keys)
    yield from ((at, *wrong) for wrong in missing(known, expected))


def missing(known: Kind, expected: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """What a kind needs and does not have: got, expected, hint."""
    absent = [key for key in known.required if not expected.get(key)]
    if absent:
        got = t("no {missing}", missing=listed(absent, t(" and no ")))
        yield got, t("all of {required}", required=listed(known.required)), ""
    given = [key for key in known.one_of if key in expected]
    if known.one_of and (len(given) != 1 or not expected[given[0]]):
        got = listed(given, t(" and ")) or t("neither")
        yield got, t("exactly one of {choices}", choices=listed(known.one_of)), ""


def _denied(environment: Environment, kind: str, items: tuple[dict[str, str], ...]) -> Iterator[Wrong]:
    known = KINDS.get(kind)
    if known is None:
        yield _unknown_kind(("deny", kind), kind)
        return
    if kind not in environment.identity:
        hint = t("Add identity.{kind}, or nobody asks whether it is a denied one.", kind=kind)
        yield ("deny", kind), t("a kind that is not under identity"), t("a kind that is asked"), hint
    for index, item in enumerate(items):
        at: Path_ = ("deny", kind, index)
        if not item or not all(item.values()):
            yield (
                at,
                t("an identity that says nothing"),
                t("at least one of {keys}", keys=listed(known.deniable)),
                "",
            )
        for key in item:
            if key not in known.deniable:
                yield _unknown_key((*at, key), key, known.deniable)
        allowed = environment.identity.get(kind, {})
        if item and all(allowed.get(key) == value for key, value in item.items()):
            said = listed(t("{key}: {value}", key=key, value=value) for key, value in item.items())
            hint = t("It is under identity as well: take it out of one of the two.")
            yield at, t("the environment's own identity ({said})", said=said), t("another one"), hint


def _unknown_kind(at: Path_, kind: str) -> Wrong:
    hint = did_you_mean(kind, KINDS) or t("There are: {names}.", names=listed(KINDS))
    return at, t("the unknown kind '{kind}'", kind=kind), t("a kind that can be proven"), hint


def _unknown_key(at: Path_, key: str, known: tuple[str, ...]) -> Wrong:
    hint = did_you_mean(key, known) or t("There are: {names}.", names=listed(known))
    return at, t("the unknown key '{key}'", key=key), t("a known one"), hint
