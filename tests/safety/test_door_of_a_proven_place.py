"""The guarded door, an undo and a look in a place with credentials: what they find, and what an undo may need."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ways_for_tests as ways
from actions.support.actions_door import SmallTrial
from ways_for_tests import ENVIRONMENT, Field, python

from chaos_ext.actions import fault as door_of
from chaos_ext.actions.door import Fault
from chaos_ext.errors import Blocked, ChaosExtError, FaultNotInjected
from chaos_ext.masking import register
from chaos_ext.record import Recorder
from chaos_ext.restored import of_trial
from chaos_ext.safety import heal
from chaos_ext.safety.abort import Abort
from chaos_ext.safety.janitor import Janitor
from chaos_ext.safety.ledger import Entry, Ledger
from chaos_ext.safety.place import open_place
from chaos_ext.safety.stopper import Stopper

KUBERNETES = {"KUBERNETES_CONTEXT": "dedicated", "KUBERNETES_VERIFY_SSL": "true"}


@pytest.fixture
def door(field: Field) -> Iterator[SmallTrial]:
    """A trial in the dedicated environment, as small as can be."""
    place = open_place("dedicated")
    ledger = Ledger(field.root / ".chaos" / "ledger", "dedicated", place.instance)
    opened = SmallTrial(
        place, Recorder(field.root / ".chaos" / "events.jsonl"), ledger, Janitor.start(ledger.directory)
    )
    yield opened
    opened.janitor.close()
    opened.recorder.close()


Make = Callable[..., Fault]


@pytest.fixture
def fault(door: SmallTrial, thing: Any) -> Make:
    """A fault that breaks `thing`, with parts of it replaced."""

    def make(**more: Any) -> Fault:
        parts = {**thing.fault(), "cannot_be_undone_because": "", "configuration": {}, "secrets": {}, **more}
        return Fault(name="break-file", identity=door.place.environment.identity, **parts)

    return make


def test_it_goes_in_and_comes_back(door, fault, thing):
    door_of.through(door, fault())
    assert not thing.is_whole
    assert door_of.back_through(door, "break-file", {})["outcome"] == "undone"
    assert thing.is_whole


def _nothing_was_done(door: SmallTrial, thing: Any) -> None:
    assert thing.log("break") == []
    assert door.ledger.entries() == []


def test_evidence_is_a_probe(door, fault, thing):
    """It is run before anything is written down: an action there would be a fault without an undo."""
    with pytest.raises(Blocked, match="an in_force that is no probe"):
        door_of.through(door, fault(in_force=thing.fault()["activity"]))
    _nothing_was_done(door, thing)


@pytest.mark.parametrize("part", ["activity", "undo", "in_force"])
def test_no_part_of_a_fault_is_about_another_namespace(door, fault, thing, part):
    kind = "probe" if part == "in_force" else "action"
    elsewhere = python(kind, "terminate_pods", "chaosk8s.pod.actions", ns="production")
    with pytest.raises(Blocked, match="got 'production', expected 'shop'"):
        door_of.through(door, fault(**{part: elsewhere}))
    _nothing_was_done(door, thing)


# --- secrets that are none ------------------------------------------------------------------------


def _with_secrets(thing: Any) -> dict[str, Any]:
    undo = thing.fault()["undo"]
    return {**undo, "provider": {**undo["provider"], "secrets": ["k8s"]}}


@pytest.mark.parametrize("secrets", [KUBERNETES, {"k8s": KUBERNETES}], ids=["as-merged", "in-a-group"])
def test_an_undo_may_have_secrets_that_only_name_the_place(door, fault, thing, secrets):
    """The janitor has none, and needs none: it finds the same context pinned."""
    door_of.through(door, fault(undo=_with_secrets(thing), secrets=secrets))
    (entry,) = door.ledger.open_entries()
    assert heal.undo_entry(entry).state == "undone"
    assert thing.is_whole


@pytest.mark.parametrize(
    "secrets", [{}, {**KUBERNETES, "TOKEN": "a-real-one"}, {"k8s": {"TOKEN": "a-real-one"}}]
)
def test_an_undo_that_needs_a_secret_is_refused(door, fault, thing, secrets):
    with pytest.raises(Blocked, match="an undo that needs secrets"):
        door_of.through(door, fault(undo=_with_secrets(thing), secrets=secrets))
    _nothing_was_done(door, thing)


def test_a_name_that_stands_among_secrets_is_not_hidden_from_the_ledger(field, door, fault, thing):
    """An experiment of a team's own, as it runs in the gate; then a fault of the same process."""
    field.experiment["secrets"] = {"k8s": {**KUBERNETES, "TOKEN": "a-real-secret"}}
    journal = field.run()
    assert journal["status"] == "completed"
    assert register.hide("a-real-secret") == "***"
    assert register.hide("the context dedicated is true") == "the context dedicated is true"
    door_of.through(door, fault())
    assert door_of.back_through(door, "break-file", {})["outcome"] == "undone"


# --- what an undo and a look find -----------------------------------------------------------------


