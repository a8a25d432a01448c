"""AWS' control plane as moto has it: one process, real HTTP on 127.0.0.1, every call asked whether it is allowed.

Who calls is a role that may do what `policy` says and nothing else. moto asks of a call which action it is, but only of
S3 on what: the resources of all others are widened for it (`as_moto_sees`).
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from chaos_lab.rehearsal import ecs, seeding

ACCOUNT = "123456789012"
SESSION = "rehearsal"
PROFILE = "rehearsal"
_ROOT_KEYS = ("root", "root")  # before policies are in force, whoever asks is let in
_OWNER_EVERY_S = 1.0
_AFTER_OWNER_S = 60.0  # so long a janitor has to undo what its runner left, before the place is gone


def as_moto_sees(policy: dict[str, Any]) -> dict[str, Any]:
    """The policy with the resources that moto does not ask about taken away: all but those of S3."""
    statements = []
    for statement in policy.get("Statement", []):
        of_s3 = [each for each in statement["Action"] if each.startswith("s3:")]
        others = [each for each in statement["Action"] if not each.startswith("s3:")]
        statements += [{**statement, "Action": of_s3}] if of_s3 else []
        statements += [{**statement, "Action": others, "Resource": "*"}] if others else []
    return {**policy, "Statement": [{**s, "Sid": f"Chaos{n}"} for n, s in enumerate(statements, 1)]}


def run(directory: Path, config: dict[str, Any]) -> None:
    """Serve until SIGTERM, or until a while after the owner has gone; then `directory` is taken away. Never returns."""
    logs = directory / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    ends = threading.Event()
    server = _server(logs / "requests.jsonl")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ends.set())
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    region = str(config["region"])

    def client(service: str) -> Any:
        return _client(service, url, region)

    threading.Thread(target=ecs.keep_services, args=(ACCOUNT, region, ends), daemon=True).start()
    seeding.seed(config["calls"], directory / "files", client)
    keys = _role(client, str(config["role"]), config["policy"])
    _profile(directory, region, keys)
    _enforce(url)
    facts = {
        "rehearsal": True,
        "name": directory.name,
        "dir": str(directory),
        "marker": str(config["marker"]),
        "url": url,
        "account": ACCOUNT,
        "region": region,
        "role": str(config["role"]),
        "profile": PROFILE,
        "config_file": str(directory / "config"),
        "credentials_file": str(directory / "credentials"),
        "files": str(directory / "files"),
        "logs": str(logs),
        "bin": str(_tools(directory, url)),
        "pid": os.getpid(),
    }
    _write(directory / "facts.json", json.dumps(facts))
    _until_over(ends, int(config["owner_pid"]))
    server.shutdown()


def _client(service: str, url: str, region: str) -> Any:
    import boto3
    from botocore.config import Config

    # Nothing between us and ourselves, whatever this machine's environment says.
    direct = Config(proxies={}, connect_timeout=10, read_timeout=60, retries={"total_max_attempts": 1})
    key, secret = _ROOT_KEYS
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=direct,
    )


def _until_over(ends: threading.Event, owner: int) -> None:
    import psutil

    gone_since: float | None = None
    started = psutil.Process(owner).create_time() if psutil.pid_exists(owner) else None
    while not ends.wait(_OWNER_EVERY_S):
        try:
            there = psutil.Process(owner).create_time() == started
        except psutil.Error:
            there = False
        gone_since = None if there else (gone_since or time.monotonic())
        if gone_since is not None and time.monotonic() - gone_since > _AFTER_OWNER_S:
            return


def _server(requests: Path) -> Any:
    os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    log = requests.open("a", encoding="utf-8", buffering=1)
    writing = threading.Lock()

    class Noting(MotoRequestHandler):
        """Notes every request: what a rehearsal proves is which requests were made."""

        disable_nagle_algorithm = True

        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            line = {
                "at": round(time.monotonic(), 3),
                "method": self.command,
                "path": self.path,
                "target": self.headers.get("X-Amz-Target", ""),
                "status": int(code) if str(code).isdigit() else str(code),
            }
            with writing:
                log.write(json.dumps(line) + "\n")

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = DomainDispatcherApplication(create_backend_app)
    return make_server("127.0.0.1", 0, app, threaded=True, request_handler=Noting)


def _role(client: Any, role: str, policy: dict[str, Any]) -> dict[str, str]:
    """Make the role that acts, let it do what `policy` says, and sign in as it."""
    iam = client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)
    if policy.get("Statement"):  # IAM takes none that allows nothing
        iam.put_role_policy(
            RoleName=role, PolicyName="chaos", PolicyDocument=json.dumps(as_moto_sees(policy))
        )
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    given = client("sts").assume_role(RoleArn=arn, RoleSessionName=SESSION)["Credentials"]
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


def _profile(directory: Path, region: str, keys: dict[str, str]) -> None:
    _write(directory / "config", f"[profile {PROFILE}]\nregion = {region}\n")
    said = "".join(f"{name} = {value}\n" for name, value in keys.items())
    _write(directory / "credentials", f"[{PROFILE}]\n{said}")


def _tools(directory: Path, url: str) -> Path:
    """The folder with the operators' tool, as it is installed beside us, told the endpoint by an option.

    The variable does not do: aws 1 asks SQS at an address of its own, whatever AWS_ENDPOINT_URL says.
    """
    folder = directory / "bin"
    folder.mkdir(mode=0o700, exist_ok=True)
    _write(
        folder / "aws", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m awscli --endpoint-url {url} "$@"\n'
    )
    (folder / "aws").chmod(0o700)
    return folder


def _enforce(url: str) -> None:
    """From now on every call is asked whether it is allowed."""
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    asked = urllib.request.Request(f"{url}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
    opener.open(asked, timeout=30).close()


def _write(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
