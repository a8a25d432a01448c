"""Two stores of one flow: what each has, when it was seen there, and what was recorded of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from verdict.cases.spoiling import Cases

from chaos_ext.meter.account import account_of_all
from chaos_ext.model import Arm
from chaos_ext.verdict.evidence import RunEvidence, TrialEvidence

T = Arm.TREATMENT


def kept(
    r: Any,
    *,
    late_s: float = 0.3,
    every_s: float = 0.5,
    lost: Collection[str] = (),
    twice: Collection[str] = (),
    watch: str | None = "500ms",
    fresh: bool = False,
    behind_s: float = 0.0,
    without: Collection[str] = (),
    **objectives: Any,
) -> RunEvidence:
    """A run whose submissions are in `intake` at once, and in `insight` `late_s` seconds later, without `lost`.

    - `every_s`: how often insight was looked at. `fresh`: `read` shows submissions, of `behind_s` seconds ago.
    - `without`: what was not kept: the `looks`, or what the flow showed (`shown`).
    """
    flows = r.services()["flows"]
    of_insight = {"read_back": "/i", "id": "id", **({"watch": watch} if watch else {})}
    submit = {**flows["submit"], "write": {"read_back": "/r", "id": "id", "also": {"insight": of_insight}}}
    read = {**flows["read"], "fresh": {"of": "submit", "within": "60s", "newest": "n", "count": "c"}}
    services = r.services(flows={"submit": submit, "read": read if fresh else flows["read"]})
    run: RunEvidence = r.run(mode=r.objectives(**objectives), services=services)

    def of_trial(trial: TrialEvidence) -> TrialEvidence:
        told = {w["id"]: w["at"] for w in trial.writes if w.get("outcome") == "ok"}
        there = {i: at + late_s for i, at in told.items() if i not in lost}
        reads, before, at = [], set[str](), 1000.0
        while at < 1040:
            now = {i for i, since in there.items() if since <= at}
            look = {"flow": "submit", "store": "insight", "sent": at, "done": at + 0.01}
            reads.append(look | {"new": sorted(now - before), "gone": []})
            before, at = now, at + every_s
        reads.append({"flow": "submit", "store": "intake", "sent": at, "done": at, "new": sorted(told)})
        doubled = [*there, *twice]
        read_back = (
            {"flow": "submit", "store": "intake", "items": [{"id": i} for i in told]},
            {"flow": "submit", "store": "insight", "items": [{"id": i} for i in doubled]},
        )
        samples = trial.samples
        if fresh and "shown" not in without:
            by = sorted((at, i) for i, at in told.items())
            samples = tuple(
                replace(s, shown=len(seen), newest=seen[-1] if seen else "")
                if s.flow == "read" and s.ok
                else s
                for s in samples
                for seen in [[i for at, i in by if at <= s.sent - behind_s]]
            )
        looks = () if "looks" in without else tuple(reads)
        flows_ = run.services.flows
        recorded = account_of_all(flows_, trial.writes, read_back, looks, samples).as_dict()
        events = tuple({**e, **recorded} if e["kind"] == "write-log" else e for e in trial.events)
        return replace(trial, samples=samples, reads=looks, read_back=read_back, events=events)

    found: RunEvidence = r.of(run, T, of_trial)
    return found


def of_treatment(r: Any, run: RunEvidence, **fields: Any) -> RunEvidence:
    found: RunEvidence = r.of(run, T, lambda trial: replace(trial, **fields))
    return found


def shorter(trial: TrialEvidence) -> TrialEvidence:
    """Without the last write that insight gave back."""
    intake, insight = trial.read_back
    return replace(trial, read_back=(intake, {**insight, "items": insight["items"][:-1]}))


CASES: Cases = [
    (
        "too-stale",
        "a store shows writes later than the objective",
        lambda r: kept(r, late_s=6.0, stale_for_at_most="5s"),
        lambda r: kept(r, late_s=4.0, stale_for_at_most="5s"),
    ),
    (
        "too-stale",
        "a flow shows users older writes than the objective",
        lambda r: kept(r, fresh=True, behind_s=6.0, stale_for_at_most="5s"),
        lambda r: kept(r, fresh=True, behind_s=3.0, stale_for_at_most="5s"),
    ),
    (
        "no-data",
        "looked at too seldom to judge staleness",
        lambda r: kept(r, every_s=4.0, stale_for_at_most="3s"),
        lambda r: kept(r, every_s=1.0, stale_for_at_most="3s"),
    ),
    (
        "no-data",
        "staleness is claimed and no store was watched",
        lambda r: kept(r, watch=None, stale_for_at_most="5s"),
        lambda r: kept(r, stale_for_at_most="5s"),
    ),
    (
        "no-data",
        "what a flow showed was not kept",
        lambda r: kept(r, fresh=True, without=["shown"], stale_for_at_most="5s"),
        lambda r: kept(r, fresh=True, stale_for_at_most="5s"),
    ),
    (
        "no-data",
        "the looks at the stores are gone",
        lambda r: kept(r, without=["looks"]),
        lambda r: kept(r),
    ),
    (
        "no-data",
        "what was read back is gone",
        lambda r: of_treatment(r, kept(r), read_back=()),
        lambda r: kept(r),
    ),
    (
        "no-data",
        "a store was not read back",
        lambda r: r.of(kept(r), T, lambda trial: replace(trial, read_back=trial.read_back[:1])),
        lambda r: kept(r),
    ),
    (
        "no-data",
        "other writes were kept than the last look showed",
        lambda r: r.of(kept(r), T, shorter),
        lambda r: kept(r),
    ),
    (
        "no-data",
        "recorded as stored once, and read back twice",
        lambda r: r.edit(kept(r, twice=["w1"]), "write-log", T, duplicated=[]),
        lambda r: kept(r, twice=["w1"]),
    ),
    (
        "data-lost",
        "lost in one store of two",
        lambda r: kept(r, lost=["w1"]),
        lambda r: kept(r, lost=["w1"], lost_acknowledged_writes=1),
    ),
    ("impact-differs", "twice in one store of two", lambda r: kept(r, twice=["w1"]), lambda r: kept(r)),
]
