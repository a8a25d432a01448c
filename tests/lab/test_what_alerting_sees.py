"""The prober in a running lab: what it says before something is wrong, while it is, and after."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
import redis
import requests
from botocore.config import Config

from chaos_lab.services.metrics import parse, parse_selector

Facts = dict[str, Any]
See = Callable[[str], "float | None"]


@pytest.fixture
def see(running_lab: Facts) -> See:
    def see(series: str) -> float | None:
        text = requests.get(f"{running_lab['alertmanager']['url']}/metrics", timeout=5).text
        return parse(text).get(parse_selector(series))

    return see


@pytest.fixture
def until(see: See) -> Callable[..., None]:
    def until(series: str, holds: Callable[[float], bool], within_s: float = 15) -> None:
        deadline = time.monotonic() + within_s
        while (value := see(series)) is None or not holds(value):
            assert time.monotonic() < deadline, f"{series} is {value} after {within_s:g} s"
            time.sleep(0.1)

    return until


def zero(value: float) -> bool:
    return value == 0


def one(value: float) -> bool:
    return value == 1


@pytest.fixture
def connect(running_lab: Facts) -> Iterator[Callable[..., psycopg.Connection[Any]]]:
    opened: list[psycopg.Connection[Any]] = []
    postgresql = running_lab["postgresql"]

    def connect(node: str, user: str = "postgres") -> psycopg.Connection[Any]:
        where = postgresql["nodes"][node]
        lines = Path(postgresql["pass_file"]).read_text().splitlines()
        password = next(line.split(":")[4] for line in lines if line.split(":")[3] == user)
        opened.append(
            psycopg.connect(
                host=where["host"],
                port=where["port"],
                user=user,
                password=password,
                dbname="survey",
                autocommit=True,
            )
        )
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def test_nothing_wrong(running_lab: Facts, until: Callable[..., None]) -> None:
    for name in ("pg_writable_nodes", "redis_up", "storage_put_ok", "identity_up", "mail_up"):
        until(name, one)
    for node in ("pg-a", "pg-b", "pg-c"):
        until(f'pg_up{{node="{node}"}}', one)
        until(f'pg_connections_free{{node="{node}"}}', lambda free: free > 10)
    until("redis_used_ratio", lambda ratio: 0 < ratio < 0.9)
    until('certificate_expires_in_s{endpoint="edge"}', lambda left: left > 86400)
    until('queue_visible{queue="responses.fifo"}', lambda number: number >= 0)
    alerting = running_lab["alertmanager"]["url"]
    assert requests.get(f"{alerting}/api/v2/alerts", timeout=5).json() == []


def test_sessions_that_wait_for_one_that_does_nothing(connect, until) -> None:
    holder, waiter = connect("pg-a"), connect("pg-a")
    with holder.transaction():
        holder.execute("LOCK TABLE exports")
        waiting = waiter.pgconn
        waiting.send_query(b"SELECT count(*) FROM exports")
        until('pg_blocked_sessions{node="pg-a"}', lambda number: number >= 1)
        until('pg_longest_idle_transaction_s{node="pg-a"}', lambda seconds: seconds > 1)
    until('pg_blocked_sessions{node="pg-a"}', zero)
    until('pg_longest_idle_transaction_s{node="pg-a"}', zero)


def test_a_node_without_free_slots_is_still_seen(connect, see, until) -> None:
    def take_all() -> None:
        for _ in range(100):
            connect("pg-b", "batch")

    def taken(free: float) -> bool:
        # What a service gave back since (it keeps no connection for long) is taken as well.
        with pytest.raises(psycopg.OperationalError, match="remaining connection slots"):
            take_all()
        return free == 0

    until('pg_connections_free{node="pg-b"}', taken)
    assert see('pg_up{node="pg-b"}') == 1


def test_a_replica_that_does_not_replay(connect, see, until) -> None:
    replica, primary = connect("pg-c"), connect("pg-a")
    replica.execute("SELECT pg_wal_replay_pause()")
    try:
        until('pg_replay_paused{node="pg-c"}', one)
        primary.execute("CREATE TABLE probed (id int); INSERT INTO probed VALUES (1), (2)")
        until('pg_replay_lag_s{node="pg-c"}', lambda seconds: seconds > 1.5)
        assert see('pg_replay_lag_s{node="pg-b"}') == 0
    finally:
        replica.execute("SELECT pg_wal_replay_resume()")
    until('pg_replay_lag_s{node="pg-c"}', zero)
    until('pg_replay_paused{node="pg-c"}', zero)
    primary.execute("DELETE FROM probed")
    until('pg_rows_deleted_total{node="pg-a",table="probed"}', lambda number: number == 2)
    primary.execute("DROP TABLE probed")


def test_rows_that_were_to_be_kept_for_longer(connect, see, until) -> None:
    """Expired ones may go, whoever deletes; it does not count twice, and every node says it."""
    primary, job = connect("pg-a"), connect("pg-a", "retention")
    insert = (
        "INSERT INTO responses (id, survey, text, received_at) "
        "SELECT 'age-{0}-' || n, 'age', 'x', now() - interval '{0} days' FROM generate_series(1, 15) AS n"
    )
    primary.execute("TRUNCATE deletions")
    for days in (100, 89):
        primary.execute(insert.format(days))
    until('pg_rows_deleted_too_young{node="pg-c",table="responses"}', zero)
    job.execute("DELETE FROM responses WHERE survey = 'age' AND received_at < now() - interval '90 days'")
    time.sleep(1.2)  # two more looks
    assert see('pg_rows_deleted_too_young{node="pg-a",table="responses"}') == 0
    job.execute("DELETE FROM responses WHERE survey = 'age'")
    for node in ("pg-a", "pg-b", "pg-c"):
        until(f'pg_rows_deleted_too_young{{node="{node}",table="responses"}}', lambda rows: rows == 15, 2)
    assert see('pg_rows_deleted_too_young{node="pg-a",table="outbox"}') == 0
    noted = primary.execute("SELECT role, from_table, rows, too_young FROM deletions ORDER BY id").fetchall()
    assert noted == [("retention", "responses", 15, 0), ("retention", "responses", 15, 15)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        job.execute("DELETE FROM deletions")
    primary.execute("TRUNCATE deletions")
    until('pg_rows_deleted_too_young{node="pg-a",table="responses"}', zero)


def test_a_cache_that_is_full(running_lab: Facts, see, until) -> None:
    cache = redis.Redis(running_lab["cache"]["host"], running_lab["cache"]["port"])
    before = see("redis_keys")
    assert before is not None
    for number in range(300):
        cache.set(f"junk:{number}", b"x" * 20_000)
    until("redis_keys", lambda keys: keys >= before + 300)
    assert see("redis_rejected_writes") == 0
    most = cache.config_get("maxmemory")["maxmemory"]
    cache.config_set("maxmemory", int(cache.info("memory")["used_memory"] * 0.9))
    try:
        until("redis_rejected_writes", one)
        until("redis_used_ratio", lambda ratio: ratio > 1)
        cache.delete(*cache.scan_iter("junk:*", count=1000))
        until("redis_rejected_writes", zero)
    finally:
        cache.config_set("maxmemory", most)
    until("redis_up", one)


@pytest.fixture
def cloud(running_lab: Facts) -> Callable[[str], Any]:
    facts = running_lab["cloud"]

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=facts["url"],
            region_name=facts["region"],
            aws_access_key_id=facts["access_key"],
            aws_secret_access_key=facts["secret_key"],
            config=Config(s3={"addressing_style": "path"}),
        )

    return client


def test_a_policy_that_denies_the_application(running_lab: Facts, cloud, see, until) -> None:
    storage, bucket = cloud("s3"), running_lab["cloud"]["bucket"]
    policy = storage.get_bucket_policy(Bucket=bucket)["Policy"]
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    storage.put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    )
    until("storage_put_ok", zero)
    assert see("identity_up") == 1
    storage.put_bucket_policy(Bucket=bucket, Policy=policy)
    until("storage_put_ok", one)
    probes = storage.list_object_versions(Bucket=bucket, Prefix="probe/").get("Versions", [])
    assert len(probes) <= 1  # each look removes what it put


def test_messages_that_wait(running_lab: Facts, cloud, until) -> None:
    queue, url = cloud("sqs"), running_lab["cloud"]["dead_letter_url"]
    name = 'queue="responses-dead.fifo"'
    queue.send_message(
        QueueUrl=url, MessageBody="{}", MessageGroupId="probed", MessageDeduplicationId=str(time.time())
    )
    until(f"queue_visible{{{name}}}", one)
    [message] = queue.receive_message(QueueUrl=url, VisibilityTimeout=30)["Messages"]
    until(f"queue_in_flight{{{name}}}", one)
    until(f"queue_visible{{{name}}}", zero)
    queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    until(f"queue_in_flight{{{name}}}", zero)


def test_a_part_that_is_killed_and_one_that_is_restarted(running_lab: Facts, see, until) -> None:
    supervisorctl = f"{running_lab['bin']}/supervisorctl"

    def pid(part: str) -> int:
        said = subprocess.run([supervisorctl, "pid", part], capture_output=True, text=True, check=True)
        return int(said.stdout)

    def healthy() -> bool:
        said = requests.get(f"{running_lab['edge']['metrics']}/healthz", timeout=5).json()
        return said["replicas"]["intake"] == {"intake-1": "usable", "intake-2": "usable"}

    killed = 'part_restarts_total{part="intake-1",service="intake"}'
    asked = 'part_restarts_total{part="intake-2",service="intake"}'
    before = see(killed), see(asked)
    os.kill(pid("intake-1"), signal.SIGKILL)
    until(killed, lambda number: number == before[0] + 1)
    subprocess.run([supervisorctl, "restart", "intake-2"], check=True, capture_output=True)
    deadline = time.monotonic() + 20
    while not healthy():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1.2)  # two more looks
    assert (see(killed), see(asked)) == (before[0] + 1, before[1])
