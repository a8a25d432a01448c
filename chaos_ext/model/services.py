"""The application's viewpoint: services, what they need, and the user flows that the meter drives."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from chaos_ext.model.catalogue import Impact
from chaos_ext.model.written import Duration, Identifier, Ratio, Status, Text, Written


class Slo(Written):
    """What users were promised: this share of operations succeeds, and that share is this fast."""

    success: Ratio
    latency: Duration
    percentile: Annotated[int, Field(ge=50, le=100, strict=True)] = 99


class Store(Written):
    """A place where a flow's writes can be read back, and how they are recognised there."""

    read_back: str  # path; answers JSON: a list of objects, or an object that holds one
    list_at: str = ""  # dotted path to the list inside the answer; empty: the answer is the list
    id: str  # field of an item that holds the write's id
    content: str | None = None  # field of an item whose text must equal the one that was sent
    watch: Duration | None = (
        None  # how often to look while the flows run, to see how long a write took to get there
    )
    arrives_within: Duration = 2.0  # once the load has ended; what is not there by then is lost


class Write(Store):
    """Where a flow's writes are read back: from the service that acknowledges them, and wherever else they must get.

    - `store`: what to call the first place; default: the flow's service.
    - `also`: the other places by name, such as a service that gets every write through a queue.
    """

    store: Identifier | None = None
    also: dict[Identifier, Store] = {}


class Request(Written):
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


class Follows(Written):
    """The flow asks what became of another flow's writes: each operation about the newest one that is due.

    Due: acknowledged at least `after` ago. While no write is due, nothing is asked.
    """

    flow: Identifier
    after: Duration
    late_status: Status = 404  # the answer when it is not there yet


class Fresh(Written):
    """The flow shows another flow's writes; what it shows must be new enough, and all of it.

    An operation is held against the writes that were acknowledged at least `within` before it was sent. `newest` and
    `count` are dotted paths into its JSON answer: the id of the newest write that it knows, and how many it knows.
    """

    of: Identifier
    within: Duration
    newest: str
    count: str


class Flow(Written):
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
    def stores(self) -> dict[str, Store]:
        """Every place where its writes are read back, by name; first the one that acknowledges them."""
        if self.write is None:
            return {}
        return {self.write.store or self.service: self.write, **self.write.also}

    @property
    def shows(self) -> tuple[Impact, ...]:
        """What the meter can tell of it: late only when it follows, stale and wrong only when it must be fresh."""
        late = (Impact.LATE,) if self.follows is not None else ()
        old = (Impact.STALE, Impact.WRONG) if self.fresh is not None else ()
        return (Impact.OUTAGE, Impact.DEGRADED, *late, *old, Impact.NONE)


class Dependency(Written):
    """What a service does when something that it needs is down, slow or wrong."""

    down: Text
    slow: Text
    wrong: Text


class Service(Written):
    """One service of the application."""

    title: Text
    owner: str
    dependencies: dict[Identifier, Dependency] = {}


class Services(Written):
    """The whole of `services.yaml`."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    services: dict[Identifier, Service]
    flows: dict[Identifier, Flow]
