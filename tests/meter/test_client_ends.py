"""How the meter itself ends, in order and out of it, and what is known of its operations then."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from meter.looking import Make, Start, Until, as_written, seen

from chaos_ext.errors import UsageError
from chaos_ext.meter import intervals, samples
from chaos_ext.meter.account import unread
from chaos_ext.meter.client import Meter, MeterFailed
from chaos_ext.meter.samples import Sample
from chaos_ext.meter.writelog import read_lines


@pytest.mark.parametrize("file", ["samples.jsonl", "writes.jsonl"])
def test_a_full_disk_is_not_silent(
    server: Any, writing_flow: Make, until: Until, tmp_path: Path, file: str
) -> None:
    place = tmp_path / "full"
    place.mkdir()
    (place / file).symlink_to("/dev/full")
    meter = Meter({"submit": writing_flow()}, server.url, None, place, "run-1")
    with contextlib.suppress(
        MeterFailed
    ):  # on a slow machine it has failed before it could say that it started
        meter.start()
    until(lambda: meter.failed is not None)
    assert meter.failed == f"the meter cannot record in {place}: No space left on device"
    with pytest.raises(MeterFailed, match="No space left"):
        meter.snapshot()
    with pytest.raises(MeterFailed, match="No space left"):
        meter.live(1.0)
    meter.stop()
    got = meter.read_back()
    assert not got.readable
    assert "No space left" in got.why
    if file == "writes.jsonl":  # what cannot be logged is not sent
        assert server.tell("count")["served"] == 0


def test_a_disk_that_has_room_again_does_not_spoil_the_log(
    server: Any, writing_flow: Make, tmp_path: Path
) -> None:
    """The limit on the size of files cuts a line in two, then is lifted while answers are still coming in."""
    server.tell("answer", delay_s=0.3)
    program = (
        "import resource, sys, time; from pathlib import Path\n"
        "from chaos_ext.meter.client import Meter; from chaos_ext.model import Flow\n"
        "flow, place = Flow.model_validate_json(sys.argv[1]), Path(sys.argv[3])\n"
        "meter = Meter({'submit': flow}, sys.argv[2], None, place, 'run-1')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3001, resource.RLIM_INFINITY))\n"
        "meter.start()\n"
        "while meter.failed is None: time.sleep(0.001)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "meter.stop(); print(meter.failed)"
    )
    made, place = writing_flow(), tmp_path / "trial"
    done = subprocess.run(
        [sys.executable, "-c", program, as_written(made), server.url, str(place)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "cannot record" in done.stdout
    assert "File too large" in done.stdout
    got = unread(read_lines(place / "writes.jsonl"), "killed")  # does not raise: only the last line is torn
    assert got.attempted > 10


def test_stopping_waits_for_what_is_under_way(
    server: Any, start_meter: Start, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    server.tell("answer", delay_s=0.4)
    meter = start_meter(server, {"submit": writing_flow()}, tmp_path / "trial")
    until(lambda: len(read_lines(tmp_path / "trial" / "writes.jsonl")) >= 5)
    meter.stop()
    lines = read_lines(tmp_path / "trial" / "writes.jsonl")
    assert {line["id"] for line in lines if "text" in line} == {x["id"] for x in lines if "outcome" in x}
    assert len(meter.snapshot()) == len(samples.read(tmp_path / "trial" / "samples.jsonl")) == len(lines) / 2
    served = server.tell("count")["served"]
    meter.stop()  # a second time does nothing
    assert server.tell("count")["served"] == served


def test_what_is_cut_off_by_stopping_is_indeterminate(
    server: Any, start_meter: Start, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    server.tell("answer", swallow=True)
    meter = start_meter(server, {"submit": writing_flow(deadline="60s")}, tmp_path / "trial")
    until(lambda: len(read_lines(tmp_path / "trial" / "writes.jsonl")) >= 5)
    meter.stop(wait_s=0)
    assert meter.failed is None
    assert meter.snapshot() == ()
    server.tell("normal")
    got = meter.read_back()
    assert got.indeterminate == got.attempted >= 5
    assert got.readable
    assert got.no_data


def test_a_killed_meter_leaves_what_it_sent(
    server: Any, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    server.tell("answer", swallow=True)
    made = writing_flow(deadline="60s")
    program = (
        "import sys, time; from pathlib import Path\n"
        "from chaos_ext.meter.client import Meter; from chaos_ext.model import Flow\n"
        "flow = Flow.model_validate_json(sys.argv[1])\n"
        "Meter({'submit': flow}, sys.argv[2], None, Path(sys.argv[3]), 'run-1').start(); time.sleep(600)"
    )
    place = tmp_path / "trial"
    process = subprocess.Popen([sys.executable, "-c", program, as_written(made), server.url, str(place)])
    try:
        until(lambda: (place / "writes.jsonl").exists() and len(read_lines(place / "writes.jsonl")) >= 5)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    got = unread(read_lines(place / "writes.jsonl"), "killed")
    assert got.indeterminate == got.attempted >= 5
    assert samples.read(place / "samples.jsonl") == []


def test_too_many_under_way_is_said_and_not_held_against_the_service(
    server: Any, start_meter: Start, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    server.tell("answer", swallow=True)
    meter = Meter({"submit": writing_flow(deadline="60s")}, server.url, None, tmp_path / "trial", "run-1")
    meter._at_most = 3  # the real limit is beyond what a hang of everything holds
    meter.start()
    try:
        until(seen(meter, 3))
        known: tuple[Sample, ...] = meter.snapshot()
        assert {s.why for s in known} == {"overload: 3 operations are under way"}
        assert intervals.meets_slo(known, writing_flow().slo) is None
        assert len(read_lines(tmp_path / "trial" / "writes.jsonl")) == 3  # the others were never sent
    finally:
        meter.stop(wait_s=0)


def test_a_broken_meter_says_so(
    server: Any, start_meter: Start, flow: Make, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = start_meter(server, {"look": flow()})
    until(seen(meter, 3, ok=True))
    monkeypatch.setitem(meter._plans, "look", None)
    until(lambda: meter.failed is not None)
    assert meter.failed is not None
    assert meter.failed.startswith("the meter broke: AttributeError")
    meter.stop()


def test_starting_is_refused_when_it_cannot_be_done(
    server: Any, flow: Make, writing_flow: Make, tmp_path: Path
) -> None:
    missing = Meter({"look": flow()}, server.url, str(tmp_path / "no-ca.pem"), tmp_path / "a", "r")
    with pytest.raises(UsageError, match=r"no-ca\.pem: ca_file: got"):
        missing.start()
    missing.stop()
    with pytest.raises(UsageError, match="expected one of"):
        Meter({"look": flow(request={"path": "/${oops}"})}, server.url, None, tmp_path / "b", "r")
    once = Meter({"look": flow()}, server.url, None, tmp_path / "c", "r")
    once.start()
    with pytest.raises(RuntimeError, match="once"):
        once.start()
    once.stop()
