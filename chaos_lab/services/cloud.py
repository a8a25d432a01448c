"""The lab's cloud: moto's S3, SQS, Secrets Manager, IAM and STS in one process, only on 127.0.0.1.

Before it listens it makes what infrastructure code would have made, by requests in the services' own
protocols to the application that will serve them: no client library is waited for. Of moto's inside one function
is replaced (`give_queues_a_cheap_clock`). Nothing survives a restart but what is made at start.
"""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from chaos_lab import cloud_names
from chaos_lab.services import process

Start = Callable[..., Any]
App = Callable[[dict[str, Any], Start], Iterable[bytes]]
_XML = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


class _Seeder:
    """Makes requests to the application without a network."""

    def __init__(self, app: App, address: str) -> None:
        from werkzeug.test import Client

        self._client, self._base = Client(app), f"http://{address}"

    def _send(self, service: str, method: str, path: str, body: bytes, **headers: str) -> bytes:
        scope = f"{cloud_names.ACCESS_KEY}/20260101/{cloud_names.REGION}/{service}/aws4_request"
        signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self._client.open(
            path, method=method, base_url=self._base, data=body, headers={**signed, **named}
        )
        if response.status_code not in (200, 204):
            raise process.CannotStart(f"{service} {method} {path}: {response.status_code} {response.text}")
        return bytes(response.data)

    def json(self, service: str, target: str, **parameters: Any) -> None:
        """A request of the services that speak JSON."""
        kind = f"application/x-amz-json-{'1.0' if service == 'sqs' else '1.1'}"
        body = json.dumps(parameters).encode()
        self._send(service, "POST", "/", body, Content_Type=kind, X_Amz_Target=target)

    def s3(self, path: str, body: str) -> None:
        self._send("s3", "PUT", path, body.encode())


def seed(app: App, config: process.Config) -> None:
    """The bucket, the queues and the secret."""
    cloud = _Seeder(app, str(config["listen"]))
    where = f"<LocationConstraint>{cloud_names.REGION}</LocationConstraint>"
    bucket = f"/{cloud_names.BUCKET}"
    cloud.s3(bucket, f"<CreateBucketConfiguration {_XML}>{where}</CreateBucketConfiguration>")
    enabled = f"<VersioningConfiguration {_XML}><Status>Enabled</Status></VersioningConfiguration>"
    cloud.s3(f"{bucket}?versioning", enabled)
    cloud.s3(f"{bucket}?policy", Path(config["exports_policy"]).read_text(encoding="utf-8"))
    fifo = {"FifoQueue": "true", "VisibilityTimeout": str(cloud_names.VISIBILITY_S)}
    cloud.json("sqs", "AmazonSQS.CreateQueue", QueueName=cloud_names.DEAD_LETTER_QUEUE, Attributes=fifo)
    redrive = {
        "deadLetterTargetArn": cloud_names.queue_arn(cloud_names.DEAD_LETTER_QUEUE),
        "maxReceiveCount": cloud_names.MAX_RECEIVES,
    }
    attributes = {**fifo, "RedrivePolicy": json.dumps(redrive)}
    cloud.json("sqs", "AmazonSQS.CreateQueue", QueueName=cloud_names.QUEUE, Attributes=attributes)
    password = Path(config["database_password_file"]).read_text(encoding="utf-8").strip()
    secret = json.dumps({"username": config["database_user"], "password": password})
    cloud.json("secretsmanager", "secretsmanager.CreateSecret", Name=cloud_names.SECRET, SecretString=secret)


def with_health(app: App) -> App:
    """The same, with the look that every part of the lab offers."""

    def answer(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != "/healthz":
            return app(environ, start)
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", "16")])
        return [b'{"status": "ok"}']

    return answer


def one_queue_request_at_a_time(app: App) -> App:
    """The same, for queues that are not made for threads.

    moto takes a message off a queue by a new list of those that remain, and one that another thread adds
    meanwhile is lost. Requests that wait for messages change nothing before they have some: they need no turn.
    """
    turn = threading.Lock()

    def answer(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if not environ.get("HTTP_X_AMZ_TARGET", "").startswith("AmazonSQS."):
            return app(environ, start)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)  # read before the turn: a slow sender holds nobody up
        if b'"WaitTimeSeconds"' in body:
            return app(environ, start)
        with turn:
            return list(app(environ, start))

    return answer


def give_queues_a_cheap_clock() -> None:
    """moto asks for the time dozens of times for each message that a queue holds whenever one is sent, by
    arithmetic with dates: with 300 waiting, a message costs 25 ms of CPU, and so 1 ms."""
    from moto.sqs import models

    if not callable(getattr(models, "unix_time_millis", None)):
        raise process.CannotStart("moto: expected moto.sqs.models.unix_time_millis to be a function")
    vars(models)["unix_time_millis"] = lambda: time.time() * 1000


def main(path: Path, config: process.Config) -> None:
    os.environ.setdefault("MOTO_ACCOUNT_ID", cloud_names.ACCOUNT)
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    class Quiet(MotoRequestHandler):
        disable_nagle_algorithm = True  # headers and body are two writes: the second would wait for an ACK

        def log_request(self, *_: object) -> None:
            """Not one line for every look."""

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    give_queues_a_cheap_clock()
    app = DomainDispatcherApplication(create_backend_app)
    seed(app, config)
    host, port = process.address(config["listen"])
    try:
        server = make_server(
            host, port, with_health(one_queue_request_at_a_time(app)), threaded=True, request_handler=Quiet
        )
    except (OSError, SystemExit) as error:
        raise process.CannotStart(str(error)) from None
    for number in (signal.SIGTERM, signal.SIGINT):
        # From another thread, since it waits for the loop that this one runs.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    process.log("listening", at_address=str(config["listen"]))
    server.serve_forever(poll_interval=0.05)
    process.log("stopped")
    os._exit(0)  # requests under way, such as long polls, do not hold the end up


if __name__ == "__main__":
    process.run_threads("cloud", main)
