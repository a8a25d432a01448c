"""Whether a trial left its place as it found it, from what was seen before and after. Judged again, not believed."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_ext.language import t
from chaos_ext.model import Arm, Reason
from chaos_ext.restored import Remains, differences, remains
from chaos_ext.restored.words import said, to_do
from chaos_ext.verdict.facts import Facts

_WORD = "environment-not-restored"
_TOLD = 20  # differences of a trial; the record has the rest


def not_restored(facts: Facts, *, thrown_away: bool) -> Iterator[Reason]:
    """What is not as it was, and what could not be looked at. `thrown_away`: the whole place is gone."""
    looks = facts.all("snapshot")
    before = next((look for look in looks if look["when"] == "before"), None)
    after = next((look for look in reversed(looks) if look["when"] == "after"), None)
    if before is None or not (facts.has("fault-intended") or facts.arm is Arm.HEALTHY):
        return  # nothing was broken; a fault without a look before it is `no-data`
    if after is None:
        if not thrown_away:
            yield facts.reason(
                _WORD, t("has no look at the place after the undo: whether it is as it was is not known.")
            )
        return
    found = of(facts)
    for difference in found.unexpected[:_TOLD]:
        yield facts.reason(_WORD, t("left a difference: {difference}.", difference=said(difference)))
    if len(found.unexpected) > _TOLD:
        yield facts.reason(
            _WORD, t("left {count} more differences; see its events.", count=len(found.unexpected) - _TOLD)
        )
    not_seen = dict.fromkeys((name for name in before["seen"] if name not in after["seen"]), t("no answer"))
    for name, why in {**not_seen, **after["failed"]}.items():
        yield facts.reason(_WORD, t("could not look at {name} after the undo: {why}.", name=name, why=why))
    if found.unexpected:
        yield Reason(_WORD, to_do(facts.run.mode.id, disposable=facts.run.environment.disposable))


def of(facts: Facts) -> Remains:
    """What the looks of a trial say, less what its mode leaves; both looks must be there."""
    looks = facts.all("snapshot")
    before = next(look for look in looks if look["when"] == "before")
    after = next(look for look in reversed(looks) if look["when"] == "after")
    known = {name: value for name, value in before["seen"].items() if name in after["seen"]}
    followed = facts.acted and facts.has("runbook-started")
    return remains(differences(known, after["seen"]), facts.run.mode.leaves, followed=followed)
