"""The words of the project: what people write about failures, and what a run found out.

No I/O and no clock. Files that people write are pydantic models: unknown keys refuse, values are
typed, and the JSON Schema that editors use is generated from them. What a run finds out are plain
frozen dataclasses. Durations are seconds, ratios lie between 0 and 1, times are this machine's
monotonic clock unless the name says `wall`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from chaos_ext.language import t

# --- values with units ---------------------------------------------------------------------------

_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_RATIO = re.compile(r"(\d+(?:\.\d+)?)%")


def duration_s(value: object) -> float:
    """Seconds in a duration such as ``500ms``, ``3s``, ``2m``, ``90d``; a bare number refuses.

    Raises ValueError that says what was expected.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(t("a duration with a unit, such as '500ms', '3s', '2m' or '90d'"))
    return float(match[1]) * _UNIT_S[match[2]]


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


class _Written(BaseModel):
    """Something a person wrote in YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class BothLanguages(_Written):
    """A text in English and Japanese."""

    en: str
    ja: str


Text = str | BothLanguages


def text_in(text: Text, language: str = "en") -> str:
    """The text in `language` ("en" or "ja"); a plain string serves both."""
    if isinstance(text, str):
        return text
    return text.ja if language == "ja" else text.en


# --- the catalogue -------------------------------------------------------------------------------


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


class ImpactClaim(_Written):
    """Which user flows a failure hurts; a flow that is not named is `none`.

    `possible`: flows that may be hurt this much or not at all, as it happens (what was under way when the fault came);
    of a flow that `flows` names too, the other word that it may come to (a cache that lasts for a while).
    They never count as the proof that users felt the failure.
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


class Detection(_Written):
    """The alert that must fire and link the runbook."""

    alert: str


class Objectives(_Written):
    """What a recovery must keep to. `recover_within` counts from the fault, not from the alert."""

    detect_within: Duration
    recover_within: Duration
    lost_acknowledged_writes: Annotated[int, Field(ge=0, strict=True)] = 0
    stale_for_at_most: Duration | None = None


class InjectedFault(_Written):
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


class Covers(_Written):
    """What a failure mode puts to the test: this dependency of this service is down, slow or wrong."""

    service: Identifier
    dependency: Identifier
    how: Literal["down", "slow", "wrong"]


class FailureMode(_Written):
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
    leaves: Text | None = None
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


# --- services: the application's viewpoint -------------------------------------------------------


class Slo(_Written):
    """What users were promised: this share of operations succeeds, and that share is this fast."""

    success: Ratio
    latency: Duration
    percentile: Annotated[int, Field(ge=50, le=100, strict=True)] = 99


class Write(_Written):
    """How a flow's writes are recognised later: where to read them all back, and which fields to compare."""

    read_back: str  # path; answers JSON: a list of objects, or an object that holds one
    list_at: str = ""  # dotted path to the list inside the answer; empty: the answer is the list
    id: str  # field of an item that holds the write's id
    content: str | None = None  # field of an item whose text must equal the one that was sent


class Request(_Written):
    """One operation of a flow. ``${…}`` in path, headers and json: run.id, write.id, write.text, cycle, followed.id."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: str
    headers: dict[str, str] = {}
    json_: Annotated[Any, Field(alias="json")] = None
    texts: tuple[str, ...] = ()  # taken in turn as ${write.text}
    cycle: Annotated[int, Field(ge=2, le=1_000_000, strict=True)] | None = (
        None  # ${cycle}: 0, 1, … and 0 again
    )
    expect_status: Status = 200


class Follows(_Written):
    """The flow asks what became of another flow's writes: each operation about the newest one that is due.

    Due: acknowledged at least `after` ago. While no write is due, nothing is asked.
    """

    flow: Identifier
    after: Duration
    late_status: Status = 404  # the answer when it is not there yet


class Fresh(_Written):
    """The flow shows another flow's writes; what it shows must be new enough, and all of it.

    An operation is held against the writes that were acknowledged at least `within` before it was sent. `newest` and
    `count` are dotted paths into its JSON answer: the id of the newest write that it knows, and how many it knows.
    """

    of: Identifier
    within: Duration
    newest: str
    count: str


class Flow(_Written):
    """A thing that a customer does, as the meter does it."""

    title: Text
    service: Identifier
    slo: Slo
    deadline: (
        Duration  # an operation that has not answered by then failed (or is indeterminate, when it writes)
    )
    per_second: Annotated[float, Field(gt=0, le=1000)]
    request: Request
    write: Write | None = None
    follows: Follows | None = None
    fresh: Fresh | None = None

    @property
    def shows(self) -> tuple[Impact, ...]:
        """What the meter can tell of it: late only when it follows, stale and wrong only when it must be fresh."""
        late = (Impact.LATE,) if self.follows is not None else ()
        old = (Impact.STALE, Impact.WRONG) if self.fresh is not None else ()
        return (Impact.OUTAGE, Impact.DEGRADED, *late, *old, Impact.NONE)


class Dependency(_Written):
    """What a service does when something that it needs is down, slow or wrong."""

    down: Text
    slow: Text
    wrong: Text


class Service(_Written):
    """One service of the application."""

    title: Text
    owner: str
    dependencies: dict[Identifier, Dependency] = {}


class Services(_Written):
    """The whole of `services.yaml`."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    services: dict[Identifier, Service]
    flows: dict[Identifier, Flow]


