"""A Kubernetes cluster is known by the uid of its namespace kube-system; the target namespace carries a label.

The kubeconfig is read anew each time, and of it only the `context` that the environment names: its current
context, which any tool changes, counts for nothing.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.safety.identity import private
from chaos_ext.safety.identity.proof import Proof, Seen, no_answer, not_installed, pairs, text_of

_TIMEOUT_S = (2.0, 3.0)  # to connect, of silence
_MOST_BYTES = 1_000_000
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def see(expected: Mapping[str, str], facts: Mapping[str, Any]) -> Seen:
    """Read both namespaces with the pinned context. Raises Blocked."""
    try:
        import urllib3.exceptions
        from kubernetes import client, config
        from kubernetes.config.kube_config import KubeConfigLoader
    except ModuleNotFoundError as error:
        raise not_installed("kubernetes", "kubernetes", "kubernetes") from error
    only = pinned_config(expected)
    where = str(only["clusters"][0]["cluster"].get("server", ""))
    wanted = pairs("kubernetes", "label", expected["label"])
    settings = client.Configuration()
    settings.proxy = settings.no_proxy = None  # of the process; the kubeconfig's own proxy-url is read below
    settings.retries = False
    try:
        loader: Any = KubeConfigLoader
        loader(only, active_context=expected["context"]).load_and_set(settings)
        with client.ApiClient(settings) as api:
            core = client.CoreV1Api(api)
            system = core.read_namespace("kube-system", _request_timeout=_TIMEOUT_S)
            target = core.read_namespace(expected["namespace"], _request_timeout=_TIMEOUT_S)
    except client.ApiException as error:
        raise no_answer("kubernetes", where, f"{error.status} {error.reason}") from error
    except (config.ConfigException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise no_answer("kubernetes", where, error) from error
    if system is None or target is None or system.metadata is None or target.metadata is None:
        raise no_answer("kubernetes", where, t("{name} is {value!r}", name="metadata", value=None))
    if system.metadata.name != "kube-system":
        raise no_answer(
            "kubernetes", where, t("{name} is {value!r}", name="name", value=system.metadata.name)
        )
    uid = text_of("kubernetes", where, "metadata.uid", system.metadata.uid)
    labels = target.metadata.labels or {}
    proofs = [
        Proof(t("Kubernetes cluster (uid of kube-system)"), expected["cluster_uid"], uid),
        Proof(t("Kubernetes namespace"), expected["namespace"], str(target.metadata.name or "")),
        *(
            Proof(t("label {label} of the namespace", label=label), value, str(labels.get(label, "")))
            for label, value in wanted.items()
        ),
    ]
    return Seen(proofs, {"cluster_uid": uid})


def pinned_config(expected: Mapping[str, str]) -> dict[str, Any]:
    """The kubeconfig with nothing but the pinned context, and that as its current one. Raises Blocked.

    Paths in it are made absolute, so that it can be written elsewhere.
    """
    path = Path(expected["kubeconfig"]).expanduser()
    if os.pathsep in expected["kubeconfig"]:
        raise _refused("kubeconfig", t("several files"))
    try:
        with path.open("rb") as file:
            written = yaml.safe_load(file.read(_MOST_BYTES))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _refused("kubeconfig", t("'{path}', which cannot be read", path=path)) from error
    name = expected["context"]
    context = _named(written, "contexts", name, "context")
    cluster = _named(written, "clusters", context.get("cluster"), "cluster")
    user = _named(written, "users", context.get("user"), "user")
    _refuse_unverified(cluster)
    context["namespace"] = expected["namespace"]
    base = path.absolute().parent
    for part in (cluster, user):
        for key in _PATHS:
            if part.get(key):
                part[key] = str(base / str(part[key]))
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": context}],
        "clusters": [{"name": context["cluster"], "cluster": cluster}],
        "users": [{"name": context["user"], "user": user}],
    }


def _refuse_unverified(cluster: Mapping[str, Any]) -> None:
    """Whoever stands between could answer for a cluster that is not verified; on this machine nobody does."""
    server = str(cluster.get("server", ""))
    try:
        parts = urlsplit(server)
        scheme, host = parts.scheme, parts.hostname or ""
    except ValueError:
        scheme, host = "", ""
    if scheme not in ("https", "http") or not host or re.search(r"[\\\s]", server):
        raise _refused("context", t("a cluster without a server"))
    is_verified = scheme == "https" and not cluster.get("insecure-skip-tls-verify")
    if not is_verified and (cluster.get("proxy-url") or not _is_loopback(host)):
        raise _refused("context", t("the server {server} without a verified certificate", server=server))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _named(written: Any, kind: str, name: object, inner: str) -> dict[str, Any]:
    """The one item of that name. Two of a name are a doubt: tools differ in which they take."""
    items = written.get(kind) if isinstance(written, dict) else None
    found = [each for each in items or () if isinstance(each, dict) and each.get("name") == name]
    if not name or len(found) != 1 or not isinstance(found[0].get(inner), dict):
        got = t("{number} {kind} named '{name}'", number=len(found), kind=kind, name=name)
        raise _refused("context", got)
    return dict(found[0][inner])


def _refused(key: str, got: str) -> Blocked:
    return Blocked(
        t(
            "identity.kubernetes.{key}: got {got}, expected one kubeconfig with that context, its cluster and user.",
            key=key,
            got=got,
        )
    )


def pins(expected: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Variables that make kubectl and the libraries use the proven context, and no other; writes into `folder`."""
    path = private.write(folder / "kubeconfig", yaml.safe_dump(pinned_config(expected)))
    return {"KUBECONFIG": path, "KUBERNETES_CONTEXT": expected["context"]}
