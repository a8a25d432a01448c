"""The provers of PostgreSQL and Google Cloud, and which clusters are asked; more in test_another_place.py."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ways_for_tests as ways
import yaml
from lab_services.support.postgresql import PostgreSQL, fresh

from chaos_ext import environments
from chaos_ext.errors import Blocked
from chaos_ext.safety import guard
from chaos_ext.safety.guard import Mismatch
from chaos_ext.safety.identity import kubernetes, pins

# --- PostgreSQL -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[PostgreSQL, str]]:
    """A real server with a role that may not read its control data, and its system identifier."""
    with fresh() as found:
        found.execute("CREATE ROLE plain LOGIN PASSWORD 'not-asked'")
        found.execute("CREATE ROLE walsender LOGIN REPLICATION")
        found.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        found.execute("ALTER DATABASE postgres SET chaos.marker = 'dedicated'")
        rows = found.execute("SELECT system_identifier FROM pg_control_system()")
        yield found, str(rows[0][0])


def _url(server: PostgreSQL, user: str = "postgres", **more: str) -> str:
    options = "&".join(f"{key}={value}" for key, value in more.items())
    return f"postgresql://{user}@127.0.0.1:{server.port}/postgres?{options}"


def _proven(identity: dict[str, str], **deny: str) -> dict[str, str]:
    denied = {"postgresql": [deny]} if deny else {}
    found = guard.prove_identity({"postgresql": identity}, {}, denied)
    return {proof.kind: proof.got for proof in found}


@pytest.mark.parametrize("user", ["postgres", "walsender"])
def test_a_server_says_its_system_identifier(server, user):
    """By SQL, or where that is not allowed by the protocol of replication."""
    running, identifier = server
    seen = _proven({"system_identifier": identifier, "url": _url(running, user), "marker": "dedicated"})
    assert seen == {
        "PostgreSQL system identifier": identifier,
        "PostgreSQL setting chaos.marker": "dedicated",
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"system_identifier": "1"}, "got '[0-9]+', expected '1'"),
        ({"marker": "Dedicated"}, "got 'dedicated', expected 'Dedicated'"),
        ({"url": "postgresql://postgres@127.0.0.1:1/postgres"}, "127.0.0.1:1"),
        ({"url": "postgresql:///postgres"}, "no host"),
        ({"url": "postgresql://postgres:secret@127.0.0.1/postgres"}, "a password in it"),
        ({"url": "service=production"}, "'service' in it"),
        ({"url": "postgresql://postgres@{here},192.0.2.1:5432/postgres"}, "more than one host in it"),
        (
            {"url": "host=127.0.0.1 port={port},5432 dbname=postgres user=postgres"},
            "more than one port in it",
        ),
        ({"url": "postgresql://postgres@{here}/postgres?hostaddr=127.0.0.1"}, "'hostaddr' in it"),
        ({"url": "postgresql://postgres@{here}/postgres?service=production"}, "'service' in it"),
        ({"url": "postgresql://postgres@{here}/postgres?options=-c%20chaos.marker%3Dx"}, "'options' in it"),
        ({"url": "postgresql://postgres@{here}/postgres?passfile=/x"}, "'passfile' in it"),
        (
            {"url": "postgresql://postgres@{here}/postgres?target_session_attrs=any"},
            "'target_session_attrs' in",
        ),
        ({"passfile": "/nowhere"}, "which is no file"),
        ({"password_env": "NOT_SET"}, "the unset variable NOT_SET"),
        ({"password_env": "A", "password_file": "b"}, "a second way"),
    ],
)
def test_any_doubt_about_a_server_refuses(server, change, says):
    running, identifier = server
    here = {"here": f"127.0.0.1:{running.port}", "port": running.port}
    change = {key: value.format(**here) for key, value in change.items()}
    with pytest.raises(Blocked, match=says) as refused:
        _proven({"system_identifier": identifier, "url": _url(running), **change})
    assert "secret" not in str(refused.value)


def test_a_role_that_may_ask_neither_way_proves_nothing(server):
    running, identifier = server
    with pytest.raises(Blocked, match="no proof from 127"):
        _proven({"system_identifier": identifier, "url": _url(running, "plain")})


def test_a_denied_server_refuses_although_it_is_the_expected_one(server):
    running, identifier = server
    with pytest.raises(Mismatch, match="which this environment denies"):
        _proven({"system_identifier": identifier, "url": _url(running)}, system_identifier=identifier)


def test_a_denied_marker_is_denied_however_it_is_written(server):
    running, identifier = server
    with pytest.raises(Mismatch, match="which this environment denies"):
        _proven({"system_identifier": identifier, "url": _url(running)}, marker="DEDICATED")


def test_all_of_a_url_that_decides_where_it_leads_is_pinned(tmp_path):
    url = "postgresql://me@db.example.com:6432/app?sslmode=verify-full&sslrootcert=/ca.pem&application_name=x"
    with_it = pins.pinned({"postgresql": {"system_identifier": "1", "url": url}}, tmp_path)
    assert {key: value for key, value in with_it.items() if key.startswith("PG")} == {
        "PGHOST": "db.example.com", "PGPORT": "6432", "PGDATABASE": "app", "PGUSER": "me",
        "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/ca.pem", "PGPASSFILE": os.devnull,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["PGHOSTADDR", "PGSERVICE", "pghost", "PGOPTIONS"])
def test_what_libpq_reads_is_no_variable_of_an_environment_with_a_database(field, name):
    """PGHOSTADDR would win over the pinned PGHOST."""
    field.edit("windows:", f"variables: {{{name}: x}}\nwindows:")
    assert _check(field) == []
    url = "postgresql://me@db.example.com/app"
    field.edit("identity:\n", f'identity:\n  postgresql: {{system_identifier: "1", url: "{url}"}}\n')
    (problem,) = _check(field)
    assert f"variables.{name}: got the variable {name}, expected none" in problem


def _check(field: ways.Field) -> list[str]:
    problems: list[Any] = []
    environments.scan("dedicated", field.root, problems)
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("name", "value"), [("PGHOSTADDR", "192.0.2.1"), ("PGOPTIONS", "-c chaos.marker=other"), ("PGPORT", "1")]
)
def test_what_libpq_finds_in_the_process_changes_nothing(server, monkeypatch, name, value):
    running, identifier = server
    monkeypatch.setenv(name, value)
    identity = {"system_identifier": identifier, "url": _url(running), "marker": "dedicated"}
    assert _proven(identity)["PostgreSQL setting chaos.marker"] == "dedicated"


# --- Google Cloud ---------------------------------------------------------------------------------

PROJECT = {
    "name": "projects/415104041262",
    "parent": "folders/1",
    "projectId": "acme-chaos",
    "state": "ACTIVE",
    "displayName": "Chaos",
    "labels": {"purpose": "chaos", "team": "sre"},
    "createTime": "2026-01-01T00:00:00Z",
    "etag": "x",
}  # https://cloud.google.com/resource-manager/reference/rest/v3/projects#Project


@pytest.fixture
def google(tmp_path: Path) -> Iterator[tuple[ways.Recorder, dict[str, str]]]:
    """Resource Manager and a token endpoint, and an identity that they prove."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    with ways.recording() as told:
        key = rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {
            "type": "service_account",
            "client_email": "chaos@acme-chaos.iam.gserviceaccount.com",
            "private_key": key.decode(),
            "private_key_id": "1",
            "token_uri": f"{told.url}/token",
        }
        (tmp_path / "account.json").write_text(json.dumps(account))
        token = {"access_token": "of-google", "expires_in": 3600, "token_type": "Bearer"}
        told.answers["/token"] = (200, json.dumps(token).encode())
        _says(told, PROJECT)
        yield (
            told,
            {
                "project": "acme-chaos",
                "project_number": "415104041262",
                "labels": "purpose=chaos,team=sre",
                "credentials_file": str(tmp_path / "account.json"),
                "endpoint": told.url,
            },
        )


