"""References resolve when a run starts; what cannot be read is told with file and line, and never with a value."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import vaults_for_tests as vaults
import yaml

from chaos_ext import environments
from chaos_ext.errors import Blocked, UsageError
from chaos_ext.masking import register
from chaos_ext.model import Place as Place_
from chaos_ext.safety import guard
from chaos_ext.vaults import read as reading

ROOT = Path(__file__).resolve().parents[2]
VALUE = "pl4nted-v4lue"
Place = Callable[..., Any]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An environment of a project of its own with these secrets, and that identity."""
    (tmp_path / "catalog").mkdir()
    (tmp_path / "environments").mkdir()
    monkeypatch.setenv("CHAOS_PROJECT", str(tmp_path))

    def write(secrets: dict[str, Any], **changes: Any) -> Any:
        written = yaml.safe_load((ROOT / "environments" / "lab.yaml").read_text(encoding="utf-8"))
        written |= {"secrets": secrets, **changes}
        path = tmp_path / "environments" / "lab.yaml"
        path.write_text(yaml.safe_dump(written, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return environments.load("lab")

    return write


def told(environment: Any, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(UsageError) as refused:
        reading.secrets_of(environment, lambda: None, environ or {})
    return str(refused.value)


def test_what_is_on_this_machine(place: Place, tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b" p w d! \n")
    (tmp_path / "key.pem").write_bytes(b"-----BEGIN-----\nMIIEvQIBADAN\n-----END-----\r\n")
    found = reading.secrets_of(
        place(
            {"A": {"file": "password"}, "B": {"file": str(tmp_path / "key.pem")}, "C": {"env": "MY_TOKEN"}}
        ),
        lambda: pytest.fail("no cloud is asked"),
        {"MY_TOKEN": "token\n"},
    )
    assert found == {"A": " p w d! ", "B": "-----BEGIN-----\nMIIEvQIBADAN\n-----END-----", "C": "token\n"}
    assert register.hide("p w d!, MIIEvQIBADAN: token") == "***, ***: ***"


def test_everything_that_is_wrong_at_once_with_its_line(place: Place, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    (tmp_path / "big").write_bytes(b"x" * 70_000)
    os.mkfifo(tmp_path / "pipe")
    environment = place(
        {
            "NOWHERE": {"file": "none"}, "EMPTY": {"file": "empty"}, "BYTES": {"file": "bytes"}, "BIG": {"file": "big"},
            "PIPE": {"file": "pipe"}, "FOLDER": {"file": "environments"}, "UNSET": {"env": "UNSET"},
            "SHORT": {"env": "SHORT"}, "BLANK": {"env": "BLANK"}, "GOOD": {"env": "GOOD"},
        }
    )  # fmt: skip
    lines = (tmp_path / "environments" / "lab.yaml").read_text(encoding="utf-8").splitlines()

    def line(name: str, kind: str) -> str:
        return f"environments/lab.yaml:{lines.index(f'  {name}:') + 2}: secrets.{name}.{kind}: "

    assert told(environment, {"SHORT": "abc", "BLANK": "   ", "GOOD": VALUE}).splitlines() == [
        line("NOWHERE", "file")
        + "got none (No such file or directory), expected a file that holds the value.",
        line("EMPTY", "file") + "got an empty value, expected a value.",
        line("BYTES", "file") + "got bytes that are not UTF-8, expected a text.",
        line("BIG", "file") + "got a value of more than 64 KiB, expected one that a variable can hold.",
        line("PIPE", "file") + "got pipe, which is no file, expected a file that holds the value.",
        line("FOLDER", "file") + "got environments (Is a directory), expected a file that holds the value.",
        line("UNSET", "env") + "got the unset variable UNSET, expected a value. Set UNSET.",
        line("SHORT", "env")
        + "got a value of fewer than 4 characters, expected a longer one. So short a value would "
        "be hidden in words that have nothing to do with it.",
        line("BLANK", "env") + "got an empty value, expected a value.",
    ]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (VALUE, "got a value that is not shown, expected a mapping with env, file, "),
        (12345678, "got a value that is not shown, expected a mapping with env, file, "),
        ({"env": [VALUE]}, "secrets.X.env: got a list, expected a text. Say where the value is."),
        ({"env": "A", "file": "b"}, "expected exactly one of env, file, aws, google, kubernetes."),
        ({}, "expected exactly one of env, file, aws, google, kubernetes."),
        ({"vault": VALUE}, "secrets.X.vault: got the unknown key 'vault'"),
        ({"google": {"secret": VALUE}}, "such as 'projects/my-project/secrets/db-password/versions/latest'"),
    ],
    ids=["value", "number", "list", "two", "none", "unknown", "google"],
)
def test_what_is_no_reference_is_not_repeated(place: Place, written: Any, expected: str) -> None:
    with pytest.raises(UsageError) as refused:
        place({"X": written})
    assert expected in str(refused.value)
    assert str(refused.value).startswith("environments/lab.yaml:")
    assert VALUE not in str(refused.value)
    assert "12345678" not in str(refused.value)


# --- clouds ---


def test_secrets_manager(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    held = json.dumps({"username": "reporter", "password": VALUE})
    at = {"region": "eu-west-1"}
    with vaults.aws({"db": held, "plain": VALUE + "\n", "pin": "123"}) as found:
        for name, value in found.items():
            monkeypatch.setenv(name, value)
        proofs: list[str] = []
        environment = place(
            {
                "ALL": {"aws": {"secret": "db", **at}},
                "ONE": {"aws": {"secret": "db", **at, "key": "password"}},
                "PLAIN": {"aws": {"secret": "plain", **at}},
            }
        )
        values = reading.secrets_of(environment, lambda: proofs.append("proven"))
        assert values == {"ALL": held, "ONE": VALUE, "PLAIN": VALUE}
        assert proofs == ["proven"]
        assert register.hide(f"reporter has {VALUE}") == "reporter has ***"
        wrong = place(
            {
                "A": {"aws": {"secret": "none", **at}},
                "B": {"aws": {"secret": "db", **at, "key": "pass"}},
                "C": {"aws": {"secret": "plain", **at, "key": "pass"}},
                "D": {"aws": {"secret": "pin", **at}},
            }
        )
        said = told(wrong, dict(os.environ))
    assert "secrets.A.aws: got ResourceNotFoundException from AWS for 'none', expected the value." in said
    assert "secrets.B.aws: got an object without 'pass', expected an object with 'pass'." in said
    assert "secrets.C.aws: got a value that is no JSON object, expected an object with 'pass'." in said
    assert "secrets.D.aws: got a value of fewer than 4 characters" in said
    assert VALUE not in said


def test_secret_manager(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "projects/p/secrets/db/versions/latest"
    with vaults.google({name: VALUE.encode(), name.replace("db", "raw"): b"\xff\xfe"}, tmp_path) as found:
        for variable, value in found.items():
            monkeypatch.setenv(variable, value)
        assert reading.secrets_of(place({"X": {"google": {"secret": name}}}), lambda: None) == {"X": VALUE}
        names = {"A": name.replace("db", "none"), "B": name.replace("db", "raw")}
        said = told(place({key: {"google": {"secret": each}} for key, each in names.items()}))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none"))
        unsigned = told(place({"X": {"google": {"secret": name}}}))
    assert (
        "secrets.A.google: got status 404 from Google for 'projects/p/secrets/none/versions/latest'" in said
    )
    assert "secrets.B.google: got bytes that are not UTF-8, expected a text." in said
    assert "no application default credentials (DefaultCredentialsError)" in unsigned


def _pinned(kubeconfig: str, context: str = "planted") -> dict[str, Any]:
    rest = {"cluster_uid": vaults.CLUSTER_UID, "namespace": "shop", "label": "chaos=yes"}
    return {"identity": {"kubernetes": {"kubeconfig": kubeconfig, "context": context, **rest}}}


def test_a_secret_of_the_pinned_cluster(place: Place, tmp_path: Path) -> None:
    def at(**changes: str) -> dict[str, Any]:
        return {"kubernetes": {"namespace": "shop", "name": "db", "key": "password", **changes}}

    values = {("shop", "db", "password"): VALUE.encode() + b"\n"}
    with vaults.kubernetes(values, tmp_path) as kubeconfig:
        pinned = _pinned(kubeconfig)
        proven = place({"X": at()}, **pinned)
        assert reading.secrets_of(proven, lambda: guard.prove(Place_(proven, "x", {}))) == {"X": VALUE}
        said = told(place({"A": at(name="cache"), "B": at(key="pass")}, **pinned))
        other = told(place({"X": at()}, **_pinned(kubeconfig, "gone")))
        unpinned = told(place({"X": at()}))
        config = json.loads(Path(kubeconfig).read_text())
        del config["clusters"][1]["cluster"]["certificate-authority-data"]
        Path(kubeconfig).write_text(json.dumps(config))
        untrusted = told(place({"X": at()}, **pinned))
        config["clusters"][1]["cluster"]["insecure-skip-tls-verify"] = True
        Path(kubeconfig).write_text(json.dumps(config))
        unverified = told(place({"X": at()}, **pinned))
    assert (
        "secrets.A.kubernetes: got status 404 from the cluster for 'shop/cache', expected the value." in said
    )
    assert "secrets.B.kubernetes: got a Secret without 'pass', expected a key that is there." in said
    assert "got 0 contexts named 'gone'" in other
    assert "got no pinned cluster, expected identity.kubernetes, which says which one." in unpinned
    assert "got no answer from the cluster for 'shop/db' (" in untrusted
    assert "got a cluster whose certificate is not verified, expected one that is who it says." in unverified


def test_a_program_that_signs_in(place: Place, tmp_path: Path) -> None:
    plugin = tmp_path / "sign-in"
    version = "client.authentication.k8s.io/v1"
    credential = {"kind": "ExecCredential", "apiVersion": version, "status": {"token": "t0ken-of-cluster"}}
    plugin.write_text(f"#!/bin/sh\n[ \"$1$WHO\" = get-token-me ] && echo '{json.dumps(credential)}'\n")
    plugin.chmod(0o700)
    reference = {"kubernetes": {"namespace": "shop", "name": "db", "key": "password"}}
    with vaults.kubernetes({("shop", "db", "password"): VALUE.encode()}, tmp_path) as kubeconfig:
        config = json.loads(Path(kubeconfig).read_text())
        signing = {"command": str(plugin), "args": ["get-token"], "env": [{"name": "WHO", "value": "-me"}]}
        config["users"][1]["user"] = {"exec": {"apiVersion": version, "interactiveMode": "Never", **signing}}
        Path(kubeconfig).write_text(json.dumps(config))
        environment = place({"X": reference}, **_pinned(kubeconfig))
        assert reading.secrets_of(environment, lambda: None) == {"X": VALUE}


def test_the_place_is_proven_before_a_cloud_is_asked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        asked.append(path)
        return 404, {}

    def refuse() -> None:
        raise Blocked("another place")

    with vaults.server(answer) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{port}")
        environment = place({"X": {"aws": {"secret": "db", "region": "eu-west-1"}}})
        with pytest.raises(Blocked, match="another place"):
            reading.secrets_of(environment, refuse)
    assert asked == []


def test_a_vault_that_does_not_answer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LIMIT_S", 0.3)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")

    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        time.sleep(1.0)
        return 200, {"SecretString": VALUE}

    with vaults.server(answer) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{port}")
        said = told(place({"X": {"aws": {"secret": "db", "region": "eu-west-1"}}}))
    assert "secrets.X.aws: got not done after 0.3 s, expected the value within 0.3 s." in said


def test_the_check_of_an_environment_reads_them_and_shows_none(project: Any, tmp_path: Path) -> None:
    path = project.root / "environments" / "lab.yaml"
    written = yaml.safe_load(path.read_text(encoding="utf-8").replace("${lab.", "${env.NOTHING_"))
    written |= {"name": "shop", "platform": "kubernetes", "variables": {}, "path": []}
    written |= {"base_url": "http://127.0.0.1:1", "ca_file": None}
    written["alerts"] |= {"url": "http://127.0.0.1:1", "rules_url": None, "received_url": None}
    written["secrets"] = {
        "A": {"kubernetes": {"namespace": "shop", "name": "db", "key": "password"}},
        "B": {"env": "MY_TOKEN"},
    }
    with vaults.kubernetes({("shop", "db", "password"): VALUE.encode()}, tmp_path) as kubeconfig:
        written |= _pinned(kubeconfig)
        path.with_name("shop.yaml").write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")
        without = project.chaos("env", "check", "shop")
        os.environ["MY_TOKEN"] = VALUE
        try:
            done = project.chaos("env", "check", "shop")
        finally:
            del os.environ["MY_TOKEN"]
    assert done.code == 0, done.out + done.err
    assert "shop: 2 secrets can be read." in done.out
    assert without.code == 2, without.out + without.err
    assert "secrets.B.env: got the unset variable MY_TOKEN, expected a value. Set MY_TOKEN." in without.err
    assert VALUE not in done.out + done.err + without.out + without.err
