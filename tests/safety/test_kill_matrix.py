"""A run that is ended anywhere, in any way, leaves nothing: every activity's boundary, inside injections and undos.

Runs are real `chaos run` (in a lab that stays up, so that what is left would be seen in the place itself) and
`chaos verify`. They are watched from outside and held at a point; then comes SIGKILL, SIGTERM, SIGINT or SIGHUP, or
runner and janitor are killed together and `chaos heal` is called. See `support/kill_tracer.py`.
"""

from __future__ import annotations

import itertools
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from projects_for_tests import CHAOS, Project

from chaos_ext.history import manifest

SUPPORT = Path(__file__).parent / "support"
sys.path.insert(0, str(SUPPORT))

from kill_place import KillPlace, digest_of, shorten  # noqa: E402
from kill_tracer import BOTH, CLOSED, INT, KILL, WAYS, Point, Seen, Timing, Traced  # noqa: E402

SEED = 20261124
TRIES = 3
NOT_TRIED = "not tried"
FULL = {"postgresql-lock-held": "pg-a", "object-storage-denied": "cloud"}  # and the part that the undo asks
ALL = sorted(path.stem for path in (Path(__file__).parents[2] / "experiments" / "lab").glob("*.yaml"))
# Where runner and janitor die together: before there is anything to undo, and where there is.
TOGETHER = {
    "opened",
    "intended",
    "in the injection",
    "injected",
    "in a block",
    "undo begun",
    "in a slow undo",
}


# --- points ---


def _said(word: str, name: str, time_: int = 1) -> Callable[[Seen], bool]:
    return lambda seen: seen.said.count(f"INFO] {word}: {name}\n") >= time_


def _is(kind: str) -> Callable[[Seen], bool]:
    return lambda seen: kind in seen.kinds()


def _has(state: str) -> Callable[[Seen], bool]:
    return lambda seen: state in seen.states()


def _began(role: str) -> Callable[[Seen], bool]:
    return lambda seen: any(e["kind"] == "step-started" and e.get("role") == role for e in seen.events)


def _undo_began(seen: Seen) -> bool:
    return seen.undoing and "injected" in seen.states()


def boundaries(experiment: dict[str, Any]) -> list[Point]:
    """Before each activity of an experiment, in both of its hypotheses, and after the last."""
    hypothesis = experiment["steady-state-hypothesis"]["probes"]
    points, times = [Point("opened", _is("trial-started")), Point("measuring", _is("meter-started"))], {}
    broken = False
    for activity in [*hypothesis, *experiment["method"], *hypothesis, *experiment["rollbacks"]]:
        name, word = activity["name"], activity["type"].capitalize()
        times[name] = times.get(name, 0) + 1
        again = " again" if times[name] > 1 else ""
        points.append(Point(f"before {name}{again}", _said(word, name, times[name]), broken=broken))
        broken = broken or _injects(activity)
    ended = Point("after the last", lambda seen: "Experiment ended with status" in seen.said, broken=broken)
    return [*points, ended]


def _injects(activity: dict[str, Any]) -> bool:
    return activity["provider"].get("func") == "inject"


def inside(draw: random.Random, part: str) -> list[Point]:
    """Inside an injection, a block of the runbook, and an undo."""
    undo: dict[str, Any] = {"arm": "no-action", "broken": True}
    return [
        Point("intended", _has("intended")),
        Point("in the injection", _has("intended"), then_s=draw.uniform(0.0, 0.3)),
        Point("injected", _has("injected")),
        Point("in a block", _began("mitigate"), then_s=draw.uniform(0.0, 0.2), broken=True),
        Point("undo begun", _undo_began, **undo),
        Point("in a slow undo", _undo_began, then_s=draw.uniform(0.0, 0.3), freeze=part, **undo),
        Point("undone", lambda seen: bool({"undone", "superseded"} & {*seen.states()}), **undo),
        Point("in the undo after Ctrl-C", _undo_began, ask_first=_is("fault-in-force"), broken=True),
    ]


# --- one point ---


@dataclass
class Row:
    """What is said of one ended run."""

    point: str
    way: str
    timing: Timing
    states: str
    code: int | None
    seconds: float
    left: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        def ms(value: float | None) -> str:
            return "-" if value is None else f"{value:.0f}"

        t = self.timing
        return (
            f"{self.point:<34}{self.way:<16}{ms(t.begun_ms):>7}{ms(t.finished_ms):>9}{ms(t.ended_ms):>8}"
            f"{self.code!s:>6}  {self.states:<20}{self.seconds:>5.1f}  {'; '.join(self.left) or 'nothing left'}"
        )


HEADS = (
    f"{'point':<34}{'ended by':<16}{'begun':>7}{'finished':>9}{'gone':>8}{'exit':>6}  {'ledger':<20}{'s':>5}"
)


