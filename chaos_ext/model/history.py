"""How long runs are kept, as a team writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chaos_ext.model.written import Duration, Written


class Kept(Written):
    """Of runs in these environments: for how long each is kept, and how many of each failure mode however old."""

    environment: Annotated[str, Field(min_length=1, json_schema_extra={"examples": ["lab", "*"]})]  # a glob
    for_: Annotated[Duration, Field(alias="for")]
    last: Annotated[int, Field(ge=1, strict=True)] = 1


class History(Written):
    """`catalog/history.yaml`. The first entry of `keep` that fits decides; a run that none fits is kept."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    keep: tuple[Kept, ...]