# --- environments --------------------------------------------------------------------------------


Selector = Annotated[
    str,
    Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})?$", json_schema_extra={"examples": ['up{part="a"}']}),
]


class RatioOf(_Written):
    """The increase of one counter divided by that of another, over a while."""

    of: Selector
    to: Selector
    over: Duration


class IncreaseOf(_Written):
    """How much a counter grew over a while."""

    of: Selector
    over: Duration


class Rule(_Written):
    """When an alert of the lab fires: one of `metric`, `ratio`, `increase`, below or above a number for a while."""

    metric: Selector | None = None
    ratio: RatioOf | None = None
    increase: IncreaseOf | None = None
    below: float | None = None
    above: float | None = None
    for_: Annotated[Duration, Field(alias="for")] = 0.0
    labels: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_of_each(self) -> Rule:
        if sum(kind is not None for kind in (self.metric, self.ratio, self.increase)) != 1:
            raise ValueError(t("exactly one of metric, ratio, increase"))
        if (self.below is None) == (self.above is None):
            raise ValueError(t("exactly one of below, above"))
        return self


class AlertRule(_Written):
    """One alert of an environment. `rule` says when it fires, where the alerting takes it from us: in the lab."""

    name: str
    runbook: str  # path below catalog/
    summary: Text
    rule: Annotated[Rule | None, BeforeValidator(lambda value: value or None)] = None

    def as_written(self) -> dict[str, Any]:
        """`rule` as the alerting reads it; empty when there is none."""
        if self.rule is None:
            return {}
        return self.rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class Alerts(_Written):
    """Where alerts are seen, and which there are."""

    source: Literal["alertmanager"]
    url: str
    poll: Duration
    runbook_base_url: str  # + rule.runbook = the link that an alert must carry
    rules: tuple[AlertRule, ...]


class Windows(_Written):
    """How long the meter watches before it believes."""

    baseline: Duration
    stable: Duration


class Limits(_Written):
    """What this environment allows at most."""

    targets: Annotated[int, Field(ge=1, strict=True)]
    longest_fault: Duration


class Environment(_Written):
    """A place to try failures in. ``${lab.…}`` and ``${env.NAME}`` are filled in when a run starts."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    name: Identifier
    title: Text
    platform: Literal["lab", "kubernetes", "aws", "gcp"]
    disposable: bool
    identity: dict[str, dict[str, str]]  # kind of proof → what it must show, e.g. lab: {marker: ...}
    base_url: str  # the flows' paths are below it
    ca_file: str | None = None  # trust for https, when not the system's
    alerts: Alerts
    targets: dict[Identifier, str]  # role → resource
    windows: Windows
    limits: Limits
    variables: dict[str, str] = {}  # what runbook blocks see
    secrets: dict[
        str, dict[Literal["file", "env"], str]
    ] = {}  # variable → where its value is; masked everywhere
    path: tuple[str, ...] = ()  # put before the follower's PATH


@dataclass(frozen=True)
class Place:
    """A place that is up: its environment with every ``${…}`` filled in, and what it says of itself."""

    environment: Environment
    instance: str  # names this very one; for a lab its marker
    facts: dict[str, Any]  # what the lab's `up` printed; empty elsewhere


# --- what a run found out ------------------------------------------------------------------------


class Arm(StrEnum):
    """One way to live through the failure."""

    TREATMENT = "treatment"  # fault, the whole runbook
    NO_ACTION = "no-action"  # fault, nobody acts


@dataclass(frozen=True)
class Interval:
    """When something happened, as narrow as the samples allow: not before `earliest`, not after `latest`."""

    earliest: float
    latest: float

    def since(self, start: Interval) -> Interval:
        """How long after `start` this was: shortest and longest possible, in seconds."""
        return Interval(max(0.0, self.earliest - start.latest), max(0.0, self.latest - start.earliest))


class VerdictWord(StrEnum):
    """What a run proves. Refuted beats unknown beats the rest."""

    VERIFIED = "verified"
    REPRODUCED = "reproduced"  # the failure is real; the mode has no runbook
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Reason:
    """Why a verdict is not better: a word of design/verification.md and a sentence with the evidence."""

    word: str
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The judgement of one run. `flags` are undo-failed and environment-not-restored; they always fail a command."""

    word: VerdictWord
    reasons: tuple[Reason, ...]
    flags: tuple[Reason, ...]
    worth: str  # what the verdict is worth, in a sentence
    exit_code: int


Event = dict[str, Any]  # one line of a trial's events.jsonl; `kind`, `at` and `wall` are always there
