"""Whether a rule speaks of a fault, and when not, why not, as one would say it to a colleague.

What is not known (the impact of a team's own experiment, a placeholder that only the run fills in) fits nothing
and excludes nothing: such a rule can forbid nothing and free nothing, but it asks for a review.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import escape
from typing import Any, Literal

from chaos_ext.language import Said, listed, t
from chaos_ext.model import Impact, Match, many
from chaos_ext.safety.policy.subject import Subject, is_open, names_of, plain_url

Answer = Literal["yes", "no", "unknown"]
BASE_URL = "${base_url}"  # in a glob of `activity`: the address of the environment
_SAID = 3  # of a rule's words, in a sentence


@dataclass(frozen=True)
class Fit:
    """Whether a rule's `match` fits, and the first thing that does not, or is not known."""

    answer: Answer
    why: Said | str = ""


_YES = Fit("yes")


def fits(match: Match, subject: Subject) -> Fit:
    """Every key of `match` against `subject`: the first that does not fit says why; then the first unknown one."""
    unknown: Fit | None = None
    for look in _LOOKS:
        fit = look(match, subject)
        if fit.answer == "no":
            return fit
        if fit.answer == "unknown" and unknown is None:
            unknown = fit
    return unknown or _YES


def _in(globs: Iterable[str], names: Iterable[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs for name in names)


def _in_any_case(globs: Iterable[str], name: str) -> bool:
    return any(fnmatchcase(name.casefold(), glob.casefold()) for glob in globs)


def _or(words: Iterable[object]) -> Said:
    """Some words, and how many more: a list of twenty is read by nobody."""
    every = [str(word) for word in words]
    if len(every) > _SAID + 1:
        return t(
            "{words} and {count} more",
            words=listed((f"'{word}'" for word in every[:_SAID]), ", "),
            count=len(every) - _SAID,
        )
    return listed((f"'{word}'" for word in every), " or ")


def _environment(match: Match, subject: Subject) -> Fit:
    wanted, name = many(match.environment), subject.environment.name
    if not wanted or _in_any_case(wanted, name):  # people write PROD and Production
        return _YES
    return Fit("no", t("is about environment {wanted}; this is '{name}'", wanted=_or(wanted), name=name))


def _platform(match: Match, subject: Subject) -> Fit:
    wanted, name = many(match.platform), subject.environment.platform
    if not wanted or _in(wanted, [name]):
        return _YES
    return Fit("no", t("is about platform {wanted}; this is '{name}'", wanted=_or(wanted), name=name))


def _product(match: Match, subject: Subject) -> Fit:
    wanted, name = many(match.product), subject.product
    if not wanted:
        return _YES
    if name is None:
        return Fit("unknown", t("of which product this is, is not known"))
    if _in(wanted, [name]):
        return _YES
    return Fit("no", t("is about product {wanted}; this is '{name}'", wanted=_or(wanted), name=name))


def _mode(match: Match, subject: Subject) -> Fit:
    wanted, name = many(match.mode), subject.mode
    if not wanted:
        return _YES
    if name is None:
        return Fit("unknown", t("the fault is not, or no longer, what a failure mode of the catalogue says"))
    if _in(wanted, [name]):
        return _YES
    return Fit("no", t("is about failure mode {wanted}; this is '{name}'", wanted=_or(wanted), name=name))


def _provider(match: Match, subject: Subject) -> Fit:
    wanted, name = many(match.provider), subject.provider
    if not wanted or _in(wanted, [name]):
        return _YES
    return Fit("no", t("is about provider {wanted}; this is '{name}'", wanted=_or(wanted), name=name))


def _activity(match: Match, subject: Subject) -> Fit:
    wanted, names = many(match.activity), names_of(subject.activity)
    if not wanted:
        return _YES
    if any(map(is_open, names)):
        return Fit("unknown", t("what '{name}' is, only the run knows", name=names[0]))
    globs = [_here(glob, subject) for glob in wanted]
    if _in(globs, names):
        return _YES
    for glob in filter(is_open, globs):
        return Fit("unknown", t("where '{glob}' is, only the place tells once it is up", glob=glob))
    return Fit("no", t("is about {wanted}; this is '{name}'", wanted=_or(wanted), name=names[0]))


def _here(glob: str, subject: Subject) -> str:
    """A glob with the address of the subject's environment in it, once that is known."""
    url = subject.environment.base_url
    return glob if is_open(url) else glob.replace(BASE_URL, escape(plain_url(url).rstrip("/")))


def _arguments(match: Match, subject: Subject) -> Fit:
    given, unknown = subject.arguments, None
    for pattern, values in match.arguments.items():
        named = {name: value for name, value in given.items() if fnmatchcase(name, pattern)}
        if not named:
            return Fit("no", t("is about the argument '{name}', which is not given", name=pattern))
        answers = [_value_fits(many(values), value) for value in named.values()]
        if "yes" in answers:
            continue
        name, value = next(iter(named.items()))
        if "unknown" in answers:
            unknown = unknown or Fit("unknown", t("the argument '{name}' is filled in by the run", name=name))
            continue
        told = t(
            "is about {name} {wanted}; this is '{value}'", name=name, wanted=_or(many(values)), value=value
        )
        return Fit("no", told)
    return unknown or _YES


def _value_fits(wanted: tuple[Any, ...], value: Any) -> Answer:
    if isinstance(value, (list, tuple)):
        answers = [_value_fits(wanted, each) for each in value]
        return "yes" if "yes" in answers else "unknown" if "unknown" in answers else "no"
    if is_open(value):
        return "unknown"
    return "yes" if _in(map(_text, wanted), [_text(value)]) else "no"


def _text(value: Any) -> str:
    """A value as YAML writes it."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _without(match: Match, subject: Subject) -> Fit:
    wanted, given = many(match.without), subject.arguments
    if not wanted:
        return _YES
    if all(given.get(name) in (None, "", [], {}) for name in wanted):
        return _YES
    return Fit("no", t("is about calls without {wanted}; this one gives it", wanted=_or(wanted)))


def _targets(match: Match, subject: Subject) -> Fit:
    limits, number = match.targets, len(subject.targets)
    if limits is None:
        return _YES
    if number < limits.at_least:
        told = t("is about {most} targets or more; this hits {number}", most=limits.at_least, number=number)
        return Fit("no", told)
    if limits.at_most is not None and number > limits.at_most:
        told = t("is about {most} targets at most; this hits {number}", most=limits.at_most, number=number)
        return Fit("no", told)
    return _YES


def _hurts(match: Match, subject: Subject) -> Fit:
    hurts = match.hurts
    if hurts is None:
        return _YES
    if subject.impact is None:
        return Fit("unknown", t("whom it hurts is not known"))
    claimed = {flow: i for flow, i in subject.impact.items() if _in(many(hurts.flows), [flow])}
    if any(hurts.holds(impact) for impact in claimed.values()):
        return _YES
    worst = min(claimed.values(), key=list(Impact).index, default=Impact.NONE)
    told = t(
        "is about '{least}' or worse for {flows}; the worst claimed is '{worst}'",
        least=hurts.at_least.value,
        flows=t("any user flow") if hurts.flows == "*" else _or(many(hurts.flows)),
        worst=worst.value,
    )
    return Fit("no", told)


def _during(match: Match, subject: Subject) -> Fit:
    if not match.during or any(window.holds(subject.at) for window in match.during):
        return _YES
    words = listed((window.words for window in match.during), " or ")
    return Fit("no", t("is about {windows}; it is {now}", windows=words, now=_now(match.during, subject)))


def _outside(match: Match, subject: Subject) -> Fit:
    if not match.outside or not any(window.holds(subject.at) for window in match.outside):
        return _YES
    words = listed((window.words for window in match.outside), " or ")
    now = _now(match.outside, subject)
    return Fit("no", t("is about any time but {windows}; it is {now}", windows=words, now=now))


def _now(windows: Iterable[Any], subject: Subject) -> str:
    from zoneinfo import ZoneInfo

    zone = next(iter(windows)).time_zone
    return f"{subject.at.astimezone(ZoneInfo(zone)):%a %H:%M} {zone}"


_LOOKS: tuple[Callable[[Match, Subject], Fit], ...] = (
    _environment, _platform, _mode, _product, _provider, _activity, _arguments, _without, _targets, _hurts,
    _during, _outside,
)  # fmt: skip


def conditions(match: Match) -> Iterator[str]:
    """What a rule asks for, a few words for each key, for a table."""
    for key in ("environment", "platform", "mode", "product", "provider", "activity"):
        if wanted := many(getattr(match, key)):
            yield f"{key} {' | '.join(map(str, wanted))}"
    for name, values in match.arguments.items():
        yield f"{name} = {' | '.join(map(_text, many(values)))}"
    if match.without:
        yield f"without {' | '.join(many(match.without))}"
    if match.targets:
        at_most = "" if match.targets.at_most is None else match.targets.at_most
        yield f"targets {match.targets.at_least}..{at_most}"
    if match.hurts:
        yield f"hurts {' | '.join(many(match.hurts.flows))} >= {match.hurts.at_least}"
    for name, windows in (("during", match.during), ("outside", match.outside)):
        if windows:
            yield f"{name} {' | '.join(window.words for window in windows)}"