def healed_by_hand(project: Project) -> tuple[str, list[str]]:
    """`chaos heal`, twice; what the first said, and what is wrong with how that went."""
    first = project.chaos("heal")
    wrong = [] if first.code == 0 else [f"heal: exit {first.code}: {first.out + first.err}"]
    before = digest_of(project.root / ".chaos")
    second = project.chaos("heal")
    if (second.code, second.out) != (0, "nothing to heal\n"):
        wrong.append(f"second heal: exit {second.code}: {second.out + second.err}")
    if digest_of(project.root / ".chaos") != before:
        wrong.append("second heal: changed something")
    return first.out, wrong


class Matrix:
    """Runs of one mode in one lab, each ended somewhere."""

    def __init__(self, project: Project, mode: str) -> None:
        self.project, self.mode = project, mode
        self.file = f"experiments/lab/{mode}.yaml"
        self.experiment = yaml.safe_load((project.root / self.file).read_text(encoding="utf-8"))
        self.state = project.root / ".chaos"
        self.faults = [
            activity["provider"]["arguments"] for activity in self.experiment["method"] if _injects(activity)
        ]
        self.place = KillPlace(project.root, self.state)
        self.rows: list[Row] = []
        self.numbers = itertools.count()
        self.running: Traced | None = None

    def start(self, arm: str) -> Traced:
        env = {
            **self.project.env,
            "CHAOS_LAB": self.place.facts["name"],
            "CHAOS_ARM": arm,
            "CHAOS_WATCH_S": "0.5",
        }
        env.pop("CHAOS_WATCH_S" if arm == "treatment" else "", None)
        self.running = Traced(
            [*CHAOS, "run", self.file], cwd=self.project.root, env=env, ledger=self.state / "ledger",
            directory=self.project.root / "points" / f"{next(self.numbers):03d}",
        )  # fmt: skip
        return self.running

    def end_at(self, point: Point, way: str) -> Row:
        """A run, ended at a point; what it left. One that did not get there (a busy machine) is no finding, twice."""
        for _ in range(TRIES):
            row = self._end_at(point, way)
            if not row.left or not row.left[0].startswith(NOT_TRIED):
                break
            self.place.renew()
        self.rows.append(row)
        if row.left:
            self.place.renew()
        return row

    def _end_at(self, point: Point, way: str) -> Row:
        began = time.monotonic()
        try:
            traced = self.start(point.arm)
            timing = self._ended(traced, point, way)
            left = [] if way == BOTH else traced.went_on(timing)
            if way == BOTH:
                left += self._healed_by_hand(traced.tmp)
            left += [f"running: {each}" for each in traced.left_running()]
            left += traced.left_temporary() + self.place.residue(self.faults)
            if why := self.place.not_served(all_flows=bool(traced.look().entries)):
                left.append(f"users: {why}")
            code, states = traced.process.returncode, ",".join(traced.look().states())
        except AssertionError as error:
            timing, left, code, states = Timing(), [f"{NOT_TRIED}: {error}"], None, ""
        finally:
            if self.running is not None:
                self.running.end_all()
        row = Row(point.name, way, timing, states, code, time.monotonic() - began, left)
        print(row, flush=True)
        return row

    def _ended(self, traced: Traced, point: Point, way: str) -> Timing:
        if point.ask_first is not None:
            traced.until(point.ask_first, f"before {point.name}")
            traced.end(INT)
        if point.freeze:
            traced.until(lambda seen: "] Let's rollback" in seen.said, f"before {point.name}")
            traced.hold()
            with self.place.frozen(point.freeze):
                traced.go_on()
                traced.until(point.reached, point.name)
                time.sleep(point.then_s)
                traced.hold()
                sent = traced.end(way)
        else:
            traced.until(point.reached, point.name)
            time.sleep(point.then_s)
            traced.hold()
            sent = traced.end(way)
        assert not point.broken or "injected" in traced.seen.states(), (
            f"nothing was broken before {point.name}"
        )
        return traced.settle(sent, alone=way == BOTH)

    def _healed_by_hand(self, tmp: Path) -> list[str]:
        return healed_by_hand(Project(self.project.root, {"TMPDIR": str(tmp)}))[1]

    def undisturbed(self) -> Row:
        """A run that nobody ends is accepted and comes to its end, after all that."""
        began = time.monotonic()
        traced = self.start("no-action")
        traced.process.wait(120)
        states = ",".join(traced.look().states())
        left = [] if "injected" in states and not traced.seen.still_open() else [traced.seen.said[-1500:]]
        timing = traced.settle(time.monotonic())
        row = Row("not ended", "-", timing, states, traced.process.returncode, time.monotonic() - began, left)
        self.rows.append(row)
        return row

    def told(self) -> str:
        total = sum(row.seconds for row in self.rows)
        bad = [row for row in self.rows if row.left]
        lines = [f"\n{self.mode}: ms from the end to the undo, and until all were gone", HEADS]
        lines += map(str, self.rows)
        return "\n".join([*lines, f"{len(self.rows)} runs, {total:.0f} s, residue in {len(bad)}"])


