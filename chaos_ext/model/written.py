"""What files that people write are made of: values with units, identifiers, texts in two languages."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from chaos_ext.language import t

_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)(ms|s|m|h|d)")
_RATIO = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,12})?)%")
_LONGEST_S = 10 * 365 * 86_400.0  # what waits takes no longer time


def duration_s(value: object) -> float:
    """Seconds in a duration such as ``500ms``, ``3s``, ``2m``, ``90d``; a bare number refuses.

    Raises ValueError that says what was expected.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(t("a duration with a unit, such as '500ms', '3s', '2m' or '90d'"))
    seconds = float(match[1]) * _UNIT_S[match[2]]
    if seconds > _LONGEST_S:
        raise ValueError(t("a duration of at most ten years"))
    return seconds


def ratio(value: object) -> float:
    """A percentage such as ``99.5%`` as 0.995; refuses without the sign or above 100 %."""
    match = _RATIO.fullmatch(value) if isinstance(value, str) else None
    if match is None or float(match[1]) > 100:
        raise ValueError(t("a percentage such as '99.5%'"))
    return float(Decimal(match[1]) / 100)


def _seconds_text(value: float) -> str:
    """A duration as `duration_s` reads it back to the same number."""
    return f"{Decimal(repr(value)):f}s"


def _percent_text(value: float) -> str:
    """A ratio as `ratio` reads it back to the same number."""
    return f"{Decimal(repr(value)) * 100:f}%"


Duration = Annotated[
    float,
    BeforeValidator(duration_s),
    PlainSerializer(_seconds_text, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$", "examples": ["500ms", "3s"]}),
]
Ratio = Annotated[
    float,
    BeforeValidator(ratio),
    PlainSerializer(_percent_text, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_RATIO.pattern}$", "examples": ["99.5%"]}),
]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=80)]
Level = Annotated[int, Field(ge=1, le=3, strict=True)]
Status = Annotated[int, Field(ge=100, le=599, strict=True)]  # of HTTP
Activity = dict[str, Any]  # one activity in Chaos Toolkit's own grammar


class Written(BaseModel):
    """Something a person wrote in YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


class BothLanguages(Written):
    """A text in English and Japanese."""

    en: str
    ja: str


Text = str | BothLanguages


def text_in(text: Text, language: str = "en") -> str:
    """The text in `language` ("en" or "ja"); a plain string serves both."""
    if isinstance(text, str):
        return text
    return text.ja if language == "ja" else text.en
