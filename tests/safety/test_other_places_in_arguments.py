"""A driver's arguments, and its defaults, say where it acts: nothing but the proven place gets through."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import ways_for_tests as ways
from peers import need_driver
from ways_for_tests import ENVIRONMENT, Field, python

from chaos_ext.errors import Blocked
from chaos_ext.safety.identity import arguments

PODS = "chaosk8s.pod.actions"
PLACE = {
    "kubernetes": {"namespace": "shop", "context": "dedicated"},
    "google": {"project": "acme-chaos", "project_number": "415104041262", "credentials_file": "/key.json"},
    "aws": {"account": "111122223333", "role": "ChaosRunner", "region": "ap-northeast-1"},
}


def _terminate(field: Field, **given: Any) -> None:
    field.experiment["method"] = [
        python("action", "terminate_pods", PODS, label_selector="app=intake", **given)
    ]
    field.experiment["rollbacks"] = []


# --- through the gate -----------------------------------------------------------------------------


def test_its_own_namespace_is_reached(field, driver):
    _terminate(field, ns="shop")
    field.run()
    assert field.dedicated.changed == [("POST", "/api/v1/namespaces/shop/pods")]


def test_where_the_namespace_is_default_it_need_not_be_said(field, driver):
    field.edit("    namespace: shop", "    namespace: default")
    field.dedicated.answers["/api/v1/namespaces/default"] = ways.namespace("default", "d", purpose="chaos")
    _terminate(field)
    field.run()
    assert field.dedicated.changed == [("POST", "/api/v1/namespaces/default/pods")]


def _said_in(where: str) -> Callable[[Field], None]:
    def trick(field: Field) -> None:
        _terminate(field, ns="${where}")
        settings = {"where": "production"}
        if where == "secrets":
            field.experiment["secrets"] = {"k8s": settings}
        else:
            field.experiment["configuration"].update(settings)

    return trick


WAYS: dict[str, tuple[Callable[[Field], None], str]] = {
    "omitted": (_terminate, "got nothing, which means 'default' to the driver, expected 'shop'"),
    "another": (lambda field: _terminate(field, ns="production"), "got 'production', expected 'shop'"),
    "other-case": (lambda field: _terminate(field, ns="Shop"), "got 'Shop', expected 'shop'"),
    "nothing": (lambda field: _terminate(field, ns=None), "got 'None', expected 'shop'"),
    "by-configuration": (_said_in("configuration"), "got 'production', expected 'shop'"),
    "by-secrets": (_said_in("secrets"), "expected 'shop'"),
    "unfilled": (lambda field: _terminate(field, ns="${nowhere}"), "got '${nowhere}', expected 'shop'"),
    "context-among-the-arguments": (
        lambda field: _terminate(field, ns="shop", secrets={"KUBERNETES_CONTEXT": "production"}),
        "arguments.secrets.KUBERNETES_CONTEXT: got a way around",
    ),
}


@pytest.mark.parametrize("name", WAYS)
def test_another_namespace_is_refused_before_anything_is_called(field, driver, caplog, name):
    trick, says = WAYS[name]
    trick(field)
    journal = field.run()
    assert says in caplog.text
    assert field.changes == []
    assert journal["status"] == "interrupted"


def test_a_rollback_of_another_namespace_is_refused_too(field, driver):
    field.experiment["rollbacks"] = [python("action", "terminate_pods", PODS, ns="production")]
    field.run()
    assert ("POST", "/by-http") in field.dedicated.changed, "there is something to roll back"
    assert [each for each in field.dedicated.changed if "namespaces" in each[1]] == []


# --- each argument --------------------------------------------------------------------------------


def _manifest(namespace: str) -> str:
    return f'{{"apiVersion": "a/v1", "kind": "Thing", "metadata": {{"name": "x"{namespace}}}}}'


SQL, NODEPOOL = "chaosgcp.sql.actions.trigger_failover", "chaosgcp.gke.nodepool.actions.delete_nodepool"
CLUSTERS = "projects/{}/locations/asia-northeast1/clusters/a"
REFUSED = [
    ("chaosk8s.node.actions.drain_nodes", {"pod_namespace": "kube-system"}),
    ("chaosk8s.chaosmesh.network.actions.add_latency", {"ns": "shop", "namespaces_selectors": "shop,production"}),
    ("chaosk8s.chaosmesh.network.actions.add_latency", {"ns": "shop", "namespaces_selectors": ["production"]}),
    ("chaosk8s.chaosmesh.network.actions.set_loss", {"ns": "shop", "target_namespaces_selectors": ["production"]}),
    ("chaosk8s.namespace.actions.create_namespace", {"name": "production"}),
    ("chaosk8s.crd.actions.apply_from_json", {"resource": _manifest(', "namespace": "production"')}),
    ("chaosk8s.crd.actions.apply_from_json", {"resource": _manifest("")}),  # means default
    ("chaosk8s.crd.actions.apply_from_yaml", {"resource": "metadata: {namespace: production}"}),
    ("chaosk8s.crd.actions.apply_from_yaml", {"resource": "metadata: [not, yaml"}),
    ("chaosk8s.crd.actions.create_custom_object",
     {"ns": "shop", "resource": {"spec": {"selector": {"namespaces": ["shop", "production"]}}}}),
    ("chaosk8s.crd.actions.patch_custom_object",
     {"ns": "shop", "resource": [{"op": "add", "path": "/spec/selector/namespaces/0", "value": "production"}]}),
    ("chaosk8s.crd.actions.create_custom_object", {"ns": "shop", "resource_as_yaml_file": "/nowhere.yaml"}),
    ("chaosk8s.create_k8s_api_client", {}),
    (SQL, {"project_id": "acme-production"}),
    (SQL, {"project_id": ["acme-production"]}),
    ("chaosgcp.apphub.actions.inject_fault_if_url_map_exists_app_hub", {"host_project_id": "acme-production"}),
    (NODEPOOL, {"parent": CLUSTERS.format("acme-production")}),
    ("chaosgcp.cloudrun.actions.delete_service", {"parent": "project/acme-production/locations/a/services/b"}),
    ("chaosgcp.networkconnectivity.actions.create_policy_based_route", {"parent_value": "projects/acme-production/x"}),
    ("chaosgcp.lb.actions.inject_traffic_delay",
     {"url_map": "https://www.googleapis.com/compute/v1/projects/acme-production/global/urlMaps/a"}),
    ("chaosaws.ssm.actions.send_command", {"document_name": "a", "region": "us-east-1"}),
    ("chaosaws.route53.actions.associate_vpc_with_zone", {"vpc_region": "us-east-1"}),
    ("chaosaws.s3.actions.toggle_versioning", {"bucket_name": "a", "owner": "444455556666"}),
    ("chaosaws.msk.actions.reboot_msk_broker", {"cluster_arn": "arn:aws:kafka:ap-northeast-1:444455556666:cluster/a"}),
    ("chaosaws.msk.actions.reboot_msk_broker", {"cluster_arn": "arn:aws:kafka:us-east-1:111122223333:cluster/a/b"}),
    ("chaosaws.ecs.actions.tag_resource", {"tags": [{"a": "see arn:aws:ecs:us-east-1:111122223333:task/x"}]}),
    ("chaosaws.iam.actions.attach_role_policy", {"arn": "arn:aws:iam::444455556666:policy/x"}),
    ("chaosaws.fis.actions.start_stress_pod_delete_scenario", {"namespace": "production"}),
    ("chaosaws.signed_api_call", {"service": "evil.example.com/#"}),
]  # fmt: skip
ADMITTED = [
    ("chaosk8s.node.actions.cordon_node", {"name": "a"}),
    ("chaosk8s.chaosmesh.network.actions.add_latency", {"ns": "shop", "namespaces_selectors": "shop"}),
    ("chaosk8s.crd.actions.apply_from_json", {"resource": _manifest(', "namespace": "shop"')}),
    ("chaosk8s.crd.actions.create_custom_object", {"ns": "shop", "resource": {"metadata": {"namespace": "shop"}}}),
    (SQL, {"instance_id": "orders"}),
    (SQL, {"project_id": "acme-chaos"}),
    (SQL, {"project_id": "415104041262"}),
    (NODEPOOL, {"parent": CLUSTERS.format("acme-chaos")}),
    ("chaosgcp.lb.actions.add_latency_to_endpoint", {"url": "https://shop.example.com/projects/42"}),
    ("chaosaws.msk.actions.reboot_msk_broker",
     {"cluster_arn": "arn:aws:kafka:ap-northeast-1:111122223333:cluster/a/b"}),
    ("chaosaws.s3.actions.delete_object", {"bucket_name": "arn:aws:s3:::exports"}),
    ("chaosaws.iam.actions.attach_role_policy", {"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
    ("chaosaws.awslambda.actions.add_latency", {"layer": "arn:aws:lambda:us-east-1:871265522301:layer:a:1"}),
    ("shop_probes.workers.anything", {"ns": "of-their-own"}),
]  # fmt: skip


def _ask(function: str, given: dict[str, Any], identity: Any = PLACE) -> None:
    module, _, func = function.rpartition(".")
    arguments.refuse_others(identity, python("action", func, module, **given), {}, {})


@pytest.mark.parametrize(("function", "given"), REFUSED, ids=str)
def test_an_argument_that_names_another_place_is_refused(function, given):
    with pytest.raises(Blocked):
        _ask(function, given)


@pytest.mark.parametrize(("function", "given"), ADMITTED, ids=str)
def test_an_argument_that_names_the_proven_place_is_not(function, given):
    _ask(function, given)


def test_what_the_identity_does_not_say_nothing_proves():
    with pytest.raises(Blocked, match=r"identity that says it.*\(identity\.aws\.region\)"):
        _ask("chaosaws.ssm.actions.send_command", {"region": "us-east-1"}, {"aws": {"account": "1"}})


def test_an_object_in_a_file_is_read(tmp_path):
    path = tmp_path / "namespace.yaml"
    path.write_text("kind: Namespace\nmetadata: {name: production}\n")
    with pytest.raises(Blocked, match="got 'production', expected 'shop'"):
        _ask("chaosk8s.namespace.actions.create_namespace", {"spec_path": str(path)})
    path.write_text("kind: Namespace\nmetadata: {name: shop}\n")
    _ask("chaosk8s.namespace.actions.create_namespace", {"spec_path": str(path)})


def test_a_project_of_its_own_says_nothing_of_the_environment(field, driver):
    """The identity is what counts, not what the environment is called."""
    field.edit("    namespace: shop", "    namespace: intake")
    field.dedicated.answers["/api/v1/namespaces/intake"] = ways.namespace("intake", "i", purpose="chaos")
    assert "shop" not in (field.root / ENVIRONMENT).read_text()
    _terminate(field, ns="shop")
    field.run()
    assert field.changes == []


# --- the drivers themselves -----------------------------------------------------------------------

_A_PLACE = re.compile(r"^ns$|namespace|project|region(?!al)|account|parent|owner")
_NO_PLACE = {
    "service_account",  # as whom a new service or pod runs
    ("chaosaws.cloudwatch.actions", "namespace"),  # of metrics
}


@pytest.mark.peers
@pytest.mark.parametrize("package", ["chaosk8s", "chaosgcp", "chaosaws"])
def test_no_driver_has_an_argument_that_names_a_place_and_is_not_looked_at(package):
    """With the real drivers."""
    need_driver(package)
    root = Path(importlib.import_module(package).__file__).parent  # type: ignore[arg-type]
    unknown, looked = set(), 0
    for path in sorted(root.rglob("actions.py")):
        module = ".".join([package, *path.relative_to(root).with_suffix("").parts])
        for name, function in inspect.getmembers(importlib.import_module(module), inspect.isfunction):
            for argument in inspect.signature(function).parameters if function.__module__ == module else ():
                if not _A_PLACE.search(argument) or {argument, (module, argument)} & _NO_PLACE:
                    continue
                looked += 1
                named = any(
                    module.startswith(p) and argument in names for p, names in arguments._NAMED.items()
                )
                by_text = package == "chaosgcp" and argument in ("parent", "parent_value")
                region = package == "chaosgcp" and argument == "region"  # of the proven project
                if not (named or by_text or region):
                    unknown.add(f"{module}.{name}: {argument}")
    assert unknown == set()
    assert looked > 3


@pytest.mark.peers
def test_what_the_driver_means_by_no_namespace_is_asked_of_the_driver():
    need_driver("chaosk8s")
    with pytest.raises(Blocked, match="got nothing, which means 'default' to the driver"):
        _ask("chaosk8s.pod.actions.terminate_pods", {"label_selector": "app=intake"})