@pytest.fixture
def matrix(tmp_path: Path) -> Iterator[Callable[..., Matrix]]:
    made: list[Matrix] = []
    root = Path(__file__).parents[2]

    def make(mode: str, *, full: bool) -> Matrix:
        for name in ("catalog", "environments", "experiments"):
            shutil.copytree(root / name, tmp_path / name)
        shorten(tmp_path, full=full)
        project = Project(tmp_path)
        compiled = project.chaos("catalog", "compile")
        assert compiled.code == 0, compiled.err
        made.append(Matrix(project, mode))
        return made[0]

    yield make
    for each in made:
        print(each.told())
        each.place.down()


@pytest.mark.slow
@pytest.mark.parametrize("way", [*WAYS, BOTH])
@pytest.mark.parametrize("mode", FULL)
def test_everywhere_and_in_every_way(matrix, mode, way):
    it = matrix(mode, full=True)
    draw = random.Random(f"{SEED} {mode} {way}")
    for point in [*boundaries(it.experiment), *inside(draw, FULL[mode])]:
        if way != BOTH or point.name in TOGETHER:
            it.end_at(point, way)
    it.undisturbed()
    assert [str(row) for row in it.rows if row.left] == []


@pytest.mark.slow
@pytest.mark.parametrize("mode", [mode for mode in ALL if mode not in FULL])
def test_at_three_points_of_every_other_mode(matrix, mode):
    it = matrix(mode, full=False)
    draw = random.Random(f"{SEED} {mode}")
    points = [*boundaries(it.experiment), *inside(draw, "")]
    points = [point for point in points if not point.freeze]
    ways = draw.sample([*WAYS, BOTH], 3)
    for point, way in zip(draw.sample(points, 3), ways, strict=True):
        it.end_at(point, way)
        it.place.renew()
    it.undisturbed()
    assert [str(row) for row in it.rows if row.left] == []


# --- chaos verify: the lab goes with the run ---

VERIFIED = "service-bad-release"
MOMENTS = [
    Point("lab starting", _is("lab-starting"), then_s=0.3),
    Point("lab started", _is("lab-started")),
    Point("intended", _has("intended"), then_s=0.1),
    Point("injected", _has("injected")),
    Point("in a block", _began("mitigate"), then_s=0.1),
    Point("trial finished", _is("trial-finished")),
    Point("judged", _is("verdict")),
]


@pytest.mark.slow
@pytest.mark.parametrize("way", [*WAYS, BOTH])
def test_a_verification_and_its_lab(project, tmp_path, way):
    shorten(project.root, full=True)
    assert project.chaos("catalog", "compile").code == 0
    rows = []
    for number, point in enumerate(random.Random(f"{SEED} {way}").sample(MOMENTS, 3)):
        rows.append(_verification_ended(project, tmp_path / f"point-{number}", point, way))
        print(rows[-1], flush=True)
    assert [str(row) for row in rows if row.left] == []


def _verification_ended(project: Project, directory: Path, point: Point, way: str) -> Row:
    """One `chaos verify` of its own lab, ended at a point; what it left."""
    began = time.monotonic()
    state = project.root / ".chaos"
    traced = Traced(
        [*CHAOS, "verify", VERIFIED], cwd=project.root, env=project.env, directory=directory,
        ledger=state / "ledger", runs=state / "runs",
    )  # fmt: skip
    there = Project(project.root, {"TMPDIR": str(traced.tmp)})
    try:
        traced.until(point.reached, point.name)
        time.sleep(point.then_s)
        traced.hold()
        timing = traced.settle(traced.end(way), alone=way == BOTH)
        left = [] if way == BOTH else traced.went_on(timing)
        by_itself = manifest_of(traced)
        said, wrong = healed_by_hand(there)
        left += wrong
        if not by_itself and f"sealed {traced.bundles()[0].name}: " not in said:
            left.append(f"nobody sealed it: {said}")
        if not manifest_of(traced):
            left.append("not sealed")
        if way not in (BOTH, KILL) and not by_itself:
            left.append("it was asked to end and did not seal its run")
        left += [f"running: {each}" for each in traced.left_running()]
        left += [f"lab: {name}" for name in project.labs()]
        left += traced.left_temporary()
        left += [f"ledger: {entry}" for entry in there.ledger() if entry["state"] not in CLOSED]
    finally:
        traced.end_all()
        for name in project.labs():
            project.chaos("lab", "down", name)
    states = ",".join(traced.seen.states())
    return Row(point.name, way, timing, states, traced.process.returncode, time.monotonic() - began, left)


def manifest_of(traced: Traced) -> bool:
    return all((each / manifest.NAME).exists() for each in traced.bundles())
