"""An approval: an SRE has looked at one experiment for one environment, for a while."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from chaos_ext.language import t
from chaos_ext.model.written import Identifier, Written

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", json_schema_extra={"examples": ["e3b0c442…b855"]})]
_SHOWN = "%Y-%m-%dT%H:%M:%SZ"


def _instant(text: str) -> str:
    try:
        instant(text)
    except ValueError as error:
        raise ValueError(t("a time such as '2026-11-24T18:00:00Z'")) from error
    return text


def instant(text: str) -> datetime:
    """A written instant. Raises ValueError."""
    return datetime.strptime(text, _SHOWN).replace(tzinfo=UTC)


def written(at: datetime) -> str:
    """An instant as it is written: in UTC, to the second."""
    return at.astimezone(UTC).strftime(_SHOWN)


Instant = Annotated[
    str,
    AfterValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-24T18:00:00Z"]}),
]


class OfExperiment(Written):
    """Which experiment: its file to the byte, what the file says, and each of its faults."""

    id: str
    file: str  # from the project's root
    sha256: Sha256  # of the file
    content: Sha256  # of the canonical bytes of what it says
    faults: dict[str, Sha256]


class OfEnvironment(Written):
    """Which environment, and what its file said."""

    name: Identifier
    file: str
    sha256: Sha256


class Approval(Written):
    """`approvals/ENVIRONMENT/ID.yaml`; its signature stands beside it."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    experiment: OfExperiment
    environment: OfEnvironment
    issuer: Annotated[
        str,
        Field(pattern=r"^[^\s,\"*?!#-][^\s,\"*?!]*$", json_schema_extra={"examples": ["mika@example.com"]}),
    ]
    issued: Instant
    expires: Instant
    reason: str = ""
