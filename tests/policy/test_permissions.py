"""What an experiment must be allowed: exactly what it calls, in the form that each platform takes."""

from __future__ import annotations

import json
import shutil
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from chaoslib.exceptions import ActivityFailed
from policy.conftest import DEDICATED, OWN, experiment
from safety.conftest import _own_directory, start_place

from chaos_ext.actions.lab import cloud, queue, storage
from chaos_ext.catalog.activities import Functions
from chaos_ext.report import permissions as report
from chaos_ext.safety.policy import needs
from chaos_ext.safety.policy.needs import placed
from chaos_ext.safety.policy.permissions import derive
from chaos_lab import cloud_names

REGION, ACCOUNT = cloud_names.REGION, cloud_names.ACCOUNT


@dataclass
class Cloud:
    """A cloud that asks of every call whether it is allowed, and what an activity of the lab is told of it."""

    url: str
    facts: dict[str, Any]
    directory: Path

    def client(self, service: str) -> Any:
        import boto3

        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id="admin", aws_secret_access_key="a"
        )  # fmt: skip

    def enforce(self, after: float) -> None:
        """Let `after` more calls pass without asking, then ask."""
        request = urllib.request.Request(
            f"{self.url}/moto-api/reset-auth", str(after).encode(), {"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(request, timeout=5).close()

    def user(self, policy: str) -> dict[str, Any]:
        """The configuration of activities that run as a user with just this policy."""
        self.enforce(4)
        self.client("s3").delete_bucket_policy(Bucket="exports")  # of the test before
        iam, name = self.client("iam"), f"u{uuid.uuid4().hex[:6]}"
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        iam.put_user_policy(UserName=name, PolicyName="chaos", PolicyDocument=policy)
        mine = {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"], "region": REGION}
        facts = {**self.facts, "cloud": {**mine, "url": self.url, "queue_url": self.queue_url}}
        return {"chaos_facts": facts}

    @property
    def queue_url(self) -> str:
        return f"{self.url}/{ACCOUNT}/{cloud_names.QUEUE}"


@pytest.fixture(scope="module")
def enforcing():
    """moto over HTTP, with its users and policies in force, and a place that proves itself."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    directory = _own_directory()
    place = start_place(directory)
    made = Cloud(f"http://{host}:{port}", {**place.facts, "conf": str(directory)}, directory)
    made.enforce(100)
    s3, sqs = made.client("s3"), made.client("sqs")
    s3.create_bucket(Bucket="exports", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket="exports", VersioningConfiguration={"Status": "Enabled"})
    sqs.create_queue(QueueName=cloud_names.QUEUE, Attributes={"FifoQueue": "true", "VisibilityTimeout": "1"})
    kept = {**cloud_names.exports_policy(), "Statement": cloud_names.exports_policy()["Statement"][:1]}
    (directory / "exports-policy.json").write_text(json.dumps(kept))
    yield made
    made.enforce(float("inf"))
    place.stop()
    server.stop()
    shutil.rmtree(directory)


def policy(project, mode) -> str:
    return report.aws_policy(derive(project.root, project.request(mode, "lab")))


def storage_s_story(configuration):
    """Every call of the mode's activities: not denied, denied, put back."""
    assert storage.objects_are_denied("exports", configuration)["holds"] is False
    storage.deny_objects("exports", configuration)
    assert storage.objects_are_denied("exports", configuration)["holds"] is True
    assert storage.restore_policy("exports", configuration)["outcome"] == "undone"


def test_the_derived_policy_is_enough_where_policies_are_in_force(project, enforcing):
    storage_s_story(enforcing.user(policy(project, "object-storage-denied")))


SHIPPED = ["s3:PutBucketPolicy", "s3:GetBucketPolicy", "s3:PutObject", "s3:DeleteObjectVersion"]


@pytest.mark.parametrize("less", SHIPPED)
def test_and_nothing_of_it_is_too_much(project, enforcing, less):
    whole = json.loads(policy(project, "object-storage-denied"))
    for statement in whole["Statement"]:
        statement["Action"] = [each for each in statement["Action"] if each != less] or ["s3:Nothing"]
    configuration = enforcing.user(json.dumps(whole))
    with pytest.raises((ActivityFailed, AssertionError)):
        storage_s_story(configuration)


def recorded(configuration: dict[str, Any], story) -> set[str]:
    """The IAM actions of every call that botocore makes meanwhile."""
    facts = configuration["chaos_facts"]["cloud"]
    calls: set[str] = set()

    def note(params, model, **_):
        name = model.name.removesuffix("Batch")
        if name == "DeleteObject" and params.get("VersionId"):
            name = "DeleteObjectVersion"
        calls.add(f"{model.service_model.signing_name}:{name}")

    events = cloud._session(facts["access_key"], facts["secret_key"], facts["region"]).events
    events.register("before-parameter-build", note)
    try:
        story(configuration)
    finally:
        events.unregister("before-parameter-build", note)
    return calls


def allowed(project, mode) -> set[str]:
    return {each.need.action for each in derive(project.root, project.request(mode, "lab"))}


def test_storage_calls_exactly_what_is_derived(project, enforcing):
    configuration = enforcing.user(policy(project, "object-storage-denied"))
    calls = recorded(configuration, storage_s_story)
    assert calls == allowed(project, "object-storage-denied") == set(SHIPPED)


def test_the_queue_calls_exactly_what_is_derived(project, enforcing, monkeypatch):
    # moto asks for the batch by its own name; AWS has no such permission.
    moto_s = policy(project, "queue-poison-message").replace('Visibility"', 'Visibility*"')
    configuration = enforcing.user(moto_s)
    logs = enforcing.directory / "logs"
    logs.mkdir(exist_ok=True)
    configuration["chaos_facts"]["logs"] = str(logs)
    (logs / "insight.log").write_text(
        '{"event": "cannot-read", "at": "2026-11-24T03:00:00+00:00", "message": "m"}\n'
    )
    monkeypatch.setattr(
        queue, "_newest_survey", lambda node, configuration: "s"
    )  # of a database that is not here
    monkeypatch.setattr(queue, "_tell", lambda *_, **__: None)  # of a reader that is not here

    def story(configuration):
        queue.publish_malformed("pg-a", configuration)
        assert queue.reader_crashes("insight", configuration)["waiting"] == 1
        with cloud.client("sqs", configuration) as sqs:
            # One of another group before it, so that something must be given back.
            sqs.send_message(
                QueueUrl=enforcing.queue_url, MessageBody="{}", MessageGroupId="a", MessageDeduplicationId="a"
            )
        assert queue.remove_malformed("insight", configuration)["outcome"] == "undone"

    assert recorded(configuration, story) == allowed(project, "queue-poison-message")


# --- what platforms take ---


def test_an_aws_policy_has_a_statement_for_each_set_of_actions(project):
    found = json.loads(policy(project, "object-storage-denied"))
    assert found == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Chaos1",
                "Effect": "Allow",
                "Action": ["s3:DeleteObjectVersion", "s3:PutObject"],
                "Resource": ["arn:aws:s3:::exports/probes/*"],
            },
            {
                "Sid": "Chaos2",
                "Effect": "Allow",
                "Action": ["s3:GetBucketPolicy", "s3:PutBucketPolicy"],
                "Resource": ["arn:aws:s3:::exports"],
            },
        ],
    }


