"""What client libraries keep for the process: a session, a default cluster, the kubeconfig of when they were loaded.

An activity that only looks, or a prover, may have made them from what lay around in the shell.
"""

from __future__ import annotations

import os
import sys
from typing import Any


def forget() -> None:
    """Let each library that is loaded look again at the variables of the process, as they are now."""
    boto3: Any = sys.modules.get("boto3")
    if boto3 is not None:
        boto3.DEFAULT_SESSION = None
    place = os.environ.get("KUBECONFIG", "~/.kube/config")
    for name in ("kubernetes.config", "kubernetes.config.kube_config"):
        module: Any = sys.modules.get(name)
        if module is not None:
            module.KUBE_CONFIG_DEFAULT_LOCATION = place
    client: Any = sys.modules.get("kubernetes.client")
    if client is not None:
        client.Configuration.set_default(None)
