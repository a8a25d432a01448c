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

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

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
        raise ValueError("a duration with a unit, such as '500ms', '3s', '2m' or '90d'")
    return float(match[1]) * _UNIT_S[match[2]]


def ratio(value: object) -> float:
    """A percentage such as ``99.5%`` as 0.995; refuses without the sign or above 100 %."""
    match = _RATIO.fullmatch(value) if isinstance(value, str) else None
    if match is None or float(match[1]) > 100:
        raise ValueError("a percentage such as '99.5%'")
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
    """Which user flows a failure hurts; a flow that is not named is `none`."""

    flows: dict[Identifier, Impact]
    summary: Text

    def on(self, flow: str) -> Impact:
        """What is claimed for `flow`."""
        return self.flows.get(flow, Impact.NONE)


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
    """One operation of a flow. ``${…}`` in path, headers and json: write.id, write.text, run.id."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: str
    headers: dict[str, str] = {}
    json_: Annotated[Any, Field(alias="json")] = None
    texts: tuple[str, ...] = ()  # taken in turn as ${write.text}
    expect_status: Annotated[int, Field(ge=100, le=599, strict=True)] = 200


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


class AlertRule(_Written):
    """One alert of an environment. `rule` is the alerting's own; see the lab's alerting."""

    name: str
    runbook: str  # path below catalog/
    summary: Text
    rule: dict[str, Any] = {}


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
