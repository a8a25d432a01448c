"""The table of what drivers' activities call, held against the drivers' own code: make peers."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator

import pytest
from peers import need_driver

from chaos_ext.safety.policy.needs import third_party

pytestmark = pytest.mark.peers
TABLE = third_party()
# What the platform asks for besides the call itself, and what is called only with some arguments.
_ASKED_BESIDES = {"iam.serviceAccounts.actAs", "compute.instances.use", "cloudsql.backupRuns.get"}
_KINDS = {"deployment": "deployments.apps", "network_policy": "networkpolicies.networking.k8s.io"}
_VERBS = {"read": "get", "list": "list", "delete": "delete", "patch": "patch", "create": "create"}


def _calls(module: str, func: str) -> set[str]:
    """The methods that a function calls, by name; also in what it uses of its own module."""
    functions = {
        node.name: node
        for node in ast.parse(inspect.getsource(importlib.import_module(module))).body
        if isinstance(node, ast.FunctionDef)
    }
    found: set[str] = set()
    left = [func]
    while left:
        for node in ast.walk(functions.pop(left.pop(), ast.Module([], []))):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            if isinstance(node, ast.Name) and node.id in functions:
                left.append(node.id)
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get_paginator":
                found.add(ast.literal_eval(node.args[0]))
    return found


def _of(package: str) -> list[str]:
    return sorted(name for name in TABLE if name.startswith(f"{package}."))


@pytest.mark.parametrize("name", sorted(TABLE))
def test_it_is_there_with_these_arguments(name):
    need_driver(name.partition(".")[0])
    module, _, func = name.rpartition(".")
    parameters = inspect.signature(getattr(importlib.import_module(module), func)).parameters
    used = {match for need in TABLE[name] for match in re.findall(r"\{(\w+)", need.where)}
    assert used - {"account", "region"} <= {*parameters}
    for need in TABLE[name]:
        for argument, default in re.findall(r"\{(\w+)=([^}*]+)\}", need.where):
            assert parameters[argument].default == default


@pytest.mark.parametrize("name", _of("chaosaws"))
def test_aws_is_asked_for_what_the_table_says(name):
    need_driver("chaosaws")
    import botocore.session

    module, _, func = name.rpartition(".")
    service = module.split(".")[1]
    client = botocore.session.Session().create_client(
        service, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    names = client.meta.method_to_api_mapping
    called = {f"{service}:{names[call]}" for call in _calls(module, func) if call in names}
    assert called == {need.action for need in TABLE[name]}


def _kubernetes(call: str) -> Iterator[str]:
    match = re.fullmatch(
        r"(read|list|delete|patch|create)_(?:namespaced_)?(\w+?)(_for_all_namespaces)?", call
    )
    if call == "connect_get_namespaced_pod_exec":
        yield from ("get pods/exec", "create pods/exec")
    elif call == "create_namespaced_pod_eviction":
        yield "create pods/eviction"
    elif match and match[2] in ("pod", "node", *_KINDS):
        yield f"{_VERBS[match[1]]} {_KINDS.get(match[2], f'{match[2]}s')}"


@pytest.mark.parametrize("name", _of("chaosk8s"))
def test_the_cluster_is_asked_for_what_the_table_says(name):
    need_driver("chaosk8s")
    module, _, func = name.rpartition(".")
    called = {each for call in _calls(module, func) for each in _kubernetes(call)}
    said = {need.action for need in TABLE[name]}
    assert said <= called
    # Which nodes have some pods is asked only when pods are named, which these two cannot be told.
    cannot = {"list pods"} if func in ("cordon_node", "uncordon_node", "get_nodes") else set()
    assert called - said <= cannot


_GOOGLE = {
    "failover": "cloudsql.instances.failover", "export": "cloudsql.instances.export",
    "import_": "cloudsql.instances.import", "restoreBackup": "cloudsql.instances.restoreBackup",
    "create_service": "run.services.create", "update_service": "run.services.update",
    "delete_service": "run.services.delete", "get_service": "run.services.get",
    "create_node_pool": "container.clusters.update", "delete_node_pool": "container.clusters.update",
    "rollback_node_pool_upgrade": "container.clusters.update",
    "detach_network_endpoints": "compute.networkEndpointGroups.detachNetworkEndpoints",
    "attach_network_endpoints": "compute.networkEndpointGroups.attachNetworkEndpoints",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in _of("chaosgcp") if ".actions." in name])
def test_google_is_asked_for_what_the_table_says(name):
    """What changes something; what waits for an operation reads it besides."""
    need_driver("chaosgcp")
    module, _, func = name.rpartition(".")
    calls, said = _calls(module, func), {need.action for need in TABLE[name]}
    called = {
        _GOOGLE[call] for call in calls if call in _GOOGLE and (call != "get_service" or "run" in module)
    }
    assert called <= said
    reads = re.compile(r"operations\.get$|Operations\.get$|instances\.get$|backupRuns\.list$")
    assert {each for each in said - called if not reads.search(each)} <= _ASKED_BESIDES
