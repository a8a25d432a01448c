"""Ways around the guard: what lies around in the shell that the toolkit was started from. See test_another_place.py."""

from __future__ import annotations

import dataclasses
import os

import pytest
import ways_for_tests as ways
from actions_door import as_fault
from ways_for_tests import ACCOUNT, OTHER, ROLE, python

from chaos_ext.actions import fault as door_of
from chaos_ext.errors import FaultNotInjected

# --- what lies around in our own environment --------------------------------------------------------


def test_a_kubeconfig_that_lies_around_is_not_where_things_go(field, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(ways.of_production(field)))
    field.experiment["method"] = [python("action", "post_to_the_cluster")]
    field.experiment["rollbacks"] = []
    field.run()
    assert field.production.seen == []
    assert field.dedicated.changed == [("POST", "/api/v1/namespaces/shop/pods")]


def test_a_library_that_was_loaded_with_another_kubeconfig_goes_where_it_should(field, monkeypatch):
    """It keeps what KUBECONFIG was when it was imported, and a cluster that a probe made its default."""
    from kubernetes import client, config
    from kubernetes.config import kube_config

    production = str(ways.of_production(field))
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", production)
    monkeypatch.setattr(config, "KUBE_CONFIG_DEFAULT_LOCATION", production)
    config.load_kube_config(production)
    assert client.Configuration.get_default_copy().host == field.production.url
    field.experiment["method"] = [python("action", "post_by_the_official_client")]
    field.experiment["rollbacks"] = []
    field.run()
    assert field.production.seen == []
    assert field.dedicated.changed == [("POST", "/api/v1/namespaces/shop/pods")]


def test_a_session_that_a_probe_made_from_what_lay_around_is_not_used(field, monkeypatch):
    import boto3

    monkeypatch.setenv("WAYS_TARGET", field.dedicated.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-production")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-production")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    boto3.setup_default_session()
    assert boto3._get_default_session().get_credentials().access_key == "of-production"
    field.experiment["method"] = [python("action", "post_with_the_session")]
    field.experiment["rollbacks"] = []
    field.run()
    (_, path), *more = field.dedicated.changed
    assert not more
    assert path in (
        f"/{line.split(' = ')[1]}" for line in (field.root / "aws-config").read_text().splitlines()[1:]
    )


def test_activities_side_by_side_find_the_same(field):
    """One that ends does not take away what another one still uses."""
    last = {**python("action", "post_to_the_cluster"), "pauses": {"before": 0.2}}
    field.experiment["method"] = [
        *({**python("action", "post_to_the_cluster"), "background": True} for _ in range(4)), last,
    ]  # fmt: skip
    field.experiment["rollbacks"] = []
    journal = field.run()
    assert [run["status"] for run in journal["run"]] == ["succeeded"] * 5
    assert len(field.dedicated.changed) == 5


def test_the_current_context_of_the_named_kubeconfig_is_not_where_things_go(field):
    contexts = {"dedicated": field.dedicated.url, "production": field.production.url}
    field.write("kubeconfig", ways.kubeconfig(contexts, "production"))
    field.experiment["method"] = [python("action", "post_to_the_cluster")]
    field.run()
    assert field.production.seen == []
    assert ("POST", "/api/v1/namespaces/shop/pods") in field.dedicated.changed


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_neither_answers_for_the_place_nor_sees_what_goes_there(field, monkeypatch, name):
    """The proxy says what is expected; the place itself is another account, and then the right one."""
    monkeypatch.setenv(name, field.production.url)
    field.production.answers[f"{field.sts_url}/"] = ways.as_sts(ACCOUNT, ROLE)
    good = (field.root / "aws-config").read_text()
    ways.profile_of(OTHER, ROLE)(field, monkeypatch)
    field.experiment["method"][0] = python("action", "post_with_a_library", url=ways.url(field, "library"))
    field.run()
    assert (field.changes, field.production.seen) == ([], [])
    field.write("aws-config", good)
    field.run()
    assert ("POST", "/library") in field.dedicated.changed
    assert field.production.seen == []
    assert os.environ[name] == field.production.url, "put back afterwards"


def test_keys_that_lie_around_do_not_prove_what_a_profile_does_not(field, monkeypatch):
    """The right keys in the process, the wrong ones in the profile that activities will use."""
    right = dict(line.split(" = ") for line in (field.root / "aws-config").read_text().splitlines()[1:])
    ways.profile_of(ACCOUNT, "Administrator")(field, monkeypatch)
    for key, value in right.items():
        monkeypatch.setenv(key.upper(), value)
    field.run()
    assert field.changes == []