def _found(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)


@pytest.fixture
def astray(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that points at production."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("KUBECONFIG", str(ways.of_production(field)))


def test_what_is_undone_at_an_abort_is_undone_in_the_proven_place(
    field, door, fault, thing, astray, tmp_path
):
    """At an abort an injection that hangs is undone once at once, in a thread of its own."""
    kept = tmp_path / "kept"
    undo = python("action", "keep_variables", path=str(kept))
    entry = door.ledger.intend(
        "break", **{**thing.fault(), "undo": undo}, target="x", prior={}, lease_s=60, configuration={},
        identity=door.place.environment.identity,
    )  # fmt: skip
    heal.undo_once(entry)
    assert _found(kept)["AWS_PROFILE"] == "chaos"
    assert _found(kept)["KUBECONFIG"] != os.environ["KUBECONFIG"]
    assert os.environ["AWS_PROFILE"] == "production", "put back afterwards"


def test_a_stopper_undoes_in_the_proven_place(field, door, thing, astray, tmp_path):
    kept = tmp_path / "kept"
    entry = door.ledger.intend(
        "break", **{**thing.fault(), "undo": python("action", "keep_variables", path=str(kept))}, target="x",
        prior={}, lease_s=60, configuration={}, identity=door.place.environment.identity,
    )  # fmt: skip
    abort = Abort()
    stopper = Stopper(abort, door.ledger, door.recorder.emit)
    stopper.expect(entry, {})
    abort.ask("enough", "program")
    stopper.close()
    assert _found(kept)["AWS_PROFILE"] == "chaos"


class _Looked:
    """A trial as the looks before and after a fault see it."""

    def __init__(self, door: SmallTrial, look: dict[str, Any]) -> None:
        environment = door.place.environment.model_copy(update={"snapshot": (look,)})
        self.place = door.place.__class__(environment, door.place.instance, door.place.facts)
        self.emit, self.prove = door.recorder.emit, door.prove

    def last(self, kind: str) -> None:
        return None


def test_a_look_before_a_fault_is_a_look_at_the_proven_place(door, astray, tmp_path):
    kept = tmp_path / "kept"
    of_trial.before(_Looked(door, python("probe", "keep_variables", path=str(kept))))  # type: ignore[arg-type]
    assert _found(kept)["AWS_PROFILE"] == "chaos"


# --- a place that nobody may touch ------------------------------------------------------------------


def _deny(field: Field) -> None:
    field.edit("windows:", f"deny: {{kubernetes: [{{cluster_uid: {ways.UID.upper()}}}]}}\nwindows:")


def _broken(door: SmallTrial, fault: Make) -> Entry:
    door_of.through(door, fault())
    (entry,) = door.ledger.open_entries()
    return entry


def test_what_is_denied_by_now_is_not_undone_and_needs_a_person(field, door, fault, thing):
    """Somebody saw in whose place the fault is, and said that nobody may touch it."""
    entry = _broken(door, fault)
    _deny(field)
    refused = heal.undo_entry(entry)
    assert (refused.state, thing.is_whole) == ("failed", False)
    assert "which this environment denies" in refused.why
    assert "It needs a person" in refused.why
    heal.undo_once(entry)
    assert not thing.is_whole, "at an abort neither"
    field.edit(f"deny: {{kubernetes: [{{cluster_uid: {ways.UID.upper()}}}]}}\n", "")
    assert heal.undo_entry(entry).state == "undone"


def test_what_was_denied_stays_denied_when_the_file_is_gone(field, door, fault, thing, monkeypatch):
    """The ledger says it: the cluster that answers now is the denied one."""
    field.edit("windows:", "deny: {kubernetes: [{cluster_uid: of-production}]}\nwindows:")
    door.place = open_place("dedicated")
    entry = _broken(door, fault)
    (field.root / ENVIRONMENT).unlink()
    good = dict(field.dedicated.answers)
    ways.as_cluster(field.dedicated, "of-production", purpose="chaos")
    refused = heal.undo_entry(entry)
    assert (refused.state, thing.is_whole) == ("failed", False)
    assert "which this environment denies" in refused.why
    field.dedicated.answers.update(good)
    assert heal.undo_entry(entry).state == "undone"


def test_a_file_that_nobody_can_read_does_not_keep_anything_broken(field, door, fault, thing):
    entry = _broken(door, fault)
    field.write(ENVIRONMENT, "name: [")
    assert heal.undo_entry(entry).state == "undone"
    assert thing.is_whole


def test_it_is_refused_before_it_goes_in(field, door, fault, thing):
    field.edit("windows:", "deny: {kubernetes: [{cluster_uid: of-production}]}\nwindows:")
    door.place = open_place("dedicated")
    ways.as_cluster(field.dedicated, "of-production", purpose="chaos")
    with pytest.raises(ChaosExtError, match="which this environment denies") as refused:
        door_of.through(door, fault())
    assert not isinstance(refused.value, FaultNotInjected)
    _nothing_was_done(door, thing)
