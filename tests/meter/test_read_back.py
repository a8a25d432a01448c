"""What the meter says of its writes after reading them back from real servers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from meter.looking import Make, Start, Until, seen

from chaos_ext.meter.writelog import read_lines


def test_lost_changed_doubled_and_strange_writes(
    server: Any, start_meter: Start, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    meter = start_meter(server, {"submit": writing_flow()}, tmp_path / "trial")
    until(seen(meter, 10, ok=True))
    meter.stop()
    sent = [line for line in read_lines(tmp_path / "trial" / "writes.jsonl") if "text" in line]
    items = [{"id": line["id"], "text": line["text"]} for line in sent]
    lost, changed, doubled = items.pop(0), items[0], items[1]
    server.tell(
        "store", items=[{**changed, "text": "?"}, doubled, *items[1:], {"id": "stranger", "text": "?"}]
    )
    got = meter.read_back(settle_s=0.1)
    assert got.lost == (lost["id"],)
    assert got.changed == (changed["id"],)
    assert got.duplicated == (doubled["id"],)
    assert got.unexpected == ("stranger",)
    assert got.oldest_lost_acknowledged_at is not None
    assert got.oldest_lost_acknowledged_at >= sent[0]["at"]


def test_a_write_that_shows_late_is_not_lost(
    server: Any, start_meter: Start, writing_flow: Make, until: Until, tmp_path: Path
) -> None:
    meter = start_meter(server, {"submit": writing_flow()}, tmp_path / "trial")
    until(seen(meter, 5, ok=True))
    meter.stop()
    lines = [line for line in read_lines(tmp_path / "trial" / "writes.jsonl") if "text" in line]
    server.tell("store", items=[])  # a replica that lags …
    order = json.dumps({"do": "store", "items": [{"id": x["id"], "text": x["text"]} for x in lines]})
    helper = f"import time, sys; time.sleep(0.5); sys.stdout.write({order!r} + chr(10)); sys.stdout.flush()"
    # … and catches up half a second later, while the meter is looking.
    late = subprocess.Popen([sys.executable, "-c", helper], stdout=server.stdin)
    try:
        got = meter.read_back(settle_s=8.0)
    finally:
        late.wait(20)
    server.answer()
    assert (got.lost, got.read, got.readable) == ((), len(lines), True)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param({"status": 503}, "status 503, expected 200", id="an-error"),
        pytest.param({"status": 200, "body": "<html>"}, "not JSON: '<html>'", id="not-json"),
        pytest.param({"status": 200, "body": "{}"}, "no 'responses' in the answer", id="no-list"),
        pytest.param({"status": 200, "body": '{"responses": 3}'}, "responses is not a list", id="not-a-list"),
        pytest.param({"status": 200, "body": '{"responses": [3]}'}, "an item without 'id'", id="no-items"),
        pytest.param({"swallow": True}, "no answer in time", id="silence"),
    ],
)
def test_what_cannot_be_read_back_is_never_a_success(
    server: Any,
    start_meter: Start,
    writing_flow: Make,
    until: Until,
    answer: dict[str, Any],
    expected: str,
) -> None:
    meter = start_meter(server, {"submit": writing_flow()})
    until(seen(meter, 5, ok=True))
    meter.stop()
    server.tell("answer", **answer)
    got = meter.read_back(within_s=0.4)
    assert not got.readable
    assert got.no_data
    assert expected in got.why
    assert got.acknowledged >= 5


def test_reading_back_waits_for_the_service(
    server: Any, start_meter: Start, writing_flow: Make, until: Until
) -> None:
    meter = start_meter(server, {"submit": writing_flow()})
    until(seen(meter, 5, ok=True))
    meter.stop()
    server.tell("close")
    assert "Connect call failed" in meter.read_back(within_s=0.3).why
    server.tell("listen")
    assert meter.read_back().readable
