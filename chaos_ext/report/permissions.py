"""Permissions as each platform takes them: an IAM policy, a custom role, RBAC."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from chaos_ext.language import Said, listed, t
from chaos_ext.safety.policy.needs import ANYWHERE, CLOUDS, Cloud
from chaos_ext.safety.policy.permissions import Needed

_SHOWN = 3  # actions of a cloud, in a plan
FORMATS: dict[str, Cloud] = {"aws-policy": "aws", "gcp-role": "gcp", "k8s-rbac": "kubernetes"}


def of(cloud: str, found: Iterable[Needed]) -> list[Needed]:
    """Those of one cloud."""
    return [each for each in found if each.need.cloud == cloud]


def rows(found: Iterable[Needed]) -> list[list[str]]:
    """Cloud, action, resource, what for."""
    return [[each.need.cloud, each.need.action, each.need.where, each.by] for each in found]


def in_a_plan(found: Iterable[Needed], id: str, environment: str) -> Iterator[Said]:
    """A line for each cloud with its first few actions, and where the rest is."""
    needed = list(found)
    for cloud in CLOUDS:
        actions = list(dict.fromkeys(each.need.action for each in of(cloud, needed)))
        words = listed(actions[:_SHOWN])
        if more := actions[_SHOWN:]:
            words = t("{words} and {count} more", words=words, count=len(more))
        if actions:
            yield t("{cloud}: {words}", cloud=cloud, words=words)
    if needed:
        yield t(
            "on what, and what for: chaos policy permissions {id} --env {environment}",
            id=id,
            environment=environment,
        )


def as_data(found: Iterable[Needed]) -> list[dict[str, str]]:
    """As JSON has them."""
    return [
        {"cloud": n.need.cloud, "action": n.need.action, "where": n.need.where, "by": str(n.by)}
        for n in found
    ]


def aws_policy(found: Iterable[Needed]) -> str:
    """The JSON of an IAM policy: one statement for each set of actions, with the resources that they are for."""
    actions: dict[str, set[str]] = {}
    for each in of("aws", found):
        actions.setdefault(each.need.where, set()).add(each.need.action)
    resources: dict[tuple[str, ...], list[str]] = {}
    for where, which in sorted(actions.items()):
        resources.setdefault(tuple(sorted(which)), []).append(where)
    statements = [
        {"Sid": f"Chaos{number}", "Effect": "Allow", "Action": list(which), "Resource": wheres}
        for number, (which, wheres) in enumerate(sorted(resources.items()), start=1)
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def gcp_role(found: Iterable[Needed], name: str) -> str:
    """The YAML of a custom role, as `gcloud iam roles create --file` takes it."""
    role = {
        "title": f"chaos {name}"[:100],
        "description": f"Exactly for {name}"[:300],
        "stage": "GA",
        "includedPermissions": sorted({each.need.action for each in of("gcp", found)}),
    }
    return _yaml([role])


def k8s_rbac(found: Iterable[Needed], name: str, account: tuple[str, str]) -> str:
    """A Role for each namespace and a ClusterRole for the rest, each bound to the service account (namespace, name)."""
    by_place: dict[str, dict[tuple[str, str, str], set[str]]] = {}
    for each in of("kubernetes", found):
        verb, group, resource, one = _parts(each.need.action)
        place = by_place.setdefault(each.need.where, {})
        place.setdefault((group, resource, one), set()).add(verb)
    documents: list[dict[str, Any]] = []
    for where, rules in sorted(by_place.items()):
        whole = where == ANYWHERE
        kind = "ClusterRole" if whole else "Role"
        metadata = {"name": f"chaos-{name}"[:253]} | ({} if whole else {"namespace": where})
        documents.append(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": kind,
                "metadata": metadata,
                "rules": [_rule(*key, verbs) for key, verbs in sorted(rules.items())],
            }
        )
        documents.append(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": f"{kind}Binding",
                "metadata": dict(metadata),
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": kind,
                    "name": metadata["name"],
                },
                "subjects": [{"kind": "ServiceAccount", "namespace": account[0], "name": account[1]}],
            }
        )
    return _yaml(documents)


_WITH_SUBRESOURCE = ("exec", "eviction", "scale", "status", "log")


def _parts(action: str) -> tuple[str, str, str, str]:
    """``patch deployments/scale.apps`` as verb, group, resource, and the one name that it is about."""
    verb, _, what = action.partition(" ")
    resource, _, rest = what.partition("/")
    if not rest:
        resource, _, group = what.partition(".")
        return verb, group, resource, ""
    last, _, group = rest.partition(".")
    if last in _WITH_SUBRESOURCE:
        return verb, group, f"{resource}/{last}", ""
    return verb, "", resource, "" if rest == ANYWHERE else rest


def _rule(group: str, resource: str, one: str, verbs: set[str]) -> dict[str, Any]:
    rule: dict[str, Any] = {"apiGroups": [group], "resources": [resource]}
    return rule | ({"resourceNames": [one]} if one else {}) | {"verbs": sorted(verbs)}


def _yaml(documents: list[dict[str, Any]]) -> str:
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, default_flow_style=False)
