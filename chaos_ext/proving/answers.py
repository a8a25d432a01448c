"""What a probe answers in each state of the world, what it must answer, and which of its mutants nobody notices. Pure.

A probe is asked before the fault, while it is in force, after it was undone, and with its source cut off. For each
state it is known which answers the toolkit lets pass, and what it says of the others. An original discriminates when
all of its answers pass. A mutant is killed by the first state in which its answer does not pass and the original's
does; one that passes wherever the original passes survives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from chaos_ext.language import t


class State(StrEnum):
    """When a probe is asked."""

    BEFORE = "before"
    IN_FORCE = "in-force"
    CUT_OFF = "cut-off"  # its source cannot be reached
    AFTER = "after"


class Says(StrEnum):
    """What an answer comes to."""

    YES = "yes"
    NO = "no"
    NOTHING = "nothing"  # it raised, or its answer is none


class Break(StrEnum):
    """How a mutant was made."""

    CONSTANT_TRUE = "constant-true"
    CONSTANT_FALSE = "constant-false"
    EMPTY_DATA = "empty-data"
    WRONG_TARGET = "wrong-target"
    SWALLOWED_EXCEPTION = "swallowed-exception"


class Kind(StrEnum):
    """What a probe is for."""

    EVIDENCE = "evidence"
    VERIFICATION = "verification"
    ALERT = "alert"
    IMPACT = "impact"
    RECOVERY = "recovery"
    STEADY_STATE = "steady-state"
    LOOK = "look"


class Result(StrEnum):
    """What became of a mutant, or of an original."""

    KILLED = "killed"
    SURVIVED = "survived"
    UNPROVEN = "unproven"  # nobody could ask it where it counts


@dataclass(frozen=True)
class Answer:
    """One answer, and its own words."""

    says: Says
    told: str = ""


Ask = Callable[[State], Answer]


def constant(says: Says) -> Ask:
    """A probe that always answers the same."""
    return lambda _state: Answer(says, "")


@dataclass(frozen=True)
class Mutant:
    """A probe with one thing broken. `what` says which, where there are several: an argument, and what it names now."""

    how: Break
    ask: Ask
    what: str = ""

    def is_asked(self, state: State) -> bool:
        """Whether it is asked in `state`.

        One that has another source cannot be cut off from its own; one that swallows differs where something fails.
        """
        if self.how in (Break.EMPTY_DATA, Break.WRONG_TARGET):
            return state is not State.CUT_OFF
        return self.how is not Break.SWALLOWED_EXCEPTION or state in (State.IN_FORCE, State.CUT_OFF)


@dataclass
class Probe:
    """A probe of a failure mode with its mutants."""

    kind: Kind
    name: str
    ask: Ask
    passes: dict[
        State, frozenset[Says]
    ]  # the states in which it is asked, and what the toolkit lets pass there
    word: dict[State, str]  # what the toolkit says where an answer does not pass
    mutants: list[Mutant] = field(default_factory=list)
    cut_off_while: State = State.IN_FORCE  # the state in which its source is cut off
    patience_s: dict[State, float] = field(default_factory=dict)  # how long the original may take to pass
    tries: int = 1  # how often a mutant that passes at the end is asked: what flickers is noticed

    def lets_pass(self, state: State, answer: Answer) -> bool:
        """Whether the toolkit would go on with this answer."""
        return answer.says in self.passes[state]


@dataclass
class Asked:
    """What a probe and its mutants have answered so far."""

    probe: Probe
    original: dict[State, Answer] = field(default_factory=dict)
    mutants: list[dict[State, Answer]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mutants = [{} for _ in self.probe.mutants]

    def killed_by(self, number: int) -> State | None:
        """The first state in which the mutant is told from the original; None: none so far."""
        for state, answer in self.mutants[number].items():
            before = self.original.get(state)
            if before is None or self.probe.lets_pass(state, answer):
                continue
            if self.probe.lets_pass(state, before) or answer.says is not before.says:
                return state
        return None

    @property
    def wrong(self) -> dict[State, Answer]:
        """The original's answers that do not pass."""
        return {
            state: answer
            for state, answer in self.original.items()
            if answer.says is not Says.NOTHING and not self.probe.lets_pass(state, answer)
        }

    @property
    def missing(self) -> list[State]:
        """The states in which the original has no answer where it must have one; none is no proof of anything."""
        known = self.original
        return [
            state
            for state, passing in self.probe.passes.items()
            if state not in known or (known[state].says is Says.NOTHING and Says.NOTHING not in passing)
        ]


