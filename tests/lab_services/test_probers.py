"""What probers and watches do without a lab around them."""

from __future__ import annotations

import asyncio
import socket
import time
from datetime import UTC, datetime

import pytest
import requests

from chaos_lab.services.alerting.probers import orchestrator
from chaos_lab.services.alerting.probers.postgresql import Cluster, WrittenLog
from chaos_lab.services.alerting.probers.prober import NoAnswer
from chaos_lab.services.alerting.samples import Samples
from chaos_lab.services.alerting.watch import Watch
from chaos_lab.services.metrics import parse_selector
from chaos_lab.services.signing import Signer

COMMON = {"every_s": 0.1, "scrape": {}, "postgresql": {}, "user": "app", "dbname": "survey"}


def alert(name, metric):
    return {"name": name, "runbook_url": "u", "summary": "s", "rule": {"metric": metric, "below": 1}}


def test_a_target_that_hangs_delays_no_other(parts, free_port, wait_for, answers):
    """It takes connections and never says a word: the worst of all targets."""
    listen = f"127.0.0.1:{free_port()}"
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        config = {
            "listen": listen,
            **COMMON,
            "postgresql": {"a": where},
            "scrape": {"silent": f"http://{where}/metrics"},
            "direct": dict.fromkeys(("cache", "storage", "identity", "edge"), where) | {"mail": listen},
            "aws": {
                "access_key": "k",
                "secret_key": "s",
                "region": "r",
                "bucket": "b",
                "queue_url": f"http://{where}/1/q",
            },
            "rules": [alert("Cache", "redis_up"), alert("Node", 'pg_up{node="a"}'), alert("Mail", "mail_up")],
        }
        part = parts.start("alerting", config)
        wait_for("it has looked at all", lambda: answers(f"http://{listen}/healthz"))

        def looks():
            return requests.get(f"http://{listen}/healthz", timeout=5).json()["looks"]

        first, start = looks(), time.monotonic()
        wait_for("the rules go on", lambda: looks() >= first + 10)
        assert time.monotonic() - start < 5  # they would need 10 if they waited for anybody
        names = {
            one["labels"]["alertname"]
            for one in requests.get(f"http://{listen}/api/v2/alerts", timeout=5).json()
        }
        # Alerting itself answers the page that a mail service has with 404.
        assert names == {"Cache", "Node", "Mail"}
        why = {line["target"]: line["why"] for line in part.events("look-failed")}
    assert why["cache"] == why["storage"] == why["queue q"] == why["page silent"] == "no answer within 1 s"
    assert why["postgresql a"] == "no answer within 1 s"
    assert why["mail"] == f"GET http://{listen}/mail/messages answers 404"


def test_a_failing_watch_says_so_and_looks_again_soon():
    answers = [OSError("gone"), NoAnswer("what?"), {("up", ()): 1.0}]
    at, samples, looked = [], Samples(), asyncio.Event()

    async def look():
        at.append(time.monotonic())
        answer = answers[len(at) - 1]
        if len(at) == len(answers):
            looked.set()
        if isinstance(answer, Exception):
            raise answer
        return answer

    watch = Watch("it", 0.05, look, lambda: {("up", ()): 0.0}, rarely=1000)

    async def main():
        running = asyncio.create_task(watch.run(samples))
        await looked.wait()
        await asyncio.sleep(0.1)
        running.cancel()

    asyncio.run(asyncio.wait_for(main(), 20))
    assert (watch.looks, watch.problem, watch.latest) == (3, "", {("up", ()): 1.0})
    assert len(at) == 3  # after a look that works the next one is a long time away
    assert samples.current(parse_selector("up"), time.monotonic()) == 1


def test_what_a_replica_has_not_replayed_has_an_age():
    log = WrittenLog()
    for at, position in enumerate([10, 10, 20, 30]):
        log.saw(position, float(at))
    assert log.lag_s(30, 3.0) == 0
    assert log.lag_s(25, 3.5) == 0.5
    assert log.lag_s(10, 4.0) == 2.0
    assert log.lag_s(5, 4.0) == 4.0  # the position counts from when it was first seen