def _says(told: ways.Recorder, project: Any, status: int = 200) -> None:
    told.answers["/v3/projects/acme-chaos"] = (status, json.dumps(project).encode())


def test_a_project_says_its_number_and_labels(google):
    told, identity = google
    kinds = {proof.kind: proof.got for proof in guard.prove_identity({"google": identity}, {})}
    assert kinds["Google Cloud project number"] == "415104041262"
    assert kinds["Google Cloud label team"] == "sre"
    assert told.seen == [("POST", "/token"), ("GET", "/v3/projects/acme-chaos")]


@pytest.mark.parametrize(
    ("project", "says"),
    [
        ({**PROJECT, "name": "projects/1"}, "project number: got '1'"),
        ({**PROJECT, "name": ""}, "name is ''"),
        ({**PROJECT, "name": "projects/x"}, "name is 'projects/x'"),
        ({k: v for k, v in PROJECT.items() if k != "name"}, "name is None"),
        ({**PROJECT, "projectId": "Acme-chaos"}, "got 'Acme-chaos'"),
        ({**PROJECT, "state": "DELETE_REQUESTED"}, "got 'DELETE_REQUESTED', expected 'ACTIVE'"),
        ({**PROJECT, "labels": {"purpose": "Chaos", "team": "sre"}}, "got 'Chaos', expected 'chaos'"),
        ({k: v for k, v in PROJECT.items() if k != "labels"}, "label purpose: got ''"),
        ({**PROJECT, "labels": ["purpose"]}, "labels is"),
        ([], "project is"),
    ],
)
def test_any_doubt_about_a_project_refuses(google, project, says):
    told, identity = google
    _says(told, project)
    with pytest.raises(Blocked, match=says):
        guard.prove_identity({"google": identity}, {})


