"""A Secret of the Kubernetes cluster that the environment's identity pins; the current context is not asked.

https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.safety.identity.kubernetes import pinned_config
from chaos_ext.vaults.unreadable import Unreadable, text_of

if TYPE_CHECKING:
    from chaos_ext.model import KubernetesSecret

_TIMEOUT_S = (3.0, 5.0)  # to connect, of silence


def read(reference: KubernetesSecret, pinned: Mapping[str, str]) -> str:
    """The value of its key. Needs `get` on that Secret in its namespace. Raises Unreadable.

    `pinned` is the environment's identity of kind kubernetes, with its `kubeconfig` and `context`.
    """
    if not pinned:
        raise Unreadable(t("no pinned cluster"), t("identity.kubernetes, which says which one"))
    try:
        config = pinned_config(pinned)
    except Blocked as error:
        raise Unreadable(str(error)) from None
    if config["clusters"][0]["cluster"].get("insecure-skip-tls-verify"):
        raise Unreadable(t("a cluster whose certificate is not verified"), t("one that is who it says"))
    data = _data(reference, config, pinned["context"])
    if reference.key not in data:
        raise Unreadable(t("a Secret without '{key}'", key=reference.key), t("a key that is there"))
    try:
        return text_of(base64.b64decode(data[reference.key], validate=True))
    except (TypeError, binascii.Error):
        raise Unreadable(t("an answer from the cluster that is no Secret")) from None


def _data(reference: KubernetesSecret, config: dict[str, Any], context: str) -> dict[str, str]:
    """What the Secret holds, in base64."""
    try:
        import urllib3.exceptions
        from kubernetes import client
        from kubernetes.config import ConfigException
        from kubernetes.config.kube_config import KubeConfigLoader
    except ModuleNotFoundError:
        raise Unreadable(
            t("no package 'kubernetes'"), t("kubernetes, which reads it"), t("Install it.")
        ) from None
    name = f"{reference.namespace}/{reference.name}"
    settings = client.Configuration()
    settings.proxy = settings.no_proxy = None  # of the process; the kubeconfig's own proxy-url is read below
    settings.retries = False
    try:
        loader: Any = KubeConfigLoader
        loader(config, active_context=context).load_and_set(settings)
        with client.ApiClient(settings) as api:
            core = client.CoreV1Api(api)
            secret = core.read_namespaced_secret(
                reference.name, reference.namespace, _request_timeout=_TIMEOUT_S
            )
    except client.ApiException as error:
        if not error.status:  # TLS: it could not be asked
            raise Unreadable(
                t("no answer from the cluster for '{name}' ({kind})", name=name, kind="TLS")
            ) from None
        raise Unreadable(
            t("status {code} from the cluster for '{name}'", code=error.status, name=name)
        ) from None
    except (ConfigException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        kind = type(error).__name__
        raise Unreadable(
            t("no answer from the cluster for '{name}' ({kind})", name=name, kind=kind)
        ) from None
    return {key: str(value) for key, value in (secret.data or {}).items()}