def test_resources_name_the_arguments_and_the_account(project):
    found = derive(project.root, project.request())
    assert [(each.need.action, each.need.where) for each in found] == [
        ("rds:FailoverDBCluster", f"arn:aws:rds:*:{ACCOUNT}:cluster:orders"),
        ("rds:FailoverDBCluster", f"arn:aws:rds:*:{ACCOUNT}:cluster:users"),
        ("rds:FailoverDBCluster", f"arn:aws:rds:*:{ACCOUNT}:db:*"),
    ]


KUBERNETES = (
    DEDICATED.replace("platform: aws", "platform: kubernetes")
    .replace("name: dedicated", "name: cluster")
    .replace(
        '  aws: {account: "123456789012", role: chaos, profile: dedicated}',
        "  kubernetes: {cluster_uid: u, namespace: shop, label: chaos=yes, kubeconfig: /k, context: c}",
    )
)
GOOGLE = (
    DEDICATED.replace("platform: aws", "platform: gcp")
    .replace("name: dedicated", "name: project")
    .replace(
        '  aws: {account: "123456789012", role: chaos, profile: dedicated}',
        '  google: {project: p, project_number: "1", labels: chaos=yes, credentials_file: /k}',
    )
)


def test_rbac_has_a_role_for_each_namespace_and_what_the_proof_asks(project):
    project.write("environments/cluster.yaml", KUBERNETES)
    project.write(
        OWN, experiment("chaosk8s.pod.actions", "terminate_pods", label_selector="app=shop", ns="shop")
    )
    found = derive(project.root, project.request(environment="cluster"))
    documents = list(yaml.safe_load_all(report.k8s_rbac(found, "two-databases", ("chaos", "runner"))))
    account = [{"kind": "ServiceAccount", "namespace": "chaos", "name": "runner"}]
    assert [document["kind"] for document in documents] == [
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
    ]
    assert documents[0]["rules"] == [
        {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["shop"], "verbs": ["get"]},
    ]
    assert documents[2] == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "chaos-two-databases", "namespace": "shop"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["delete", "list"]}],
    }
    assert documents[3]["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "chaos-two-databases",
    }  # fmt: skip
    assert documents[3]["subjects"] == account