@pytest.mark.parametrize("status", [301, 403, 404, 500])
def test_a_status_that_is_not_200_refuses(google, status):
    told, identity = google
    _says(told, PROJECT, status)
    with pytest.raises(Blocked, match=f"status {status}"):
        guard.prove_identity({"google": identity}, {})


def test_credentials_that_lie_around_are_not_taken(google, monkeypatch):
    _, identity = google
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", identity["credentials_file"])
    with pytest.raises(Blocked, match="which is no file"):
        guard.prove_identity({"google": {**identity, "credentials_file": "/nowhere"}}, {})


def test_a_driver_that_is_told_no_project_takes_the_proven_one(google, tmp_path):
    _, identity = google
    (tmp_path / "pins").mkdir()
    found = pins.pinned({"google": identity}, tmp_path / "pins")
    for name in ("GCP_PROJECT_ID", "GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"):
        assert found[name] == "acme-chaos"


def test_a_proxy_that_lies_around_is_not_asked(google, monkeypatch):
    _, identity = google
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert guard.prove_identity({"google": identity}, {})


# --- Kubernetes -----------------------------------------------------------------------------------


def _cluster(tmp_path: Path, server: str, **more: object) -> dict[str, Any]:
    config = yaml.safe_load(ways.kubeconfig({"dedicated": server}, "dedicated"))
    config["clusters"][0]["cluster"] |= more
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return kubernetes.pinned_config({"kubeconfig": str(path), "context": "dedicated", "namespace": "shop"})


INSECURE = {"insecure-skip-tls-verify": True}


@pytest.mark.parametrize(
    ("server", "more"),
    [
        ("http://cluster.example.com", {}),
        ("http://10.0.0.1:6443", {}),
        ("http://127.0.0.1.example.com", {}),
        ("http://127.0.0.1@cluster.example.com", {}),
        ("http://cluster.example.com\\@127.0.0.1", {}),
        ("http://0.0.0.0", {}),
        ("https://cluster.example.com", INSECURE),
        ("https://10.0.0.1:6443", INSECURE),
        ("http://127.0.0.1:8001", {"proxy-url": "http://proxy.example.com"}),
        ("ftp://127.0.0.1", {}),
        ("", {}),
    ],
)
def test_a_cluster_that_anybody_could_answer_for_is_refused(tmp_path, server, more):
    with pytest.raises(Blocked, match=r"without a verified certificate|without a server"):
        _cluster(tmp_path, server, **more)


@pytest.mark.parametrize(
    ("server", "more"),
    [
        ("https://cluster.example.com", {}),
        (
            "https://10.0.0.1:6443",
            {"proxy-url": "http://proxy.example.com", "insecure-skip-tls-verify": False},
        ),
        ("http://127.0.0.1:8001", {}),
        ("http://localhost:8001", {}),
        ("http://[::1]:8001", {}),
        ("https://127.0.0.1:6443", INSECURE),
    ],
)
def test_a_cluster_that_is_verified_or_of_this_machine_is_not(tmp_path, server, more):
    assert _cluster(tmp_path, server, **more)["clusters"][0]["cluster"]["server"] == server
