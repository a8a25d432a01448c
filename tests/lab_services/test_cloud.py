"""The lab's cloud under the load that failures of others bring: queues that are full, clients that wait."""

from __future__ import annotations

import json
import threading
import time

import psutil

from chaos_lab import cloud_names


def test_a_message_costs_little_when_many_wait(cloud):
    [process] = [
        one
        for one in psutil.Process().children(recursive=True)
        if "chaos_lab.services.cloud" in one.cmdline()
    ]

    def send(number):
        cloud.send(f"message-{number}")

    for number in range(400):
        send(number)
    before = sum(process.cpu_times()[:2])
    for number in range(400, 420):
        send(number)
    assert sum(process.cpu_times()[:2]) - before < 0.4  # moto's own way needs 0.7 s of CPU
    assert cloud.counts(cloud.queue) == (420, 0)


def test_a_client_that_waits_for_messages_holds_nobody_up(cloud):
    waiter = threading.Thread(
        target=lambda: cloud.sqs.receive_message(QueueUrl=cloud.dead_letters, WaitTimeSeconds=4)
    )
    waiter.start()
    time.sleep(0.5)
    cloud.send("message")
    assert waiter.is_alive()
    waiter.join()


def test_the_bucket_s_policy_names_who_may():
    """A copy of it on a real bucket must not let everybody in."""
    for statement in cloud_names.exports_policy()["Statement"]:
        assert statement["Principal"] == {"AWS": cloud_names.APPLICATION_ROLE}


def test_that_policy_lets_the_application_put_get_and_clean_up(cloud):
    cloud.s3.put_bucket_policy(Bucket=cloud_names.BUCKET, Policy=json.dumps(cloud_names.exports_policy()))
    version = cloud.s3.put_object(Bucket=cloud_names.BUCKET, Key="probes/1", Body=b"1")["VersionId"]
    assert cloud.text("probes/1") == "1"
    cloud.s3.delete_object(Bucket=cloud_names.BUCKET, Key="probes/1", VersionId=version)
    assert "Versions" not in cloud.s3.list_object_versions(Bucket=cloud_names.BUCKET, Prefix="probes/")