@dataclass(frozen=True)
class Finding:
    """A line of the proof. `how` None: the original."""

    mode: str
    kind: Kind
    probe: str
    how: Break | None
    what: str
    result: Result
    state: State | None  # that told
    answer: Answer | None
    word: str  # what the toolkit says then
    why: str = ""

    def unproven(self, why: str) -> Finding:
        """The same line, where what did not go well says nothing."""
        if self.result is not Result.SURVIVED:
            return self
        return replace(self, result=Result.UNPROVEN, why=why)

    @property
    def mutant(self) -> str:
        """How the mutant was made, for a table."""
        return "original" if self.how is None else str(self.how)

    def as_dict(self) -> dict[str, str | None]:
        """As a file holds it."""
        return {
            "mode": self.mode,
            "kind": self.kind,
            "probe": self.probe,
            "mutant": self.mutant,
            "what": self.what,
            "result": self.result,
            "state": self.state,
            "answer": None if self.answer is None else self.answer.says,
            "told": "" if self.answer is None else self.answer.told,
            "word": self.word,
            "why": self.why,
        }


def findings(mode: str, asked: Asked) -> Iterator[Finding]:
    """What the answers of a probe and its mutants come to: the original where it does not pass, then each mutant."""
    probe = asked.probe
    for state, said in asked.wrong.items():
        yield Finding(
            mode, probe.kind, probe.name, None, "", Result.SURVIVED, state, said, probe.word.get(state, "")
        )
    if asked.missing and not asked.wrong:
        unproven = _not_asked(asked.missing, asked.original)
        yield Finding(mode, probe.kind, probe.name, None, "", Result.UNPROVEN, None, None, "", unproven)
    for number, mutant in enumerate(probe.mutants):
        told_by = asked.killed_by(number)
        answers = asked.mutants[number]
        unasked = [each for each in probe.passes if mutant.is_asked(each) and each not in answers]
        result, why = Result.KILLED, ""
        if told_by is None:
            result = Result.UNPROVEN if unasked and not asked.wrong else Result.SURVIVED
            why = _not_asked(unasked, {}) if unasked else ""
        answer = answers.get(told_by) if told_by else None
        word = "" if told_by is None else probe.word.get(told_by, "")
        yield Finding(
            mode, probe.kind, probe.name, mutant.how, mutant.what, result, told_by, answer, word, why
        )


def _not_asked(states: list[State], said: Mapping[State, Answer]) -> str:
    told = [said[state].told for state in states if state in said and said[state].told]
    where = ", ".join(map(str, states))
    if told:
        return t("it gave no answer: {states}: {told}", states=where, told=told[0])
    return t("it could not be asked: {states}", states=where)


def passes(**by_state: str) -> dict[State, frozenset[Says]]:
    """``passes(before="no", in_force="yes", cut_off="nothing|no")``: what passes in each state."""
    return {
        State(name.replace("_", "-")): frozenset(Says(each) for each in says.split("|"))
        for name, says in by_state.items()
    }


def words(**by_state: str) -> dict[State, str]:
    """``words(before="blocked")``: what the toolkit says in each state where an answer does not pass."""
    return {State(name.replace("_", "-")): word for name, word in by_state.items()}


def exit_code(found: Mapping[str, list[Finding]] | list[Finding], *, broken: bool, unproven: bool) -> int:
    """0: no mutant survived · 1: one did, or an original does not discriminate · 4: not all could be proven · 5: left
    broken."""
    lines = found if isinstance(found, list) else [each for of in found.values() for each in of]
    if broken:
        return 5
    if any(each.result is Result.SURVIVED for each in lines):
        return 1
    if unproven or not lines or any(each.result is Result.UNPROVEN for each in lines):
        return 4
    return 0
