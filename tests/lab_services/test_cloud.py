"""The lab's cloud under the load that failures of others bring: queues that are full, clients that wait."""

from __future__ import annotations

import threading
import time

import psutil


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
    begun = time.monotonic()
    cloud.send("message")
    assert waiter.is_alive()
    assert time.monotonic() - begun < 3
    waiter.join()
