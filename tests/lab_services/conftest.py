"""A real PostgreSQL, and the services as real processes."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from lab_services.support.caches import Valkey
from lab_services.support.cloud import Cloud
from lab_services.support.edges import Certificate, Edge, make_certificate
from lab_services.support.faultproxies import FaultProxy, Upstream
from lab_services.support.parts import IDENTITY, Part, Parts, end
from lab_services.support.postgresql import PostgreSQL, fresh
from waiting import answers, free_port, wait_for

from chaos_lab import cloud_names, schema


@pytest.fixture(scope="session")
def postgresql_template() -> Iterator[PostgreSQL]:
    """An initialised data directory with the schema, stopped, to be copied."""
    with fresh() as server:
        for role in ("app", "retention", "reporting", "prober"):
            server.execute(f"CREATE ROLE {role} LOGIN")
        server.execute("CREATE DATABASE survey")
        for statement in schema.statements():
            server.execute(statement, "survey")
        server.execute("TRUNCATE responses, outbox, analyses, exports RESTART IDENTITY", "survey")
        server.stop()
        yield server


@pytest.fixture
def postgresql(postgresql_template: PostgreSQL, request: pytest.FixtureRequest) -> Iterator[PostgreSQL]:
    """A running PostgreSQL of this test alone."""
    with tempfile.TemporaryDirectory(dir=postgresql_template.data.parent.parent, prefix="pg-") as name:
        base = Path(name)
        base.chmod(0o755)
        shutil.copytree(postgresql_template.data, base / "data")
        if postgresql_template.user:
            for path in (base, *base.rglob("*")):
                shutil.chown(path, postgresql_template.user)
        server = PostgreSQL(postgresql_template.bin, base / "data", free_port(), postgresql_template.user)
        server.start()
        yield server
        server.stop(signal.SIGQUIT)


@pytest.fixture(scope="session")
def cloud_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the lab's cloud runs, seeded, for all tests of this process."""
    folder = tmp_path_factory.mktemp("cloud")
    where = f"127.0.0.1:{free_port()}"
    (folder / "policy.json").write_text(json.dumps(cloud_names.exports_policy()))
    (folder / "password").write_text("none: PostgreSQL trusts in these tests")
    config = {
        "listen": where,
        "exports_policy": str(folder / "policy.json"),
        "database_user": "app",
        "database_password_file": str(folder / "password"),
    }
    (folder / "cloud.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "chaos_lab.services.cloud", "--config", str(folder / "cloud.json")]
    part = Part(command, folder / "cloud.log")
    part.start()
    wait_for("the cloud is up", lambda: answers(f"http://{where}/healthz"), 60)
    yield where
    assert part.stop() == 0


@pytest.fixture(scope="session")
def _cloud_clients(cloud_address: str) -> Cloud:
    import boto3

    how = {
        "region_name": cloud_names.REGION,
        "endpoint_url": f"http://{cloud_address}",
        "aws_access_key_id": cloud_names.ACCESS_KEY,
        "aws_secret_access_key": cloud_names.SECRET_KEY,
    }
    queues = (cloud_names.QUEUE, cloud_names.DEAD_LETTER_QUEUE)
    urls = [cloud_names.queue_url(cloud_address, queue) for queue in queues]
    return Cloud(cloud_address, boto3.client("sqs", **how), boto3.client("s3", **how), *urls)


@pytest.fixture
def cloud(_cloud_clients: Cloud) -> Iterator[Cloud]:
    """The cloud with empty queues and an empty bucket that lets everybody in."""
    cloud = _cloud_clients
    cloud.policy()
    redrive = {
        "deadLetterTargetArn": cloud_names.queue_arn(cloud_names.DEAD_LETTER_QUEUE),
        "maxReceiveCount": cloud_names.MAX_RECEIVES,
    }
    fifo = {"FifoQueue": "true", "VisibilityTimeout": str(cloud_names.VISIBILITY_S)}
    for url, attributes in (
        (cloud.dead_letters, fifo),
        (cloud.queue, {**fifo, "RedrivePolicy": json.dumps(redrive)}),
    ):
        cloud.sqs.delete_queue(QueueUrl=url)  # a purge is allowed only once a minute
        cloud.sqs.create_queue(QueueName=url.rpartition("/")[2], Attributes=attributes)
    for version in cloud.s3.list_object_versions(Bucket=cloud_names.BUCKET).get("Versions", []):
        cloud.s3.delete_object(Bucket=cloud_names.BUCKET, Key=version["Key"], VersionId=version["VersionId"])
    yield cloud
    cloud.policy()


@pytest.fixture
def parts(tmp_path: Path, cloud_address: str) -> Iterator[Parts]:
    parts = Parts(tmp_path, cloud_address)
    yield parts
    end(parts)


@pytest.fixture(scope="module")
def start_parts(cloud_address: str) -> Iterator[Callable[[Path], Parts]]:
    """For parts that several tests share."""
    started: list[Parts] = []

    def start(folder: Path) -> Parts:
        started.append(Parts(folder, cloud_address))
        return started[-1]

    yield start
    for parts in started:
        end(parts)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(free_port(), tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def providers(parts: Parts) -> tuple[Part, str]:
    """The identity provider and the mail service, and their address."""
    where = f"127.0.0.1:{free_port()}"
    accounts = {"analyst": "right"}
    part = parts.start("providers", {"listen": where, "identity": {**IDENTITY, "accounts": accounts}})
    wait_for("the providers are up", lambda: answers(f"http://{where}/healthz"))
    return part, where


@pytest.fixture
def start_edge(parts: Parts, tmp_path: Path) -> Callable[..., Edge]:
    """Starts an edge before these replicas: ``start_edge({"intake": [url, …]})``."""

    def start(services: dict[str, list[str]], **config: Any) -> Edge:
        paths = make_certificate(tmp_path)
        config = {
            "listen": f"127.0.0.1:{free_port()}",
            "certificate": str(paths.certificate),
            "key": str(paths.key),
            "routes": [
                {"prefix": "/responses", "service": "intake"},
                {"prefix": "/dashboard", "service": "dashboard"},
            ],
            "services": {"dashboard": []}
            | {
                service: [{"name": f"{service}-{n}", "url": url} for n, url in enumerate(urls, 1)]
                for service, urls in services.items()
            },
            "timeout_s": 2.5,
            "health_every_s": 0.25,
            "health_path": "/healthz",
            "metrics": f"127.0.0.1:{free_port()}",
            **config,
        }
        part = parts.start("edge", config)
        session = requests.Session()
        session.trust_env = False  # or REQUESTS_CA_BUNDLE would win over our CA
        session.verify = shutil.copy(paths.certificate, tmp_path / "ca.crt")  # tests change the edge's own
        edge = Edge(part, config, session)
        wait_for("the edge listens", lambda: answers(f"{edge.inside}/healthz"))
        wait_for(
            "the edge takes requests", lambda: answers(f"{edge.url}/nothing", 404, verify=session.verify)
        )
        return edge

    return start


@pytest.fixture(name="wait_for")
def _wait_for() -> Callable[..., Any]:
    return wait_for


@pytest.fixture(name="answers")
def _answers() -> Callable[..., bool]:
    return answers


@pytest.fixture(name="free_port")
def _free_port() -> Callable[[], int]:
    return free_port


@pytest.fixture(name="make_certificate")
def _make_certificate() -> Callable[..., Certificate]:
    return make_certificate


@pytest.fixture(scope="module")
def proxy_process(
    start_parts: Callable[[Path], Parts], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FaultProxy]:
    upstream = Upstream()
    listen = f"127.0.0.1:{free_port()}"
    parts = start_parts(tmp_path_factory.mktemp("faultproxy"))
    part = parts.start("faultproxy", {"listen": listen, "proxies": []})
    wait_for("it listens", lambda: answers(f"http://{listen}/healthz"))
    yield FaultProxy(part, f"http://{listen}", upstream)
    upstream.close()


@pytest.fixture
def proxy(proxy_process: FaultProxy) -> Iterator[FaultProxy]:
    """One proxy, "it", before an upstream, without toxics."""
    proxy_process.call("POST", "/proxies", {"name": "it", "upstream": proxy_process.upstream.address}, 201)
    yield proxy_process
    for one in proxy_process.open:
        one.close()
    proxy_process.open.clear()
    for name in proxy_process.call("GET", "/proxies"):
        proxy_process.call("DELETE", f"/proxies/{name}", status=204)
