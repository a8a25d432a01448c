"""What a team's own experiment may call: real calls over HTTP, and things that happen in the middle of a run."""

import os
import shutil
import urllib.request
from pathlib import Path

import requests
import yaml
from chaoslib.exceptions import InterruptExecution


def post(url: str):
    """A call that changes something. Without a proxy: what arrives has come from here."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(urllib.request.Request(url, b"{}", method="POST"), timeout=5).status


def post_with_a_library(url: str):
    """As `post`, by a library that believes the variables of the process."""
    return requests.post(url, timeout=5).status_code


def post_to_the_cluster():
    """What a tool does that takes its cluster from the current context of KUBECONFIG."""
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    named = {each["name"]: each["context"] for each in config["contexts"]}
    cluster = named[config["current-context"]]["cluster"]
    (server,) = [each["cluster"]["server"] for each in config["clusters"] if each["name"] == cluster]
    return post(f"{server}/api/v1/namespaces/shop/pods")


def post_by_the_official_client():
    """As drivers do: the official library finds the cluster by itself."""
    from kubernetes import client, config

    config.load_kube_config()
    return post(f"{client.Configuration.get_default_copy().host}/api/v1/namespaces/shop/pods")


def post_with_the_session():
    """As drivers do: the process's default session of boto3 says who acts."""
    import boto3

    key = boto3._get_default_session().get_credentials().access_key
    return post(f"{os.environ['WAYS_TARGET']}/{key}")


def keep_profiles(path: str):
    """Which profiles AWS' library could use."""
    import botocore.session

    Path(path).write_text(" ".join(botocore.session.Session().available_profiles))


def keep_variables(path: str):
    """What a tool would find; as an undo it says that it undid."""
    Path(path).write_text("\n".join(f"{name}={value}" for name, value in sorted(os.environ.items())))
    return {"outcome": "undone", "why": "kept"}


def replace_file(new: str, old: str):
    """Something outside changes a file while the run goes on."""
    shutil.copyfile(new, old)


def stop_the_run():
    """As a signal does in the middle of an activity."""
    raise InterruptExecution("asked to stop")


def leave_unhealed(directory: str, fault: dict):
    """A fault that was written down, and could not be put back."""
    from chaos_ext.safety.ledger import Ledger

    book = Ledger(Path(directory), "dedicated", "dedicated")
    entry = book.intend(
        "break", **fault, target="x", prior={}, lease_s=60, configuration={}, identity={"lab": {}}
    )
    book.close(entry, "failed", "by hand")
