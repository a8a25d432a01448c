"""What an experiment needs and nobody declares is named, each at its line; what is declared elsewhere is found."""

from __future__ import annotations

import pytest
from policy.conftest import OWN, experiment

from chaos_ext.errors import UsageError
from chaos_ext.safety.policy.needs import Need
from chaos_ext.safety.policy.permissions import derive


def refused(project, text, environment="dedicated") -> list[str]:
    project.write(OWN, text)
    with pytest.raises(UsageError) as raised:
        derive(project.root, project.request(environment=environment))
    return [str(problem) for problem in raised.value.problems]


def test_an_activity_of_a_driver_that_nobody_has_read_is_named(project):
    told = refused(project, experiment("chaosaws.rds.actions", "delete_everything", undo="bring_back"))
    assert told == [
        f"{OWN}:{line}: got 'chaosaws.rds.actions.{func}', expected an activity that declares what it needs on aws. "
        "Nobody has read yet what it calls: add it to third_party.yaml of chaos_ext.safety.policy."
        for line, func in ((3, "delete_everything"), (11, "bring_back"))
    ]


def test_an_activity_of_ones_own_that_declares_nothing_is_named(project):
    told = refused(project, experiment("chaos_ext.actions.lab.postgresql", "destroy_node", node="a"))
    assert len(told) == 1
    assert (
        "got 'chaos_ext.actions.lab.postgresql.destroy_node', expected an activity that declares" in told[0]
    )
    assert told[0].endswith(
        "Put @needs(…) of chaos_ext.safety.policy.needs above it; @needs() when it needs nothing."
    )


def test_what_a_program_needs_cannot_be_derived(project):
    text = "title: t\nmethod:\n- type: action\n  name: x\n  provider: {type: process, path: kubectl}\n"
    assert refused(project, text) == [
        f"{OWN}:3: got 'kubectl', expected a Python activity that declares what it needs. What a program or a request "
        "needs cannot be derived."
    ]


def test_a_block_of_a_runbook_that_says_it_wrongly_is_named(project):
    path = "catalog/runbooks/object-storage-denied.md"
    line = next(
        n for n, each in enumerate((project.root / path).read_text().splitlines(), 1) if '"replay"' in each
    )
    project.edit(path, '"name":"replay"', '"name":"replay","needs":"s3:PutObject"')
    with pytest.raises(UsageError) as raised:
        derive(project.root, project.request("object-storage-denied", "lab"))
    assert str(raised.value) == (
        f"{path}:{line}: needs: got 's3:PutObject', expected a cloud and an action, such as 'aws s3:PutBucketPolicy on "
        "arn:aws:s3:::exports'."
    )


def test_a_block_of_a_runbook_says_what_it_needs(project):
    path = "catalog/runbooks/object-storage-denied.md"
    needed = "aws s3:ListBucket on arn:aws:s3:::exports, aws s3:GetObject"
    project.edit(path, '"name":"replay"', f'"name":"replay","needs":"{needed}"')
    found = derive(project.root, project.request("object-storage-denied", "lab"))
    mine = [each.need for each in found if "runbook: replay" in each.by]
    assert mine == [Need("aws", "s3:GetObject"), Need("aws", "s3:ListBucket", "arn:aws:s3:::exports")]


LOOKS = """\
snapshot:
- type: probe
  name: clusters
  provider: {type: python, module: chaosaws.rds.probes, func: cluster_status, arguments: {cluster_id: orders}}
- {type: probe, name: page, provider: {type: http, url: "https://app.dedicated.example.com/state"}}
"""


def test_a_look_before_and_after_needs_what_it_calls(project):
    project.edit("environments/dedicated.yaml", "targets: {", LOOKS.rsplit("- {", 1)[0] + "targets: {")
    found = derive(project.root, project.request(environment="dedicated"))
    mine = [each.need.action for each in found if each.by == "clusters"]
    assert mine == ["rds:DescribeDBClusters"]


def test_a_look_that_is_a_request_cannot_be_derived(project):
    project.edit("environments/dedicated.yaml", "targets: {", LOOKS + "targets: {")
    with pytest.raises(UsageError) as raised:
        derive(project.root, project.request(environment="dedicated"))
    assert [str(problem) for problem in raised.value.problems] == [
        "environments/dedicated.yaml:19: got 'GET https://app.dedicated.example.com/state', expected a Python activity "
        "that declares what it needs. What a program or a request needs cannot be derived."
    ]
