"""What looks at an environment around a trial runs what its file says: it is decided as evidence is."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from policy.conftest import DEDICATED, EXPERIMENT, NOW, OWN, through_the_door

from chaos_ext.cli.policy import policy
from chaos_ext.errors import Blocked
from chaos_ext.report.guidelines import in_a_plan
from chaos_ext.safety.policy import enforcing
from chaos_ext.trial import Trial


def ruling(project):
    request = project.request()
    return enforcing.rule(
        project.root, request.experiment, request.environment, id=request.id, file=request.file, at=NOW,
    )  # fmt: skip


EVIL = "snapshot:\n- {type: probe, name: evil, provider: {type: process, path: touch, arguments: [%s]}}\n"
FREE = """\
schema: 1
rules:
  - id: what-breaks
    decision: free
    reason: {en: It is, ja: 自由}
    match: {provider: process, activity: sh}
"""


class Looking:
    """As much of a trial as a look before the fault needs."""

    def __init__(self, environment) -> None:
        self.place = SimpleNamespace(environment=environment.model_copy(update={"identity": {}}), facts={})
        self.mode = SimpleNamespace(id="two-databases")

    def prove(self) -> None:
        """It is the one."""

    def emit(self, kind, **fields):
        return {"kind": kind, **fields}

    def last(self, kind) -> None:
        """Nothing was looked at before."""


@pytest.fixture
def touched(project, tmp_path):
    """A file that a look makes, where the fault itself is free."""
    file = tmp_path / "touched"
    project.write("catalog/guidelines.yaml", FREE)
    project.write("environments/dedicated.yaml", DEDICATED + EVIL % file)
    project.write(OWN, through_the_door("true"))
    return file


def test_a_look_that_may_change_something_is_decided_as_evidence_is(project, touched):
    found = ruling(project)
    assert not found.may_run
    (against,) = enforcing.against(found.decided, found.decision)
    assert str(enforcing.said(against)).startswith(
        "catalog/guidelines.yaml: environments/dedicated.yaml: snapshot.evil: needs an SRE's review in dedicated: "
        "no rule is about it"
    )


def test_it_is_not_run_without_an_approval(project, touched, mika):
    with pytest.raises(Blocked, match=r"environments/dedicated\.yaml: snapshot\.evil: needs an SRE's review"):
        Trial.look_before_fault(Looking(project.place()))
    assert not touched.exists()
    project.edit("catalog/guidelines.yaml", "activity: sh", "activity: [sh, touch]")
    Trial.look_before_fault(Looking(project.place()))
    assert touched.exists()


def test_an_approval_names_it(project, touched, mika):
    project.approve(mika)
    assert ruling(project).may_run
    place = project.place()
    enforcing.refuse_to_look(place, "two-databases", NOW)
    other = {**place.snapshot[0], "provider": {"type": "process", "path": "rm", "arguments": [str(touched)]}}
    with pytest.raises(Blocked, match="expected"):
        enforcing.refuse_to_look(place.model_copy(update={"snapshot": (other,)}), "two-databases", NOW)


@pytest.mark.parametrize("look", [
    "lab.postgresql", "{type: probe, name: v, provider: {type: http, url: 'https://app.dedicated.example.com/v'}}",
    "{type: probe, name: v, provider: {type: python, module: chaosaws.rds.probes, func: cluster_status}}",
])  # fmt: skip
def test_a_look_that_only_looks_is_free(project, touched, look):
    text = DEDICATED + f"snapshot: [{look}]\n"
    project.write("environments/dedicated.yaml", text)
    assert ruling(project).may_run
    enforcing.refuse_to_look(project.place(), "two-databases", NOW)
    said = CliRunner().invoke(policy, ["explain", str(project.root / OWN), "--lang", "en"]).output
    assert ("\n  environments/dedicated.yaml: snapshot.v: " in said) == (not look.startswith("lab."))


def test_an_experiment_that_never_looks_is_not_asked_about_looks(project, touched):
    project.write(OWN, EXPERIMENT)
    assert {each.subject.name for each in ruling(project).decided} == {"fail-over"}


@pytest.mark.parametrize(("language", "told"), [
    ("en", "\n\n  environments/dedicated.yaml: snapshot.evil: touch\n    needs a review: no rule is about it"),
    ("ja", "\n\n  environments/dedicated.yaml: snapshot.evil: touch\n    要確認"),
])  # fmt: skip
def test_explain_and_a_plan_show_it(project, touched, language, told):
    words = ["explain", str(project.root / OWN)]
    assert told in CliRunner().invoke(policy, [*words, "--lang", language]).output
    found = json.loads(CliRunner().invoke(policy, [*words, "--json"]).output)
    assert [(each["name"], each["decision"]) for each in found["faults"] if each["part"] == "look"] == [
        ("snapshot.evil", "review")
    ]
    planned = list(map(str, in_a_plan(ruling(project))))
    assert any(
        line.startswith("environments/dedicated.yaml: snapshot.evil: needs a review (") for line in planned
    )
