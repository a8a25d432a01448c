"""A run told as it happens: each event becomes lines. No stream and no clock, so every line can be tested.

Times in the left column count from the trial's start, and from the fault once it is in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chaos_ext.model import Arm, Event, Interval
from chaos_ext.report import text
from chaos_ext.report.clean import clean, wrap

GUTTER, LABEL = 9, 12

_ARMS = {
    Arm.TREATMENT: "the fault, then the whole runbook",
    Arm.NO_ACTION: "the same fault, and nobody acts",
}


@dataclass(frozen=True)
class Line:
    """One line and how it is meant: plain, good, bad, strong or dim."""

    text: str
    style: str = "plain"


@dataclass(frozen=True)
class Busy:
    """What is going on until the next event, and since when (monotonic)."""

    what: str
    since: float


class Story:
    """Tells one run. `width` is the columns to keep to; 0 means any (a log)."""

    def __init__(self, width: int = 0) -> None:
        self.width = width
        self.busy: Busy | None = None
        self._trials = 0
        self._started: float | None = None
        self._fault: Interval | None = None
        self._arm: str = Arm.TREATMENT
        self._trial: Event = {}
        self._in_lab = False

    def tell(self, event: Event) -> list[Line]:
        """The lines that `event` adds. An event of an unknown kind, or one that lacks something, adds none or less."""
        kind = str(event.get("kind"))
        if kind == "lab-says":
            if self._in_lab:
                self._now(event, f"lab: {clean(str(event.get('line', '')))}")
            return []
        self._in_lab = kind == "lab-starting"
        teller = _TELLERS.get(kind)
        lines = list(teller(self, event)) if teller else []
        waiting = _WAITING.get(kind)
        if waiting is not None:
            self._now(event, waiting(self, event))
        return lines

    def _now(self, event: Event, what: str) -> None:
        self.busy = Busy(what, float(event.get("at", 0.0))) if what else None

    # --- layout ---

    def _row(self, event: Event, label: str, words: str, style: str = "plain") -> Iterator[Line]:
        """A labelled line with its time; what does not fit goes on below, indented."""
        indent = GUTTER + 1 + LABEL + 1
        columns = max(20, self.width - indent) if self.width else 0
        for number, part in enumerate(wrap(clean(words), columns)):
            head = f"{self._clock(event):>{GUTTER}} {text.pad(label, LABEL)} " if not number else " " * indent
            yield Line(f"{head}{part}".rstrip(), style)

    def _below(self, words: str, style: str = "plain", mark: str = "") -> Iterator[Line]:
        """A line below a labelled one; clipped, never wrapped."""
        line = " " * (GUTTER + 1 + LABEL + 1) + mark + clean(words)
        yield Line(text.clip(line, self.width) if self.width else line, style)

    def _clock(self, event: Event) -> str:
        at = event.get("at")
        origin = self._started if self._fault is None else self._fault.earliest
        if origin is None or not isinstance(at, int | float):
            return ""
        sign = "" if self._fault is None else "+"
        return f"{sign}{max(0.0, at - origin):.1f} s"

    def _after_fault(self, event: Event) -> str:
        """When it was, after the fault; empty when that is not known."""
        early, late = event.get("earliest"), event.get("latest")
        if self._fault is None or early is None or late is None:
            return ""
        return f"{span(Interval(early, late).since(self._fault))} after the fault"

    def _objective(self, name: str) -> str:
        value = (self._trial.get("objectives") or {}).get(name)
        return "" if value is None else f"; objective {value:g} s"

    @property
    def _alone(self) -> bool:
        return self._arm == Arm.NO_ACTION

    # --- the run and its trials ---

    def _run_started(self, event: Event) -> Iterator[Line]:
        arms = event.get("arms") or {}
        counts = arms.items() if isinstance(arms, dict) else ()
        self._trials = sum(int(count) for _, count in counts)
        title = event.get("title", "")
        title = title.get("en", "") if isinstance(title, dict) else title
        yield Line(clean(f"{event.get('mode', '')}: {title}"), "strong")
        told = ", ".join(f"{arm} {count}×" for arm, count in counts)
        yield Line(
            clean(f"environment {event.get('environment')} · {told} · seed {event.get('seed')}"), "dim"
        )

    def _lab_started(self, event: Event) -> Iterator[Line]:
        waited = event.get("waited_s")
        ahead = isinstance(waited, int | float) and waited < 0.5 * event.get("seconds", 0.0)
        how = ", started ahead" if ahead else ""
        yield from self._row({}, "lab", f"{event.get('name', '')} up in {seconds(event.get('seconds'))}{how}")

    def _trial_started(self, event: Event) -> Iterator[Line]:
        self._trial, self._arm = event, str(event.get("arm"))
        self._started, self._fault = event.get("at"), None
        number = str(event.get("trial", "")).split("-")[0].lstrip("0") or "?"
        of = f"trial {number} of {self._trials}" if self._trials else f"trial {event.get('trial')}"
        meaning = next((words for arm, words in _ARMS.items() if arm == self._arm), "")
        yield Line("")
        yield Line(f"{of}: {self._arm} · {meaning}", "strong")

    def _proven(self, event: Event) -> Iterator[Line]:
        if not self._alone:
            for proof in event.get("proofs") or ():
                yield from self._row(
                    event,
                    "environment",
                    f"{self._trial.get('environment')} proven: {proof.get('kind')} {proof.get('got')}",
                )

    def _baseline(self, event: Event) -> Iterator[Line]:
        flows: dict[str, dict[str, Any]] = event.get("flows") or {}
        if not event.get("holds"):
            yield from self._row(event, "baseline", f"does not hold: {event.get('why')}", "bad")
        elif not self._alone:
            window = seconds(event.get("window_s") or event.get("seconds"))
            yield from self._row(event, "baseline", f"every user flow meets its SLO for {window}", "good")
            yield from self._table(
                ("flow", "operations", "failed", "latency"),
                [
                    (n, f.get("operations"), f.get("failed"), milliseconds(f.get("p_latency_s")))
                    for n, f in flows.items()
                ],
            )

    def _table(self, headers: tuple[str, ...], rows: list[tuple[object, ...]]) -> Iterator[Line]:
        for line in text.table(rows, headers).splitlines():
            yield from self._below(line, "dim")

    # --- the fault and what it did ---

    def _injected(self, event: Event) -> Iterator[Line]:
        started, ended = event.get("started"), event.get("ended")
        took = ""
        if isinstance(started, int | float) and isinstance(ended, int | float):
            took = f" after {seconds(ended - started)}"
            first = started if self._fault is None else self._fault.earliest
            self._fault = Interval(first, ended)
        yield from self._row(
            event, "fault", f"{event.get('name')} is in{took}; times now count from it", "strong"
        )

    def _not_injected(self, event: Event) -> Iterator[Line]:
        yield from self._row(
            event, "fault", f"{event.get('name')} could not be injected: {event.get('why')}", "bad"
        )

    def _in_force(self, event: Event) -> Iterator[Line]:
        if self._alone and event.get("holds"):
            return
        when = str(event.get("when", "")).replace("-", " ")
        found: list[dict[str, Any]] = event.get("evidence") or [{}]
        for evidence in found:
            seen = ", ".join(f"{k} {v}" for k, v in evidence.items() if k not in ("name", "holds"))
            word = "yes" if evidence.get("holds") else "NO"
            detail = f": {seen}" if seen else ""
            style = "good" if evidence.get("holds") else "bad"
            yield from self._row(
                event, "in force", f"{word}, {when}, by {evidence.get('name', '?')}{detail}", style
            )

    def _impact(self, event: Event) -> Iterator[Line]:
        flows: dict[str, dict[str, Any]] = event.get("flows") or {}
        felt = [
            f"{name} {f.get('measured')}"
            for name, f in flows.items()
            if f.get("measured") not in (None, "none")
        ]
        as_claimed = all(f.get("measured") == f.get("claimed") for f in flows.values())
        words = ", ".join(felt) or "nobody feels it"
        style = "plain" if event.get("seen") and as_claimed else "bad"
        yield from self._row(event, "users feel", words, style)
        if not self._alone:
            yield from self._table(
                ("flow", "claimed", "measured", "failed", "latency"),
                [
                    (
                        name,
                        f.get("claimed"),
                        f.get("measured") or "no data",
                        f"{f.get('failed')} of {f.get('operations')}",
                        milliseconds(f.get("p_latency_s")),
                    )
                    for name, f in flows.items()
                ],
            )

    def _alert(self, event: Event) -> Iterator[Line]:
        name = event.get("name")
        if not event.get("fired"):
            words = (
                f"{name} did not fire in {seconds(event.get('waited_s'))}{self._objective('detect_within_s')}"
            )
            yield from self._row(event, "alert", f"{words} {event.get('why') or ''}", "bad")
            return
        if self._alone and event.get("links"):
            return
        yield from self._row(
            event,
            "alert",
            f"{name} fired {self._after_fault(event)}{self._objective('detect_within_s')}",
            "good",
        )
        url = event.get("runbook_url") or "no runbook"
        if event.get("links"):
            yield from self._below(f"links {url}")
        else:
            yield from self._below(f"links {url}", "bad")
            yield from self._below(f"expected {event.get('expected_url')}", "bad")

    # --- the runbook ---

    def _runbook_started(self, event: Event) -> Iterator[Line]:
        steps = event.get("steps") or ()
        yield from self._row(
            event,
            "runbook",
            f"{event.get('runbook')} on {event.get('platform')}, {len(steps)} steps",
            "strong",
        )

    def _verification_before(self, event: Event) -> Iterator[Line]:
        if event.get("passed"):
            words = "Verification passes before anything is done: it does not see the failure"
            yield from self._row(event, "check", words, "bad")
        else:
            words = "Verification fails before anything is done, as it should"
            yield from self._row(event, "check", words, "good")

    def _step_started(self, event: Event) -> Iterator[Line]:
        yield from self._row(
            event, str(event.get("role", "step")), str(event.get("heading") or event.get("step"))
        )

    def _step_output(self, event: Event) -> Iterator[Line]:
        yield from self._below(str(event.get("line", "")), "dim", mark="| ")

    def _step_finished(self, event: Event) -> Iterator[Line]:
        took = seconds(event.get("seconds"))
        if event.get("branch"):
            yield from self._below(f"→ {event['branch']}")
        if event.get("ok"):
            yield from self._below(f"{event.get('step')} ok in {took}", "good")
            return
        got = "no exit code" if event.get("exit") is None else f"exit {event['exit']}"
        yield from self._below(
            f"{event.get('step')} failed in {took}: {got}, expected exit {event.get('expected_exit', 0)}",
            "bad",
        )
        if event.get("why"):
            yield from self._below(str(event["why"]), "bad")
        for line in str(event.get("command") or "").splitlines():
            yield from self._below(line, "bad", mark="$ ")

    def _runbook_finished(self, event: Event) -> Iterator[Line]:
        took = seconds(event.get("seconds"))
        if event.get("needs_person"):
            yield from self._row(event, "runbook", f"needs a person at {event.get('failed_step')}", "bad")
        elif event.get("ok"):
            yield from self._row(event, "runbook", f"followed to its end in {took}", "good")
        else:
            yield from self._row(
                event, "runbook", f"stopped at {event.get('failed_step')} after {took}", "bad"
            )

    # --- how it ended ---

    def _recovery(self, event: Event) -> Iterator[Line]:
        back, after = bool(event.get("recovered")), self._after_fault(event)
        if self._alone:
            itself = self._trial.get("recovery") == "self"
            words = f"back {after}" if back else f"not back after {self._since(event)}"
            yield from self._row(event, "nobody acted", words, "good" if back is itself else "bad")
        elif back:
            flow = f"{event['flow']} was the last flow to be back, " if event.get("flow") else "back "
            yield from self._row(
                event, "recovery", f"{flow}{after}{self._objective('recover_within_s')}", "good"
            )
        else:
            words = f"not back after {self._since(event)}{self._objective('recover_within_s')}"
            yield from self._row(event, "recovery", words, "bad")

    def _since(self, event: Event) -> str:
        at = event.get("at")
        if self._fault is None or not isinstance(at, int | float):
            return "the time watched"
        return seconds(max(0.0, at - self._fault.latest))

    def _writes(self, event: Event) -> Iterator[Line]:
        if not event.get("readable"):
            yield from self._row(event, "write log", f"could not be read back: {event.get('why')}", "bad")
            return
        lists = [(name, event.get(name) or []) for name in ("lost", "duplicated", "unexpected", "changed")]
        counts = [f"{event.get('acknowledged')} acknowledged", f"{len(lists[0][1])} lost"]
        counts += [f"{event.get('indeterminate')} indeterminate", f"{event.get('failed')} failed"]
        counts += [f"{len(ids)} {name}" for name, ids in lists[1:] if ids or name == "duplicated"]
        bad = any(ids for _, ids in lists)
        yield from self._row(event, "write log", ", ".join(counts), "bad" if bad else "good")
        for name, ids in lists:
            if ids:
                yield from self._below(f"{name}: {', '.join(map(str, ids))}", "bad")

    def _undone(self, event: Event) -> Iterator[Line]:
        why = f": {event['why']}" if event.get("why") else ""
        style = "bad" if event.get("outcome") == "failed" else "plain"
        yield from self._row(event, "undo", f"{event.get('name')} {event.get('outcome')}{why}", style)

    def _aborted(self, event: Event) -> Iterator[Line]:
        yield from self._row(event, "stopping", str(event.get("why") or "asked to stop"), "bad")

    def _left(self, event: Event) -> Iterator[Line]:
        yield from self._row({}, "NOT RESTORED", str(event.get("why")), "bad")

    def _lab_stopped(self, event: Event) -> Iterator[Line]:
        yield Line("")
        yield from self._row({}, "lab", f"everything taken down, {seconds(event.get('seconds'))} waited")


Teller = Callable[[Story, Event], Iterator[Line]]
_TELLERS: dict[str, Teller] = {
    "run-started": Story._run_started,
    "lab-started": Story._lab_started,
    "trial-started": Story._trial_started,
    "environment-proven": Story._proven,
    "baseline": Story._baseline,
    "fault-injected": Story._injected,
    "fault-not-injected": Story._not_injected,
    "fault-in-force": Story._in_force,
    "impact": Story._impact,
    "alert": Story._alert,
    "runbook-started": Story._runbook_started,
    "verification-before": Story._verification_before,
    "step-started": Story._step_started,
    "step-output": Story._step_output,
    "step-finished": Story._step_finished,
    "runbook-finished": Story._runbook_finished,
    "recovery": Story._recovery,
    "write-log": Story._writes,
    "fault-undone": Story._undone,
    "abort": Story._aborted,
    "environment-not-restored": Story._left,
    "lab-stopped": Story._lab_stopped,
}

# What goes on after an event, until the next one.
_WAITING: dict[str, Callable[[Story, Event], str]] = {
    "run-started": lambda s, e: "the janitor starts",
    "lab-starting": lambda s, e: "the lab starts",
    "lab-started": lambda s, e: "the environment is proven",
    "environment-proven": lambda s, e: "the meter starts",
    "meter-started": lambda s, e: "the user flows are watched before anything is broken",
    "baseline": lambda s, e: "the fault goes in",
    "fault-injected": lambda s, e: "evidence is looked for",
    "fault-in-force": lambda s, e: (
        "waiting until users feel it" if e.get("when") == "after-injection" else "the runbook begins"
    ),
    "impact": lambda s, e: "waiting for the alert",
    "alert": lambda s, e: "evidence is looked for again",
    "runbook-started": lambda s, e: "the runbook's own Verification runs",
    "step-started": lambda s, e: clean(str(e.get("heading") or e.get("step"))),
    "step-finished": lambda s, e: "the runbook goes on",
    "runbook-finished": lambda s, e: "watching whether users are back for good",
    "watched": lambda s, e: "looking whether it came back",
    "recovery": lambda s, e: "the writes are read back",
    "write-log": lambda s, e: "the fault is undone",
    "fault-undone": lambda s, e: "the trial ends",
    "trial-finished": lambda s, e: "the labs are taken down",
    "abort": lambda s, e: "stopping; what was broken is undone",
    "lab-stopped": lambda s, e: "the evidence is judged",
    "verdict": lambda s, e: "",
}


def seconds(value: object) -> str:
    """``3.2 s``, ``80 ms`` under a tenth of a second, ``? s`` when it is not known."""
    if not isinstance(value, int | float):
        return "? s"
    return f"{value * 1000:.0f} ms" if 0 < value < 0.0995 else f"{value:.1f} s"


def milliseconds(value: object) -> str:
    """A latency: ``12 ms``, ``1.9 s`` from one second on, ``-`` when there is none."""
    if not isinstance(value, int | float):
        return "-"
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.1f} s"


def span(interval: Interval) -> str:
    """``3.1–3.3 s``, or ``3.1 s`` when both ends read the same."""
    low, high = f"{interval.earliest:.1f}", f"{interval.latest:.1f}"
    return f"{low} s" if low == high else f"{low}–{high} s"
