"""A dedicated environment as the guard sees one: STS by moto, a Kubernetes API, servers that record what changes them.

The experiment is one that a team might have written: nothing of it goes through our guarded door.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
OTHER = "444455556666"  # an account
ACCOUNT, ROLE, UID = "111122223333", "ChaosRunner", "5b0c1f0e-0000-4000-8000-00000000d0d0"
ENVIRONMENT = "environments/dedicated.yaml"


@dataclass
class Recorder:
    """An HTTP server on loopback: what was asked of it, and what it answers by path."""

    url: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    silent: threading.Event = field(default_factory=threading.Event)  # set: it does not answer
    ends: threading.Event = field(default_factory=threading.Event)

    @property
    def changed(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.seen if method not in ("GET", "HEAD")]


@contextmanager
def recording() -> Iterator[Recorder]:
    told = Recorder()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told.seen.append((self.command, self.path))
            if told.silent.is_set():
                told.ends.wait(20)
                return
            status, body = told.answers.get(self.path, (200, b"{}"))
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if body[:1] == b"{" else "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _any

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.ends.set()
        server.shutdown()
        server.server_close()
        thread.join()


def namespace(name: str, uid: str, **labels: str) -> tuple[int, bytes]:
    """As GET /api/v1/namespaces/NAME answers."""
    metadata = {"name": name, "uid": uid, "labels": {"kubernetes.io/metadata.name": name, **labels}}
    found = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "status": {"phase": "Active"}}
    return 200, json.dumps(found).encode()


def as_cluster(recorder: Recorder, uid: str, **labels: str) -> None:
    """Let `recorder` answer as a cluster does."""
    recorder.answers["/api/v1/namespaces/kube-system"] = namespace("kube-system", uid)
    recorder.answers["/api/v1/namespaces/shop"] = namespace("shop", "of-shop", **labels)


def as_sts(account: str | None, role: str) -> tuple[int, bytes]:
    """As GetCallerIdentity answers; without an account when there is none."""
    number = "" if account is None else f"<Account>{account}</Account>"
    arn = f"arn:aws:sts::{account or ACCOUNT}:assumed-role/{role}/me"
    return 200, (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>{arn}</Arn><UserId>A:me</UserId>{number}</GetCallerIdentityResult>"
        "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    ).encode()


def kubeconfig(contexts: dict[str, str], current: str) -> str:
    """A kubeconfig with a cluster for each context."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": current,
            "contexts": [{"name": n, "context": {"cluster": n, "user": "me"}} for n in contexts],
            "clusters": [{"name": n, "cluster": {"server": url}} for n, url in contexts.items()],
            "users": [{"name": "me", "user": {"token": "not-a-secret"}}],
        }
    )


_FREE = """\
schema: 1
rules:
  - id: free
    decision: free
    reason: {en: Only the guard decides here., ja: ガードだけが決める。}
    match: {environment: ["*"]}
"""
_PLACE = """\
schema: 1
name: dedicated
title: The dedicated environment
platform: kubernetes
disposable: false
identity:
  aws: {{account: "{account}", role: {role}, profile: chaos, config_file: {config}, endpoint_url: "{sts}"}}
  kubernetes:
    kubeconfig: {kubeconfig}
    context: dedicated
    cluster_uid: {uid}
    namespace: shop
    label: purpose=chaos
base_url: {target}
alerts: {{source: alertmanager, url: "{target}", poll: 1s, runbook_base_url: "https://example.org/", rules: []}}
targets: {{}}
windows: {{baseline: 1s, stable: 1s}}
limits: {{targets: 1, longest_fault: 1m}}
"""


def credentials(keys: dict[str, str]) -> str:
    """An AWS configuration file with the profile `chaos`."""
    return "[profile chaos]\n" + "".join(f"{name} = {value}\n" for name, value in keys.items())