def test_a_new_primary_has_a_log_of_its_own_and_a_silent_one_none():
    cluster = Cluster()
    assert cluster.written(0.0) is None
    cluster.primary_wrote("a", 100, 0.0)
    assert cluster.written(1.0).lag_s(90, 1.0) == 1.0
    assert cluster.written(9.0) is None
    cluster.primary_wrote("b", 50, 9.0)
    assert cluster.written(9.0).lag_s(50, 9.0) == 0


@pytest.mark.parametrize(
    ("method", "url", "headers", "body"),
    [
        ("PUT", "http://127.0.0.1:4566/exports/probe/alerting", {}, b"content"),
        ("GET", "http://127.0.0.1:4566/exports/probe/alerting", {}, b""),
        ("DELETE", "http://127.0.0.1:4566/exports/probe/a?versionId=3%2Bx&b=", {}, b""),
        ("POST", "http://127.0.0.1:4566/", {"Content-Type": "application/x-amz-json-1.0"}, b"{}"),
    ],
)
@pytest.mark.parametrize("service", ["s3", "sqs"])
def test_signatures_are_those_of_the_sdk(monkeypatch, service, method, url, headers, body):
    from botocore import auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    now = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
    signed = Signer("key", "secret", "ap-northeast-1", service).headers(method, url, body, headers, now)
    theirs = auth.S3SigV4Auth if service == "s3" else auth.SigV4Auth
    monkeypatch.setattr(auth, "get_current_datetime", lambda: now.replace(tzinfo=None))
    request = AWSRequest(
        method, url, {**headers, "X-Amz-Content-SHA256": signed["x-amz-content-sha256"]}, body
    )
    theirs(Credentials("key", "secret"), service, "ap-northeast-1").add_auth(request)
    assert signed["authorization"] == request.headers["Authorization"]


LINE = "2026-01-31 12:00:00,123 {}\n"


@pytest.mark.parametrize(
    ("lines", "restarts"),
    [
        (["INFO spawned: 'intake-1' with pid 1"], 0),
        (["WARN exited: intake-1 (terminated by SIGKILL; not expected)"], 0),
        (
            [
                "WARN exited: intake-1 (terminated by SIGKILL; not expected)",
                "INFO spawned: 'intake-1' with pid 2",
            ],
            1,
        ),
        (["INFO exited: intake-1 (exit status 0; expected)", "INFO spawned: 'intake-1' with pid 2"], 1),
        (["INFO stopped: intake-1 (exit status 0)", "INFO spawned: 'intake-1' with pid 2"], 0),
        (["WARN exited: edge (exit status 1; not expected)", "INFO spawned: 'intake-1' with pid 2"], 0),
        (["WARN exited: intake-1 (x)", "INFO spawned: 'intake-1' with pid 2"] * 5, 5),
        (["WARN exited: other (x)", "INFO spawned: 'other' with pid 2"], 0),
        (["INFO success: intake-1 entered RUNNING state", "ERRO a line 'spawned: x'"], 0),
    ],
)
def test_restarts_in_the_log_of_the_orchestrator(tmp_path, lines, restarts):
    log = tmp_path / "supervisord.log"
    prober = orchestrator.Orchestrator(log, {"intake-1": "intake", "edge": "edge"})
    with pytest.raises(NoAnswer, match="No such file"):
        asyncio.run(prober.look())
    text = "".join(LINE.format(line) for line in lines)
    log.write_text(text[:30])  # a line that is not written to its end yet
    asyncio.run(prober.look())
    log.write_text(text)
    found = asyncio.run(prober.look())
    series = parse_selector('part_restarts_total{part="intake-1",service="intake"}')
    assert found[series] == restarts
    log.write_text("")  # somebody began it anew: what was counted stays
    assert asyncio.run(prober.look())[series] == restarts
