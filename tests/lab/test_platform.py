"""The lab's cloud and providers, and the operators' tools for cloud, cache and certificates."""

from __future__ import annotations

import json
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

Facts = dict[str, Any]
Operate = Callable[..., Any]


def aws(operate: Operate, *words: str) -> Any:
    answer = operate("aws", *words, "--output", "json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out) if answer.out.strip() else None


# --- cloud ----------------------------------------------------------------------------------------


def test_the_cloud_has_what_infrastructure_code_would_have_made(operate: Operate, running_lab: Facts) -> None:
    cloud = running_lab["cloud"]
    login = aws(operate, "secretsmanager", "get-secret-value", "--secret-id", cloud["secret"])
    assert json.loads(login["SecretString"])["username"] == "app"
    assert (
        aws(operate, "sqs", "get-queue-url", "--queue-name", cloud["queue"])["QueueUrl"] == cloud["queue_url"]
    )
    asked = ("sqs", "get-queue-attributes", "--queue-url", cloud["queue_url"], "--attribute-names", "All")
    queue = aws(operate, *asked)["Attributes"]
    assert (queue["FifoQueue"], queue["VisibilityTimeout"]) == ("true", "1")
    dead = json.loads(queue["RedrivePolicy"])
    assert dead["deadLetterTargetArn"].endswith(f":{cloud['dead_letter_queue']}")
    bucket = ("--bucket", cloud["bucket"])
    assert aws(operate, "s3api", "get-bucket-versioning", *bucket)["Status"] == "Enabled"
    policy = aws(operate, "s3api", "get-bucket-policy", *bucket)["Policy"]
    assert json.loads(policy) == json.loads((Path(running_lab["conf"]) / "exports-policy.json").read_text())
    assert aws(operate, "sts", "get-caller-identity")["Account"] == cloud["account"]


def test_a_bucket_policy_is_enforced_and_put_back_from_the_code(operate: Operate, running_lab: Facts) -> None:
    object_ = ("s3api", "put-object", "--bucket", "exports", "--key", "platform-test")
    assert operate("aws", *object_).code == 0
    code = json.loads((Path(running_lab["conf"]) / "exports-policy.json").read_text())
    denying = json.dumps({**code, "Statement": [{**code["Statement"][0], "Effect": "Deny"}]})
    policy = ("s3api", "put-bucket-policy", "--bucket", "exports", "--policy")
    try:
        assert operate("aws", *policy, denying).code == 0
        refused = operate("aws", *object_)
        assert (refused.code != 0, "403" in refused.err or "Denied" in refused.err) == (True, True)
    finally:
        assert operate("aws", *policy, json.dumps(code)).code == 0
    assert operate("aws", *object_).code == 0
    assert operate("aws", "s3", "rm", "s3://exports/platform-test").code == 0


def test_aws_reaches_nothing_else(operate: Operate, running_lab: Facts, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = us-east-1\nendpoint_url = http://192.0.2.1:1\n[profile x]\n")
    mine = {
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL": "http://192.0.2.1:1",
        "AWS_ENDPOINT_URL_SQS": "http://192.0.2.1:1",
        "AWS_PROFILE": "x",
        "AWS_ACCESS_KEY_ID": "AKIAREALKEY",
        "HTTP_PROXY": "http://192.0.2.1:1",
    }
    queues = ("sqs", "list-queues", "--query", "QueueUrls[-1]", "--output", "text")
    for words in (queues, (*queues, "--endpoint-url", "http://192.0.2.1:1")):
        answer = operate("aws", *words, **mine)
        assert (answer.code, answer.out.strip()) == (0, running_lab["cloud"]["queue_url"]), answer.err


def test_the_cloud_answers_without_delay(running_lab: Facts) -> None:
    """Many requests over one connection: none waits for the other side's delayed acknowledgement."""
    import http.client
    import time

    connection = http.client.HTTPConnection(running_lab["cloud"]["url"].removeprefix("http://"), timeout=5)
    scope = "lab/20260101/ap-northeast-1/s3/aws4_request"
    signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    took_s = []
    for _ in range(20):
        began = time.monotonic()
        connection.request("GET", "/exports?versioning", headers=signed)
        response = connection.getresponse()
        response.read()
        took_s.append(time.monotonic() - began)
        assert response.status == 200
    connection.close()
    assert sorted(took_s)[1] < 0.03  # a busy machine delays most, an acknowledgement all but the first


# --- providers ------------------------------------------------------------------------------------


def fetch(url: str, data: bytes | None = None, **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(
        url, data, {name.replace("_", "-"): value for name, value in headers.items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_a_token_is_signed_with_a_key_that_the_provider_shows(running_lab: Facts) -> None:
    status, discovered = fetch(f"{running_lab['providers']['identity']}/.well-known/openid-configuration")
    assert status == 200
    form = {"grant_type": "password", "client_id": "dashboard", "username": "analyst"}
    good = urllib.parse.urlencode({**form, "password": "analyst-of-the-lab"}).encode()
    status, answer = fetch(discovered["token_endpoint"], good)
    assert (status, answer["token_type"]) == (200, "Bearer")
    keys = {key["kid"]: key for key in fetch(discovered["jwks_uri"])[1]["keys"]}
    kid = jwt.get_unverified_header(answer["id_token"])["kid"]
    claims = jwt.decode(
        answer["id_token"],
        jwt.PyJWK(keys[kid]),
        ["ES256"],
        audience="dashboard",
        issuer=discovered["issuer"],
    )
    assert claims["sub"] == "analyst"
    wrong = urllib.parse.urlencode({**form, "password": "guess"}).encode()
    assert fetch(discovered["token_endpoint"], wrong) == (400, {"error": "invalid_grant"})


def test_a_message_is_accepted_once(running_lab: Facts) -> None:
    mail = running_lab["providers"]["mail"]
    before = fetch(f"{mail}/messages")[1]["accepted"]
    message = json.dumps({"to": "a@example.co.jp", "subject": "Thank you", "text": "…"}).encode()
    sent = [fetch(f"{mail}/messages", message, Idempotency_Key="platform-test") for _ in range(2)]
    assert [status for status, _ in sent] == [202, 200]
    assert sent[0][1]["id"] == sent[1][1]["id"]
    assert fetch(f"{mail}/messages")[1]["accepted"] == before + 1
    assert fetch(f"{mail}/messages/platform-test")[1]["id"] == sent[0][1]["id"]
    assert fetch(f"{mail}/messages/unknown")[0] == 404
    assert fetch(f"{mail}/messages", message)[0] == 400


# --- tools ----------------------------------------------------------------------------------------


def test_the_cache_is_warm_from_the_start_and_can_be_warmed_again(
    operate: Operate, running_lab: Facts
) -> None:
    def kept() -> list[str]:
        return sorted(operate("valkey-cli", "--scan", "--pattern", "benchmark:*").out.split())

    every = sorted(f"benchmark:{number}" for number in range(400))
    assert kept() == every
    summary = json.loads(operate("valkey-cli", "GET", "benchmark:7").out)
    sql = "SELECT count(*), avg(score) FROM responses WHERE survey = 'benchmark-7'"
    responses, average = operate("psql", "service=pg-c", "-XAtqc", sql).out.split("|")
    assert summary["survey"] == "benchmark-7"
    assert (summary["responses"], summary["average_score"]) == (int(responses), float(average))
    operate("sh", "-c", "valkey-cli --scan --pattern 'benchmark:*' | xargs valkey-cli DEL")
    assert kept() == []
    assert operate("cache", "warm").out == "400 benchmarks are in the cache\n"
    assert kept() == every
    assert 0 < int(operate("valkey-cli", "TTL", "benchmark:0").out) <= 600


def test_warming_says_when_the_cache_takes_nothing(operate: Operate) -> None:
    assert operate("valkey-cli", "CONFIG", "SET", "maxmemory", "1").out == "OK\n"
    try:
        done = operate("cache", "warm")
    finally:
        operate("valkey-cli", "CONFIG", "SET", "maxmemory", "16mb")
    assert (done.code, done.out) == (1, "")
    assert "400 of 400 were refused: OOM" in done.err


def test_batches_that_failed_are_put_again(operate: Operate, running_lab: Facts, traces) -> None:
    """What insight gave up on while the storage refused it."""
    assert operate("exports", "list").out == ""
    code = json.loads((Path(running_lab["conf"]) / "exports-policy.json").read_text())
    denying = json.dumps({**code, "Statement": [{**code["Statement"][0], "Effect": "Deny"}]})
    policy = ("s3api", "put-bucket-policy", "--bucket", "exports", "--policy")
    assert operate("aws", *policy, denying).code == 0
    try:
        url = f"{running_lab['edge']['url']}/responses"
        sent = {"id": "exports-test", "survey": "exports-test", "text": "The canteen is good."}
        body = json.dumps(sent).encode()
        context = ssl.create_default_context(cafile=running_lab["edge"]["ca_file"])
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5, context=context) as response:
            assert response.status == 201
        (line,) = traces.wait_for(
            "insight has given up", lambda: operate("exports", "list").out.splitlines(), within_s=60
        )
        number, status, attempts, responses, key = line.split()
        assert (status, attempts, responses) == ("failed", "3", "1")
        assert key.startswith("batches/exports-test/")
        again = operate("exports", "replay")
        assert (again.code, again.out) == (1, "0 replayed, 1 failed again\n")
    finally:
        assert operate("aws", *policy, json.dumps(code)).code == 0
    unknown = operate("exports", "replay", "999999")
    assert (unknown.code, "999999: not a failed batch" in unknown.err) == (1, True)
    assert operate("exports", "replay", number).out == "1 replayed, 0 failed again\n"
    assert operate("exports", "list").out == ""
    put = operate("aws", "s3", "cp", f"s3://exports/{key}", "-")
    assert json.loads(put.out)["topics"] == ["food"]


@pytest.fixture
def edge(running_lab: Facts, operate: Operate) -> Iterator[str]:
    """The edge's address; its certificate is as before afterwards."""
    tls = Path(running_lab["tls"])
    before = {name: (tls / name).read_bytes() for name in ("edge.pem", "edge-key.pem")}
    yield running_lab["edge"]["url"].removeprefix("https://")
    for name, content in before.items():
        (tls / name).write_bytes(content)
    operate("supervisorctl", "signal", "HUP", "edge")


def test_a_new_certificate_is_served_after_a_reload(
    edge: str, operate: Operate, running_lab: Facts, traces
) -> None:
    def serial() -> str:
        lines = operate("certificate", "show", edge).out.splitlines()
        return str(next(line for line in lines if line.startswith("serial")))

    before = serial()
    issued = operate("certificate", "issue", "--days", "7")
    assert issued.code == 0, issued.err
    assert serial() == before, "issued, not served"
    assert operate("supervisorctl", "signal", "HUP", "edge").code == 0
    traces.wait_for("the new one is served", lambda: serial() != before)
    shown = operate("certificate", "show", "--check", f"https://{edge}")
    assert shown.code == 0
    assert "expires in 6 days 23:" in shown.out
    assert shown.out.splitlines()[-1] == "trusted     yes"
    openssl = subprocess.run(
        ["openssl", "verify", "-CAfile", f"{running_lab['tls']}/ca.pem", f"{running_lab['tls']}/edge.pem"],
        capture_output=True,
        check=False,
    )
    assert openssl.returncode == 0, openssl.stderr


def test_a_certificate_of_somebody_else_is_shown_and_not_trusted(
    edge: str, operate: Operate, running_lab: Facts, traces, tmp_path: Path
) -> None:
    from chaos_lab import certificates

    certificates.make(tmp_path)
    for name in ("edge.pem", "edge-key.pem"):
        (Path(running_lab["tls"]) / name).write_bytes((tmp_path / name).read_bytes())
    operate("supervisorctl", "signal", "HUP", "edge")
    traces.wait_for("it is distrusted", lambda: operate("certificate", "show", "--check", edge).code == 1)
    shown = operate("certificate", "show", edge)
    assert shown.code == 0
    assert shown.out.splitlines()[-1].startswith("trusted     no: ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "nowhere"], "expected HOST:PORT"),
        (["show", "127.0.0.1:1"], "Connection refused"),
        (["issue", "--days", "0"], "expected at least 1"),
    ],
)
def test_certificate_says_what_is_wrong_in_a_line(words: list[str], says: str, operate: Operate) -> None:
    done = operate("certificate", *words)
    assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)
    assert says in done.err
