"""The emulator of a rehearsal, by real HTTP, with every call asked whether it is allowed; and servers that record."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chaos_ext import environments, rehearsals
from chaos_ext.model import Environment
from chaos_ext.safety import execute
from chaos_lab.rehearsal.cloud import as_moto_sees

ROOT = Path(__file__).resolve().parents[2]
NOTHING = '{"Version": "2012-10-17", "Statement": []}'
ACCOUNT, ROLE, REGION = "123456789012", "chaos-runner", "ap-northeast-1"


@dataclass
class Cloud:
    """An emulator that is up, and the environment that is proven in it."""

    facts: dict[str, Any]
    environment: Environment

    @property
    def identity(self) -> dict[str, dict[str, str]]:
        return self.environment.identity

    def run(self, activity: dict[str, Any]) -> Any:
        """Run an activity as the door does: with the pinned identity and no other."""
        return execute.run(activity, {}, identity=self.identity)

    def client(self, service: str) -> Any:
        """A client of whoever made the account; only while nobody is asked (`as_admin`)."""
        import boto3
        from botocore.config import Config

        direct = Config(proxies={}, retries={"total_max_attempts": 1})
        return boto3.client(
            service, endpoint_url=self.facts["url"], region_name=REGION, aws_access_key_id="root",
            aws_secret_access_key="root", config=direct,
        )  # fmt: skip

    def as_admin(self, work: Callable[[Callable[[str], Any]], object]) -> None:
        """Do something that nobody is asked about."""
        self._ask_after(1000)
        try:
            work(self.client)
        finally:
            self._ask_after(0)

    def allow(self, policy: dict[str, Any]) -> None:
        """What the role may do from now on, and nothing else."""
        document = json.dumps(as_moto_sees(policy))

        def put(client: Callable[[str], Any]) -> None:
            client("iam").put_role_policy(RoleName=ROLE, PolicyName="chaos", PolicyDocument=document)

        self.as_admin(put)

    def _ask_after(self, calls: int) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        url = f"{self.facts['url']}/moto-api/reset-auth"
        asked = urllib.request.Request(url, str(calls).encode(), {"Content-Type": "text/plain"})
        opener.open(asked, timeout=30).close()


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    directory = Path(tempfile.mkdtemp(prefix="chaos-rehearsal-"))
    loaded = environments.load("rehearsal-aws", ROOT)
    facts = rehearsals.up(loaded, ROOT, directory, NOTHING, os.getpid())
    yield Cloud(facts, environments.fill(loaded, facts))
    rehearsals.down(directory)
    assert not directory.exists()


@dataclass
class Recorder:
    """An endpoint that answers as STS does, and everything else as it is told; it keeps what was asked."""

    url: str = ""
    arn: str = f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/me"
    seen: list[str] = field(default_factory=list)  # the action of each request, in order
    answers: list[tuple[int, str]] = field(default_factory=list)  # taken in turn; the last one stays

    @property
    def calls(self) -> list[str]:
        """All but the question who one is."""
        return [each for each in self.seen if each != "GetCallerIdentity"]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    told = Recorder()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            action = (self.headers.get("X-Amz-Target") or "").rpartition(".")[2]
            told.seen.append(action or body.partition("Action=")[2].partition("&")[0])
            if told.seen[-1] == "GetCallerIdentity":
                kind, status, text = (
                    "text/xml",
                    200,
                    _WHO.format(arn=told.arn, account=told.arn.split(":")[4]),
                )
            else:
                status, text = told.answers[0]
                if len(told.answers) > 1:
                    told.answers.pop(0)
                kind = "application/x-amz-json-1.1"
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_DELETE = do_HEAD = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


_WHO = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>{arn}</Arn><UserId>A:me</UserId><Account>{account}</Account></GetCallerIdentityResult>"
    "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
)


@pytest.fixture
def identity(tmp_path: Path, recorder: Recorder) -> dict[str, dict[str, str]]:
    """Who acts at the recorder."""
    (tmp_path / "config").write_text(f"[profile rehearsal]\nregion = {REGION}\n")
    (tmp_path / "credentials").write_text(
        "[rehearsal]\naws_access_key_id = ASIAROLE\naws_secret_access_key = of-a-test\naws_session_token = of-it\n"
    )
    return {
        "aws": {
            "account": ACCOUNT,
            "role": ROLE,
            "region": REGION,
            "profile": "rehearsal",
            "config_file": str(tmp_path / "config"),
            "credentials_file": str(tmp_path / "credentials"),
            "endpoint_url": recorder.url,
        }
    }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the catalogue that a test may spoil."""
    root = tmp_path / "project"
    for name in ("catalog", "environments", "experiments"):
        shutil.copytree(ROOT / name, root / name)
    monkeypatch.setenv("CHAOS_PROJECT", str(root))
    monkeypatch.setenv("CHAOS_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(root)
    return root
