"""A place to try failures in: how it is known, its alerts and their rules, its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from chaos_ext.language import t
from chaos_ext.model.secrets import SecretReference
from chaos_ext.model.written import Activity, Duration, Identifier, Text, Written

Selector = Annotated[
    str,
    Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})?$", json_schema_extra={"examples": ['up{part="a"}']}),
]


class RatioOf(Written):
    """The increase of one counter divided by that of another, over a while."""

    of: Selector
    to: Selector
    over: Duration


class IncreaseOf(Written):
    """How much a counter grew over a while."""

    of: Selector
    over: Duration


class Rule(Written):
    """When an alert of the lab fires: one of these readings, below or above a number for a while.

    `metric` is the sum of its series, `min` the least of them, `max` the greatest: any one of several nodes.
    """

    metric: Selector | None = None
    min: Selector | None = None
    max: Selector | None = None
    ratio: RatioOf | None = None
    increase: IncreaseOf | None = None
    below: float | None = None
    above: float | None = None
    for_: Annotated[Duration, Field(alias="for")] = 0.0
    labels: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_of_each(self) -> Rule:
        kinds = (self.metric, self.min, self.max, self.ratio, self.increase)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError(t("exactly one of metric, min, max, ratio, increase"))
        if (self.below is None) == (self.above is None):
            raise ValueError(t("exactly one of below, above"))
        return self


class AlertRule(Written):
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


class Route(Written):
    """Who is told of alerts that have all of these labels; the first route that matches decides.

    Like `rule`, it is obeyed where the alerting takes it from us: in the lab. Elsewhere it says what to expect.
    """

    receiver: str
    match: dict[str, str] = {}


class Alerts(Written):
    """Where alerts are seen, and which there are.

    `rules_url`: where Prometheus says since when a rule's condition is true (its `/api/v1/alerts`).
    `received_url`: where one sees what arrived at receivers, and when, as the lab's pager shows it (`/notifications`).
    What is not named is not looked at, and nothing is said of it.
    """

    source: Literal["alertmanager"]
    url: str
    rules_url: str | None = None
    received_url: str | None = None
    poll: Duration
    runbook_base_url: str  # + rule.runbook = the link that an alert must carry
    # A link ends with ?revision= and the first twelve digits of the runbook's SHA-256: which text it was made for.
    link_revision: Annotated[bool, Field(strict=True)] = False
    rules: tuple[AlertRule, ...]
    routes: tuple[Route, ...] = ()

    @property
    def receivers(self) -> tuple[str, ...]:
        """Everybody whom a route names."""
        return tuple(dict.fromkeys(route.receiver for route in self.routes))

    def told(self, labels: Mapping[str, str]) -> str | None:
        """Who is told of an alert with these labels, by the routes; None: no route matches."""
        for route in self.routes:
            if all(labels.get(name, "") == value for name, value in route.match.items()):
                return route.receiver
        return None


class Windows(Written):
    """How long the meter watches before it believes."""

    baseline: Duration
    stable: Duration


class Limits(Written):
    """What this environment allows at most."""

    targets: Annotated[int, Field(ge=1, strict=True)]
    longest_fault: Duration


class AbortConditions(Written):
    """When a trial is stopped and undone although nobody asked for it; each is on unless it is written ``false``.

    `hurt_outside_claim`: a user flow is hurt that the failure mode claims not to touch. `fault_outlives`: users are
    still hurt after 1.5 times the objective. `limits_passed`: a limit of the environment is passed.
    """

    hurt_outside_claim: Annotated[bool, Field(strict=True)] = True
    fault_outlives: Annotated[bool, Field(strict=True)] = True
    limits_passed: Annotated[bool, Field(strict=True)] = True


class LabPart(Written):
    """A program of your own that the lab runs beside its parts, started and watched as those are.

    In command, files and environment the lab fills in ``${port}`` (its own), ``${port.PART}`` (another part's),
    ``${conf}`` (the folder with its files) and ``${data}`` (a folder to write into).
    """

    name: Identifier
    command: tuple[str, ...]
    health: str  # a path that answers 200 when it is usable
    files: dict[str, str] = {}
    environment: dict[str, str] = {}


class Rehearsal(Written):
    """A place that is only a cloud's control plane: made by an emulator for each trial, thrown away after it.

    Nobody uses it, so nothing is measured in it: the most that a run there comes to is `rehearsed`.
    """

    emulator: Literal["moto"]
    has: str  # a folder of this project: *.yaml with the calls that make what is there, and files for them


def _without_password(url: str | None) -> str | None:
    """A password does not stand in a file that people commit; in a placeholder it is not there yet."""
    _, at, _ = (url or "").partition("://")[2].rpartition("@")
    password = (url or "").partition("://")[2].rpartition("@")[0].partition(":")[2]
    if at and password and not password.startswith("${"):
        raise ValueError(
            t("a URL without a password: that is a secret (CHAOS_LEDGER_PASSWORD), or in ~/.pgpass")
        )
    return url


REHEARSAL_PREFIX = "rehearsal-"


class Environment(Written):
    """A place to try failures in. ``${lab.…}`` and ``${env.NAME}`` are filled in when a run starts."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    name: Identifier
    title: Text
    platform: Literal["lab", "kubernetes", "aws", "gcp"]
    rehearsal: Rehearsal | None = None  # only a control plane, without users
    disposable: bool
    identity: dict[str, dict[str, str]]  # kind of proof → what it must show, e.g. lab: {marker: ...}
    deny: dict[str, tuple[dict[str, str], ...]] = {}  # kind of proof → who it must never be
    base_url: str  # the flows' paths are below it
    parts: tuple[LabPart, ...] = ()  # what the lab runs besides; their own ${…} are the lab's
    ca_file: str | None = None  # trust for https, when not the system's
    alerts: Alerts
    targets: dict[Identifier, str]  # role → resource
    # resources of one kind that somebody may mistake for one another: what a step on the wrong target would hit
    siblings: tuple[tuple[str, ...], ...] = ()
    windows: Windows
    limits: Limits
    abort: AbortConditions = AbortConditions()
    variables: dict[str, str] = {}  # what runbook blocks see
    secrets: dict[str, SecretReference] = {}  # variable → where its value is; masked everywhere
    path: tuple[str, ...] = ()  # put before the follower's PATH
    # What must be as it was after a trial: probes, or names of those that come with the toolkit.
    snapshot: tuple[str | Activity, ...] = ()
    # postgresql://user@host/database: the undo ledger that several machines share; a file here without it
    ledger: Annotated[str | None, AfterValidator(_without_password)] = None

    @model_validator(mode="after")
    def _is_called_what_it_is(self) -> Environment:
        """Guidelines go by the name: what may be broken freely in an emulator must not be so elsewhere."""
        if self.name.startswith(REHEARSAL_PREFIX) != (self.rehearsal is not None):
            raise ValueError(t("a name that begins with 'rehearsal-' exactly where 'rehearsal' is said"))
        if self.rehearsal is not None:
            said = self.identity.get("aws", {})
            wanted = {key: f"${{rehearsal.{key}}}" for key in ("config_file", "credentials_file")}
            wanted["endpoint_url"] = "${rehearsal.url}"
            pinned = all(said.get(key) == value for key, value in wanted.items())
            if self.platform != "aws" or not self.disposable or not pinned:
                raise ValueError(
                    t(
                        "a rehearsal with platform: aws, disposable: true, and identity.aws with endpoint_url: "
                        "${rehearsal.url}, config_file: ${rehearsal.config_file} and credentials_file: "
                        "${rehearsal.credentials_file}"
                    )
                )
        return self


@dataclass(frozen=True)
class Place:
    """A place that is up: its environment with every ``${…}`` filled in, and what it says of itself."""

    environment: Environment
    instance: str  # names this very one; for a lab its marker
    facts: dict[str, Any]  # what the lab's `up` printed; empty elsewhere
