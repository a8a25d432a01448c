"""Where secrets are kept, for tests: Secrets Manager by moto, and servers as Google and Kubernetes document theirs.

Each is a context manager that yields what a process needs to find it: variables, or a file.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

Answer = Callable[
    [str, str, Mapping[str, str], bytes], tuple[int, Any]
]  # (method, path, headers, body) → status, JSON
CLUSTER_UID = "6c0c3a1e-0d3f-4a57-9b1c-3e2d1f0a9b8c"  # of its namespace kube-system


@contextmanager
def server(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """An HTTP server on loopback that answers with JSON; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = answer(self.command, self.path, self.headers, body)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        httpd.socket = tls.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield httpd.server_port
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@contextmanager
def aws(values: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Secrets Manager in eu-west-1."""
    import boto3
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    try:
        url = f"http://127.0.0.1:{moto.get_host_and_port()[1]}"
        session = boto3.session.Session("planted-id", "planted-key", region_name="eu-west-1")
        requests.post(
            f"{url}/moto-api/reset", timeout=10
        ).raise_for_status()  # what it holds is of the process
        client = session.client("secretsmanager", endpoint_url=url)
        for name, value in values.items():
            client.create_secret(Name=name, SecretString=value)
        yield {
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": url,
            "AWS_ACCESS_KEY_ID": "planted-id",
            "AWS_SECRET_ACCESS_KEY": "planted-key",
        }
    finally:
        moto.stop()


@contextmanager
def google(values: Mapping[str, bytes], folder: Path) -> Iterator[dict[str, str]]:
    """Secret Manager's REST API, and the token of a service account whose key is put into `folder`.

    https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
    """
    key = rsa.generate_private_key(65537, 2048)

    def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        if (method, path) == ("POST", "/token"):
            assert b"jwt-bearer" in body
            return 200, {"access_token": "t0ken-of-google", "expires_in": 3600, "token_type": "Bearer"}
        if headers.get("Authorization") != "Bearer t0ken-of-google":
            return 401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}}
        name = path.removeprefix("/v1/").removesuffix(":access")
        if method != "GET" or not path.endswith(":access") or name not in values:
            return 404, {"error": {"code": 404, "status": "NOT_FOUND"}}
        return 200, {"name": name, "payload": {"data": base64.b64encode(values[name]).decode()}}

    with server(answer) as port:
        account = {
            "type": "service_account",
            "project_id": "p",
            "private_key_id": "k",
            "private_key": key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode(),
            "client_email": "chaos@p.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"http://127.0.0.1:{port}/token",
        }
        path = folder / "account.json"
        path.write_text(json.dumps(account))
        yield {
            "GOOGLE_APPLICATION_CREDENTIALS": str(path),
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER": f"http://127.0.0.1:{port}/",
        }


@contextmanager
def kubernetes(values: Mapping[tuple[str, str, str], bytes], folder: Path) -> Iterator[str]:
    """The API of a cluster, over TLS; the path of its kubeconfig (context `planted`), which is put into `folder`.

    `values` by namespace, name and key.
    """
    certificate, context = _certificate(folder)

    def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        if headers.get("Authorization") != "Bearer t0ken-of-cluster":
            return 401, {"kind": "Status", "code": 401}
        words = path.split("/")
        if (method, words[:-1]) == ("GET", ["", "api", "v1", "namespaces"]):
            metadata = {"name": words[-1], "uid": CLUSTER_UID, "labels": {"chaos": "yes"}}
            return 200, {"kind": "Namespace", "apiVersion": "v1", "metadata": metadata}
        found = {
            key: base64.b64encode(value).decode()
            for (namespace, name, key), value in values.items()
            if words == ["", "api", "v1", "namespaces", namespace, "secrets", name]
        }
        if method != "GET" or not found:
            return 404, {"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound"}
        return 200, {"kind": "Secret", "apiVersion": "v1", "type": "Opaque", "data": found}

    with server(answer, context) as port:
        authority = base64.b64encode(certificate).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "production",
            "contexts": [
                {"name": "production", "context": {"cluster": "nowhere", "user": "nobody"}},
                {"name": "planted", "context": {"cluster": "here", "user": "me"}},
            ],
            "clusters": [
                {"name": "nowhere", "cluster": {"server": "https://127.0.0.1:1"}},
                {
                    "name": "here",
                    "cluster": {
                        "server": f"https://127.0.0.1:{port}",
                        "certificate-authority-data": authority,
                    },
                },
            ],
            "users": [
                {"name": "nobody", "user": {"token": "x"}},
                {"name": "me", "user": {"token": "t0ken-of-cluster"}},
            ],
        }
        path = folder / "kubeconfig"
        path.write_text(json.dumps(config))
        yield str(path)


def _certificate(folder: Path) -> tuple[bytes, ssl.SSLContext]:
    """A certificate of 127.0.0.1 that trusts itself."""
    import datetime
    import ipaddress

    from cryptography.hazmat.primitives import hashes

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    both = folder / "server.pem"
    both.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return pem, context