def test_rbac_knows_groups_and_subresources(project):
    project.write("environments/cluster.yaml", KUBERNETES)
    text = experiment("chaosk8s.node.actions", "drain_nodes", undo="uncordon_node", name="n")
    project.write(OWN, text)
    found = derive(project.root, project.request(environment="cluster"))
    (role, *_) = yaml.safe_load_all(report.k8s_rbac(found, "x", ("a", "b")))
    assert {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]} in role["rules"]
    assert {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "patch"]} in role["rules"]
    project.write(OWN, experiment("chaosk8s.networking.actions", "deny_all_ingress", ns="shop"))
    found = derive(project.root, project.request(environment="cluster"))
    roles = {d["kind"]: d for d in yaml.safe_load_all(report.k8s_rbac(found, "x", ("a", "b")))}
    assert roles["Role"]["rules"] == [
        {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["create"]}
    ]


def test_a_custom_role_lists_its_permissions(project):
    project.write("environments/project.yaml", GOOGLE)
    project.write(OWN, experiment("chaosgcp.sql.actions", "trigger_failover", instance_id="orders"))
    found = derive(project.root, project.request(environment="project"))
    assert yaml.safe_load(report.gcp_role(found, "two-databases")) == {
        "title": "chaos two-databases",
        "description": "Exactly for two-databases",
        "stage": "GA",
        "includedPermissions": [
            "cloudsql.instances.failover", "cloudsql.instances.get", "resourcemanager.projects.get",
        ],
    }  # fmt: skip


# --- the table of drivers' activities ---


@pytest.mark.parametrize("name", needs.third_party())
def test_what_the_table_says_of_a_driver_can_be_given_to_its_platform(name):
    driver, found = name.split(".")[0], needs.third_party()[name]
    assert {each.cloud for each in found} == {
        {"chaosaws": "aws", "chaosgcp": "gcp", "chaosk8s": "kubernetes"}[driver]
    }
    for need in found:
        (one, *_) = placed(need, {}, {})
        assert "{" not in one.where
        if need.cloud == "kubernetes":
            verb = need.action.split(" ")[0]
            assert verb in ("get", "list", "create", "patch", "delete")
    module, _, func = name.rpartition(".")
    if Functions()._function(module, func).wrong_key == "module":
        pytest.skip(f"{driver} is not installed")
    assert not Functions()._function(module, func).wrong_key
