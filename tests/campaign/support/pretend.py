"""Stands in for `chaos verify ID --events FD`: says what its id asks for, over the real line."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from chaos_ext.campaign.line import Line

CODES = {"verified": 0, "refuted": 1, "unknown": 4}
mode, fd, log = sys.argv[-1], int(sys.argv[sys.argv.index("--events") + 1]), sys.argv[1]


def write(word: str) -> None:
    with open(log, "a", encoding="utf-8") as file:
        file.write(f"{time.monotonic()} {word} {mode} {os.getpid()} {os.getsid(0)}\n")


line = Line(fd)
stopping = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())
write("begins")
word, _, wait_s = mode.partition("-")
line({"kind": "run-started", "mode": mode, "arms": {"treatment": 1}, "bundle": "/nowhere"})
line({"kind": "meter-started", "at": time.monotonic()})
if word == "dies":
    os.kill(os.getpid(), signal.SIGKILL)
if word == "quits":
    line.close()
    sys.exit(int(wait_s))
if word == "says":
    print("The lab does not start: no wheel.", file=sys.stderr)
    line.close()
    sys.exit(2)
stopped = stopping.wait(float(wait_s or 0))
if stopped:
    write("stops")
    time.sleep(0.3)  # the undo
    word, code, reasons = "unknown", 130, [{"word": "interrupted", "sentence": "asked to stop"}]
else:
    code, reasons = CODES[word], [{"word": "too-slow", "sentence": "back late"}][: CODES[word]]
line({"kind": "verdict", "word": word, "reasons": reasons, "flags": [], "worth": "", "exit_code": code})
line.close()
write("ends")
sys.exit(code)