def as_profile(sts: Any, account: str, role: str) -> str:
    """A profile with the keys of a role, as AssumeRole gave them."""
    arn = f"arn:aws:iam::{account}:role/{role}"
    given = sts.assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    return credentials(
        {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
    )


@dataclass
class Field:
    """One experiment in one project: what a way around changes before it is run."""

    root: Path
    dedicated: Recorder
    production: Recorder
    sts: Any  # a client of the STS that both accounts have
    sts_url: str
    experiment: dict[str, Any]
    aborting: bool = False

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def edit(self, old: str, new: str) -> None:
        """In the environment's file, where `old` stands once."""
        file = self.root / ENVIRONMENT
        text = file.read_text()
        assert text.count(old) == 1, (old, text)
        file.write_text(text.replace(old, new))

    def first(self, activity: dict[str, Any]) -> None:
        """Put something before everything else of the method."""
        self.experiment["method"].insert(0, activity)

    def meanwhile(self, path: str, text: str) -> None:
        """Once an activity has been admitted, a file of the project becomes another."""
        new = self.write(f"later/{Path(path).name}", text)
        arguments = {"new": str(new), "old": str(self.root / path)}
        self.first(python("action", "replace_file", **arguments))

    @property
    def left(self) -> Path:
        """What the process activities leave."""
        return self.root / "left"

    @property
    def noted(self) -> list[dict[str, Any]]:
        """What the gate wrote down."""
        return [json.loads(line) for line in (self.root / ".chaos" / "gate.jsonl").read_text().splitlines()]

    @property
    def changes(self) -> list[object]:
        """Every mutating call that was seen anywhere."""
        files: list[object] = [self.left] if self.left.exists() else []
        return [*self.dedicated.changed, *self.production.changed, *files]

    def run(self) -> dict[str, Any]:
        """Run the experiment as `chaos run` does; its journal."""
        from chaoslib.experiment import run_experiment

        strategy = {"rollbacks": {"strategy": "always"}, "hypothesis": {"strategy": "default"}}
        journal: dict[str, Any] = run_experiment(self.experiment, settings={"runtime": strategy})
        return journal


def python(kind: str, func: str, module: str = "ways_actions", **arguments: Any) -> dict[str, Any]:
    provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
    return {"type": kind, "name": func.replace("_", "-"), "provider": provider}


def http(kind: str, url: str, method: str = "POST") -> dict[str, Any]:
    return {"type": kind, "name": "call", "provider": {"type": "http", "url": url, "method": method}}


def process(kind: str, path: Path) -> dict[str, Any]:
    provider = {"type": "process", "path": "touch", "arguments": [str(path)]}
    return {"type": kind, "name": "touch", "provider": provider}


# --- ways around ----------------------------------------------------------------------------------

Trick = Callable[[Field, pytest.MonkeyPatch], object]


def sts_says(status: int, body: bytes) -> Trick:
    """STS is a server that answers so."""

    def trick(field: Field, _: pytest.MonkeyPatch) -> None:
        field.production.answers["/"] = (status, body)
        field.edit(f'"{field.sts_url}"', f'"{field.production.url}"')

    return trick


def profile_of(account: str, role: str) -> Trick:
    """The profile has the credentials of another role."""
    return lambda field, _: field.write("aws-config", as_profile(field.sts, account, role))


def unnamed(field: Field) -> None:
    """The experiment names no environment."""
    field.experiment["configuration"] = {}


def url(field: Field, path: str) -> str:
    """Something in the dedicated environment."""
    return f"{field.dedicated.url}/{path}"


def of_production(field: Field) -> Path:
    """A kubeconfig of production."""
    return field.write("of-production", kubeconfig({"production": field.production.url}, "production"))


# --- the project ----------------------------------------------------------------------------------


def project(root: Path, target: str, sts_url: str, profile: str) -> None:
    """A project with one environment, and the files that reach it."""
    (root / "catalog").mkdir(parents=True)
    (root / "catalog" / "guidelines.yaml").write_text(_FREE)
    (root / "environments").mkdir()
    (root / "aws-config").write_text(profile)
    (root / "kubeconfig").write_text(kubeconfig({"dedicated": target}, "dedicated"))
    (root / ENVIRONMENT).write_text(
        _PLACE.format(
            account=ACCOUNT,
            role=ROLE,
            config=root / "aws-config",
            sts=sts_url,
            kubeconfig=root / "kubeconfig",
            uid=UID,
            target=target,
        )
    )


def experiment(root: Path, target: str) -> dict[str, Any]:
    """Three ways to change something, and one in the rollbacks."""
    return {
        "title": "ours",
        "description": "by hand",
        "configuration": {"chaos_environment": "dedicated"},
        "method": [
            python("action", "post", url=f"{target}/by-python"),
            http("action", f"{target}/by-http"),
            process("action", root / "left"),
        ],
        "rollbacks": [http("action", f"{target}/back")],
    }
