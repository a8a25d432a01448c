"""The word itself: said once, heard at once, and nothing that changes something slips past it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from chaos_ext.errors import Interrupted
from chaos_ext.safety.abort import Abort, Asked, Ways, in_hands_of_others, mutating, under_way


def test_the_first_who_asks_is_the_reason() -> None:
    abort = Abort()
    assert abort.ask("one", "signal")
    assert not abort.ask("two", "condition")
    assert (abort.why, abort.asked) == ("one", Asked("one", "signal"))


def test_whoever_waits_wakes_at_once() -> None:
    abort, woke = Abort(), []
    thread = threading.Thread(target=lambda: woke.append(abort.wait(60)))
    thread.start()
    abort.ask("x", "program")
    thread.join(10)
    assert woke == [True]


def test_who_asks_to_be_told_later_is_told_at_once() -> None:
    abort, told = Abort(), []
    abort.when_set(lambda: told.append("before"))
    abort.ask("x", "program")
    abort.when_set(lambda: told.append("after"))
    assert told == ["before", "after"]


class _AskedRightAfterTheLook(Abort):
    """Somebody asks at the worst moment: between the look at the abort and the call."""

    def is_set(self) -> bool:
        was = super().is_set()
        self.ask("x", "program")
        return was


def test_a_mutating_call_starts_before_the_abort_was_seen_or_not_at_all() -> None:
    abort = _AskedRightAfterTheLook()
    with mutating(abort, "x") as started:
        assert abort.seen is not None
        assert started <= abort.seen
    with pytest.raises(Interrupted), mutating(abort, "x"):
        raise AssertionError("it was called after the abort")


def test_what_is_under_way_is_known_until_it_ends() -> None:
    with mutating(threading.Event(), "inject x"):
        assert under_way.wait_for_end(0.0) == {"inject x"}
    assert under_way.wait_for_end(0.0) == set()


_HEARS = """
    import os, signal, sys, threading, time
    from chaos_ext.safety.abort import Abort, Ways
    abort = Abort()
    with Ways(abort):
        print("ready", flush=True)
        ok = abort.wait(30)
    print(ok, abort.asked.by if abort.asked else None, flush=True)
"""


def _listener(*, ignored: bool = False, code: str = _HEARS) -> subprocess.Popen[str]:
    start = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" if ignored else ""
    process = subprocess.Popen(
        [sys.executable, "-c", start + textwrap.dedent(code)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "ready\n", process.stderr and process.stderr.read()
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_are_heard(number: signal.Signals) -> None:
    process = _listener()
    process.send_signal(number)
    assert process.communicate(timeout=30) == ("True signal\n", "")


def test_a_hang_up_that_is_ignored_is_ignored() -> None:
    """As under nohup."""
    process = _listener(ignored=True)
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[0] == "True signal\n"


def test_who_reads_the_output_goes_away() -> None:
    """As when a connection is lost: the reader's end of the pipe is closed."""
    code = _HEARS.replace("print(ok", "sys.stderr.write(str(abort.asked.by)); sys.exit(0); print(ok")
    process = _listener(code=code)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == "terminal"
    process.stderr.close()
    assert process.wait(30) == 0


def test_the_main_thread_is_woken_where_only_a_signal_can() -> None:
    """Chaos Toolkit sleeps in a pause: whoever asks, it ends there; our own code is never interrupted."""
    code = """
        import threading, time
        import chaoslib.activity as activity
        from chaoslib.exceptions import InterruptExecution
        from chaos_ext.safety.abort import Abort, Ways
        abort = Abort()
        exec(compile("def pause():\\n    time.sleep(30)", "x", "exec"), vars(activity))
        with Ways(abort):
            print("ready", flush=True)
            threading.Timer(0.2, lambda: abort.ask("x", "condition")).start()
            began = time.monotonic()
            try:
                activity.pause()
            except InterruptExecution:
                print(time.monotonic() - began < 10, flush=True)
            time.sleep(0.3)
    """
    assert _listener(code=code).communicate(timeout=60) == ("True\n", "")


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with Ways(Abort(), reader=False):
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_our_own_code_is_ours() -> None:
    frame = sys._getframe()
    assert not in_hands_of_others(frame), "neither ours nor Chaos Toolkit's: nobody's activity runs"


def test_a_signal_reaches_who_waits_although_the_main_thread_is_busy() -> None:
    abort, heard = Abort(), []
    with Ways(abort, reader=False):
        abort.when_set(lambda: heard.append(time.monotonic()))
        os.kill(os.getpid(), signal.SIGTERM)
        deadline = time.monotonic() + 10
        while not heard and time.monotonic() < deadline:
            pass
    assert heard
    assert abort.asked is not None
    assert abort.asked.by == "signal"


def test_a_late_abort_writes_into_no_file_that_is_not_its_own(tmp_path) -> None:
    """The numbers of its descriptors are given out again as soon as it has let go of them."""
    abort = Abort()
    with Ways(abort, reader=False):
        pass
    opened = [os.open(tmp_path / str(number), os.O_RDWR | os.O_CREAT) for number in range(64)]
    try:
        abort.ask("late", "program")
        assert [os.fstat(fd).st_size for fd in opened] == [0] * 64
    finally:
        for fd in opened:
            os.close(fd)
