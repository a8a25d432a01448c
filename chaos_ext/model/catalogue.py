"""A failure mode: what can happen, whom it hurts and how much, and how it is brought about."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from chaos_ext.model.written import Activity, Duration, Identifier, Level, Text, Written


class Category(StrEnum):
    """The five categories of the AWS Resilience Analysis Framework."""

    SINGLE_POINT_OF_FAILURE = "single-point-of-failure"
    EXCESSIVE_LOAD = "excessive-load"
    EXCESSIVE_LATENCY = "excessive-latency"
    MISCONFIGURATION_OR_BUG = "misconfiguration-or-bug"
    SHARED_FATE = "shared-fate"


class Impact(StrEnum):
    """What a user flow feels, worst first; measured and claimed in the same words."""

    OUTAGE = "outage"  # under half of the operations succeed
    DEGRADED = "degraded"  # over half, but below the flow's SLO in success or latency
    LATE = "late"  # the result arrives after its deadline
    STALE = "stale"  # older than allowed
    WRONG = "wrong"  # content differs
    NONE = "none"  # SLO met


class ImpactClaim(Written):
    """Which user flows a failure hurts; a flow that is not named is `none`.

    `possible`: flows that may be hurt this much or not at all, as it happens (what was under way when the fault came);
    of a flow that `flows` names too, the other word that it may come to (a cache that lasts for a while).
    They never prove that users felt the failure. An outage is possible only of a flow that `flows` calls hurt.
    """

    flows: dict[Identifier, Impact]
    possible: dict[Identifier, Impact] = {}
    summary: Text

    def on(self, flow: str) -> Impact:
        """What is claimed for `flow`."""
        return self.flows.get(flow, Impact.NONE)

    def allows(self, flow: str, measured: Impact) -> bool:
        """Whether the claim is right about `flow` when `measured` is what its users felt."""
        return measured is self.on(flow) or measured is self.possible.get(flow)

    @property
    def hurt(self) -> dict[str, Impact]:
        """The flows that are surely hurt, each with what is claimed for it."""
        return {flow: impact for flow, impact in self.flows.items() if impact is not Impact.NONE}


class Detection(Written):
    """The alert that must fire, link the runbook and reach `receiver`, if one is named, as the alerting calls it."""

    alert: str
    receiver: str | None = None


class Objectives(Written):
    """What a recovery must keep to. `recover_within` counts from the fault, not from the alert."""

    detect_within: Duration
    recover_within: Duration
    lost_acknowledged_writes: Annotated[int, Field(ge=0, strict=True)] = 0
    stale_for_at_most: Duration | None = None


class InjectedFault(Written):
    """One activity that breaks something, with its evidence and its way back.

    `type`, `name`, `provider` (and `secrets`, `configuration`, `pauses`) are Chaos Toolkit's own grammar.
    """

    name: Identifier
    type: Literal["action"] = "action"
    provider: dict[str, Any]
    in_force: Activity
    undo: Activity | None = None
    cannot_be_undone_because: str | None = None
    expires_after: Duration | None = None


class Covers(Written):
    """What a failure mode puts to the test: this dependency of this service is down, slow or wrong."""

    service: Identifier
    dependency: Identifier
    how: Literal["down", "slow", "wrong"]


class Left(Written):
    """A difference to before that is rightly there afterwards.

    `path` names it as `chaos verify` does; `*` stands for anything within a step, `**` for any number of steps.
    `by`: the runbook leaves it; or the fault itself does, because nothing can put it back, also when nobody acts.
    """

    path: Annotated[str, Field(min_length=1, max_length=300)]
    why: Text
    by: Literal["runbook", "fault"] = "runbook"


class FailureMode(Written):
    """One entry of the failure-mode catalogue; the file's stem is its id."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    id: Identifier
    title: Text
    product: str
    also_known_as: tuple[str, ...] = ()
    category: Category
    event: Text
    impact: ImpactClaim
    severity: Level
    likelihood: Level
    detectability: Level
    detection: Detection
    recovery: Literal["runbook", "self"]
    runbook: str  # path below catalog/, or "none"
    objectives: dict[Identifier, Objectives]  # by environment; "default" serves the others
    reproduce: dict[Literal["lab", "kubernetes", "aws", "gcp"], tuple[InjectedFault, ...]]
    covers: tuple[Covers, ...] = ()
    leaves: tuple[Left, ...] = ()
    reverify_every: Duration
    owner: str
    references: tuple[str, ...] = ()

    def objectives_in(self, environment: str) -> Objectives:
        """The objectives for `environment`, or the default ones. KeyError when there are neither."""
        return self.objectives.get(environment) or self.objectives["default"]

    @property
    def priority(self) -> int:
        """1–27: severity times likelihood times how hard it is to detect. Our own rule, not AIAG's."""
        return self.severity * self.likelihood * self.detectability
