"""Proofs for a terminal, a pull request and a program. Pure: no stream and no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from chaos_ext.language import Said, listed, t
from chaos_ext.proving.answers import Break, Finding, Kind, Result, Says, State, exit_code
from chaos_ext.proving.proof import ModeProof
from chaos_ext.report.view_tables import Part

STATES: dict[State, str] = {
    State.BEFORE: t("before the fault"),
    State.IN_FORCE: t("in force"),
    State.CUT_OFF: t("with its source cut off"),
    State.AFTER: t("after its undo"),
}
SAYS: dict[Says, str] = {Says.YES: t("says yes"), Says.NO: t("says no"), Says.NOTHING: t("says nothing")}
BREAKS: dict[Break, str] = {
    Break.CONSTANT_TRUE: t("constant true"),
    Break.CONSTANT_FALSE: t("constant false"),
    Break.EMPTY_DATA: t("empty data"),
    Break.WRONG_TARGET: t("wrong target"),
    Break.SWALLOWED_EXCEPTION: t("swallowed exception"),
}
KINDS: dict[Kind, str] = {
    Kind.EVIDENCE: t("evidence"),
    Kind.VERIFICATION: t("Verification"),
    Kind.ALERT: t("alert"),
    Kind.IMPACT: t("impact"),
    Kind.RECOVERY: t("recovery"),
    Kind.STEADY_STATE: t("steady state"),
    Kind.LOOK: t("look"),
}


def code(proofs: Sequence[ModeProof]) -> int:
    """The exit code of them all: 0, 1, 4 or 5."""
    found = [line for proof in proofs for line in proof.found]
    return exit_code(
        found,
        broken=any(proof.broken for proof in proofs),
        unproven=any(proof.unproven or not proof.found for proof in proofs),
    )


def as_dict(proofs: Sequence[ModeProof]) -> dict[str, Any]:
    """Everything, for a program."""
    found = [line for proof in proofs for line in proof.found]
    return {
        "exit_code": code(proofs),
        "mutants": sum(line.how is not None for line in found),
        "survived": sum(line.result is Result.SURVIVED for line in found),
        "modes": [
            {
                "mode": proof.mode,
                "seconds": proof.seconds,
                "unproven": proof.unproven,
                "broken": proof.broken,
                "notes": proof.notes,
                "unmoved_looks": proof.unmoved,
            }
            for proof in proofs
        ],
        "rows": [line.as_dict() for line in found],
    }


def parts(proofs: Sequence[ModeProof]) -> list[Part]:
    """One table, and below it what is not in it."""
    rows = tuple(tuple(_row(line)) for proof in proofs for line in proof.found)
    headers = ("FAILURE MODE", "PROBE", "MUTANT", "RESULT")
    return [Part(summary(proofs), tuple(map(t, headers)), rows, listed(list(_remarks(proofs)), " "))]


def summary(proofs: Sequence[ModeProof]) -> Said:
    """How many mutants were made, and how many nobody noticed."""
    lines = [line for proof in proofs for line in proof.found]
    count = Counter(line.result for line in lines if line.how is not None)
    return t(
        "{killed} of {all} mutants killed, {survived} survived, {unproven} unproven; "
        "{wrong} probes do not discriminate",
        killed=count[Result.KILLED],
        all=count.total(),
        survived=count[Result.SURVIVED],
        unproven=count[Result.UNPROVEN],
        wrong=len(
            {(x.mode, x.kind, x.probe) for x in lines if x.how is None and x.result is Result.SURVIVED}
        ),
    )


def of_mode(proof: ModeProof) -> Said:
    """One line, when a mode's proof is over."""
    made = [line for line in proof.found if line.how is not None]
    return t(
        "{killed} of {all} mutants killed, {s:.0f} s",
        killed=sum(line.result is Result.KILLED for line in made),
        all=len(made),
        s=proof.seconds,
    )


def _row(line: Finding) -> Iterator[object]:
    yield line.mode
    yield t("{kind} {probe}", kind=KINDS[line.kind], probe=line.probe)
    made = t("original") if line.how is None else BREAKS[line.how]
    yield t("{mutant} ({what})", mutant=made, what=line.what) if line.what else made
    yield result(line)


def result(line: Finding) -> Said:
    """What became of it, in words."""
    if line.result is Result.UNPROVEN:
        return t("unproven: {why}", why=line.why)
    if line.state is None or line.answer is None:
        return t("SURVIVED: nobody would notice")
    values = {"state": STATES[line.state], "says": SAYS[line.answer.says], "word": line.word}
    if line.how is None:
        return t(
            "DOES NOT DISCRIMINATE: {state} it {says} ({word}): {told}",
            **values,
            told=line.answer.told or "-",
        )
    return t("killed: {state} it {says} ({word})", **values)


def _remarks(proofs: Sequence[ModeProof]) -> Iterator[str]:
    for proof in proofs:
        if proof.broken:
            yield t("{mode}: left broken: {why}.", mode=proof.mode, why=proof.broken)
        if proof.unproven:
            yield t("{mode}: not proven: {why}.", mode=proof.mode, why=proof.unproven)
        for note in proof.notes:
            yield t("{mode}: {note}.", mode=proof.mode, note=note)
    moved = {x.probe for proof in proofs for x in proof.found if x.kind is Kind.LOOK}
    never = sorted({name for proof in proofs for name in proof.unmoved} - moved)
    if never:
        yield t(
            "Looks in which no fault of these modes shows, so nothing is said of them: {names}.",
            names=listed(never),
        )
