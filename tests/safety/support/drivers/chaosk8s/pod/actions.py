"""Posts where the driver would delete."""

import os
from pathlib import Path

import yaml
from ways_actions import post

__all__ = ["terminate_pods"]


def terminate_pods(
    label_selector: str = None,  # noqa: RUF013 - as the driver has it
    name_pattern: str = None,  # noqa: RUF013
    all: bool = False,
    ns: str = "default",
    secrets: dict = None,  # noqa: RUF013
):
    """In the cluster of KUBECONFIG, or of the context in `secrets`; in the namespace that is said."""
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    wanted = (secrets or {}).get("KUBERNETES_CONTEXT", config["current-context"])
    (cluster,) = [each["context"]["cluster"] for each in config["contexts"] if each["name"] == wanted]
    (server,) = [each["cluster"]["server"] for each in config["clusters"] if each["name"] == cluster]
    return post(f"{server}/api/v1/namespaces/{ns}/pods")
