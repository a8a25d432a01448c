"""What a team allows to be broken where: forbidden, to be reviewed, or free, each with the team's own reason."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from chaos_ext.language import t
from chaos_ext.model.catalogue import Impact
from chaos_ext.model.written import BothLanguages, Identifier, Written

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = get_args(Day)
Scalar = str | int | float | bool
Glob = Annotated[str, Field(min_length=1)]
Globs = Glob | Annotated[tuple[Glob, ...], Field(min_length=1)]  # one, or several of which any will do


class Decision(StrEnum):
    """What the guidelines say of a fault, the gravest first."""

    FORBIDDEN = "forbidden"  # by nobody, whoever approves it
    REVIEW = "review"  # with an approval that an SRE signed
    FREE = "free"


def _zone(name: object) -> object:
    """Raises ValueError when there is no such time zone."""
    try:
        ZoneInfo(str(name))
    except (OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError, and is told below
        raise ValueError(t("a time zone such as 'Asia/Tokyo' or 'UTC'")) from error
    except KeyError as error:
        raise ValueError(t("a time zone such as 'Asia/Tokyo' or 'UTC'")) from error
    return name


def _hours(text: object) -> object:
    """Raises ValueError when it does not say from when until when."""
    match = _HOURS.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[0][:5] == match[0][6:]:
        raise ValueError(t("hours such as '09:00-17:30', or '22:00-06:00' over midnight"))
    return text


class TimeWindow(Written):
    """Some hours of some days. Hours over midnight belong to the day on which they begin."""

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = _DAYS
    hours: Annotated[
        str,
        BeforeValidator(_hours),
        WithJsonSchema({"type": "string", "pattern": f"^(?:{_HOURS.pattern})$", "examples": ["09:00-17:30"]}),
    ] = "00:00-24:00"
    time_zone: Annotated[str, AfterValidator(_zone)]

    def holds(self, at: datetime) -> bool:
        """Whether `at` (with a time zone) lies inside; the end does not."""
        local = at.astimezone(ZoneInfo(self.time_zone))
        begins, ends = self.hours.split("-")
        now, today = f"{local:%H:%M}", _DAYS[local.weekday()]
        if begins < ends:
            return today in self.days and begins <= now < ends
        yesterday = _DAYS[(local - timedelta(days=1)).weekday()]
        return (today in self.days and now >= begins) or (yesterday in self.days and now < ends)

    @property
    def words(self) -> str:
        """As a message says it, such as ``mon-fri 09:00-17:30 Asia/Tokyo``."""
        numbers = sorted({_DAYS.index(day) for day in self.days})
        together = len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1
        days = (
            f"{_DAYS[numbers[0]]}-{_DAYS[numbers[-1]]}" if together else ",".join(_DAYS[n] for n in numbers)
        )
        return f"{days} {self.hours} {self.time_zone}"


class Targets(Written):
    """How many resources are broken at the same time."""

    at_least: Annotated[int, Field(ge=0, strict=True)] = 0
    at_most: Annotated[int, Field(ge=0, strict=True)] | None = None

    @model_validator(mode="after")
    def _some(self) -> Targets:
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError(t("at_most of at least at_least"))
        return self


class Hurts(Written):
    """User flows that the failure mode claims to hurt, or to hurt possibly, this badly or worse."""

    flows: Globs = "*"
    at_least: Impact = Impact.DEGRADED

    def holds(self, impact: Impact) -> bool:
        """Whether `impact` is as bad."""
        order = list(Impact)  # the worst first
        return impact is not Impact.NONE and order.index(impact) <= order.index(self.at_least)


class Match(Written):
    """When a rule speaks: every key that is there must fit. Globs are those of file names (``*``, ``?``, ``[…]``).

    An activity is ``module.function``, the path of a process, or ``METHOD url`` of a request; ``${base_url}`` in its
    glob is the environment's.
    """

    environment: Globs | None = None
    platform: Globs | None = None
    product: Globs | None = None
    mode: Globs | None = None
    provider: Globs | None = None  # python, process, http
    activity: Globs | None = None
    arguments: dict[Glob, Scalar | tuple[Scalar, ...]] = {}  # each named one is there, and is any of these
    without: Globs | None = None  # none of these arguments is given
    targets: Targets | None = None
    hurts: Hurts | None = None
    during: tuple[TimeWindow, ...] = ()
    outside: tuple[TimeWindow, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether it fits whatever comes."""
        return self == Match()


class Guideline(Written):
    """One rule: what is decided of what it matches, and why."""

    id: Identifier
    decision: Decision
    reason: BothLanguages
    match: Match = Match()


class Guidelines(Written):
    """`catalog/guidelines.yaml`: the first rule that matches decides; where none does, it is `review`."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    rules: Annotated[tuple[Guideline, ...], Field(min_length=1)]


def many(value: Any) -> tuple[Any, ...]:
    """One or several, as several; None as none."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)