def test_an_endpoint_that_lies_around_does_not_answer_for_sts(field, monkeypatch):
    ways.sts_says(*ways.as_sts(ACCOUNT, ROLE))
    field.production.answers["/"] = ways.as_sts(ACCOUNT, ROLE)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", field.production.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", field.production.url)
    ways.profile_of(OTHER, ROLE)(field, monkeypatch)
    field.run()
    assert (field.changes, field.production.seen) == ([], [])


@pytest.mark.parametrize(
    "name",
    [
        "AWS_ACCESS_KEY_ID",
        "KUBECONFIG",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "HTTPS_PROXY",
        "PGHOST",
        "HELM_KUBECONTEXT",
        "HELM_NAMESPACE",
        "GCP_PROJECT_ID",
        "GCP_APPLICATION_CREDENTIALS",
        "BOTO_CONFIG",
        "CHAOSTOOLKIT_IN_POD",
        "PGHOSTADDR",
        "PGSYSCONFDIR",
        "AWS_ENDPOINT_URL_S3",
    ],
)
def test_a_process_finds_nothing_that_lies_around(field, monkeypatch, name):
    monkeypatch.setenv(name, "/of/production")
    script = f'test "$(printenv {name})" = /of/production && touch {field.left} || true'
    shell = {"type": "process", "path": "bash", "arguments": ["-c", script]}
    field.experiment["method"] = [{"type": "action", "name": "look", "provider": shell}]
    journal = field.run()
    assert journal["run"][0]["status"] == "succeeded"
    assert not field.left.exists()
    assert os.environ[name] == "/of/production"


def test_what_boto_would_read_of_the_machine_is_an_empty_file(field):
    """Without BOTO_CONFIG it looks for /etc/boto.cfg and ~/.boto, whatever else is said."""
    kept = field.root / "kept"
    field.experiment["method"] = [python("action", "keep_variables", path=str(kept))]
    field.experiment["rollbacks"] = []
    field.run()
    found = dict(line.split("=", 1) for line in kept.read_text().splitlines() if "=" in line)
    assert (
        found["BOTO_CONFIG"] == found["GOOGLE_APPLICATION_CREDENTIALS"]
    )  # the empty file, of which there is one
    assert "GCP_APPLICATION_CREDENTIALS" not in found


# --- the guarded door of a lab -----------------------------------------------------------------------


def _through(door, place, fault) -> None:
    broken = as_fault(place.facts, "break-file", **fault)
    door_of.through(door, dataclasses.replace(broken, identity=place.identity))


def test_a_request_of_a_fault_in_a_lab_goes_through_no_proxy(door, shared_place, thing, monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with ways.recording() as proxy, ways.recording() as service:
        monkeypatch.setenv("http_proxy", proxy.url)
        call = ways.http("action", f"{service.url}/break")
        with pytest.raises(FaultNotInjected):  # the thing stays whole
            _through(door, shared_place, {**thing.fault(), "activity": call})
        assert (service.changed, proxy.seen) == ([("POST", "/break")], [])


def test_a_program_of_a_fault_in_a_lab_finds_nothing_that_lies_around(door, shared_place, thing, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    script = f"printenv AWS_PROFILE || mv {thing.path} {thing.path}.lost"
    shell = {"type": "process", "path": "bash", "arguments": ["-c", script]}
    _through(
        door, shared_place, {**thing.fault(), "activity": {"type": "action", "name": "rm", "provider": shell}}
    )
    assert not thing.is_whole
    assert os.environ["AWS_PROFILE"] == "production"


# --- blocks of a runbook ----------------------------------------------------------------------------


def test_a_block_of_a_runbook_finds_what_was_proven_and_nothing_else(field, monkeypatch, tmp_path):
    from chaos_ext.runbook.blocks import open_shell
    from chaos_ext.safety.identity import pins
    from chaos_ext.safety.place import open_place

    for name, value in (("KUBECONFIG", str(ways.of_production(field))), ("AWS_PROFILE", "production"),
                        ("AWS_ACCESS_KEY_ID", "of-production"), ("HTTPS_PROXY", field.production.url),
                        ("GOOGLE_APPLICATION_CREDENTIALS", "/of/production")):  # fmt: skip
        monkeypatch.setenv(name, value)
    identity = open_place("dedicated").environment.identity
    with pins.for_blocks(identity) as (seen, secret), open_shell(seen, secret, ()) as shell:
        lines: list[str] = []
        import threading

        shell.run(
            'env | sort; echo ---; cat "$KUBECONFIG"; cat "$GOOGLE_APPLICATION_CREDENTIALS"',
            name="look", timeout_s=20, line=lambda _stream, line: lines.append(line), aborting=threading.Event(),
        )  # fmt: skip
    variables, _, files = "\n".join(lines).partition("\n---\n")
    assert field.dedicated.url in files
    assert field.production.url not in variables + files
    assert "AWS_PROFILE=chaos" in variables
    assert "of-production" not in variables
    assert "/of/production" not in variables
