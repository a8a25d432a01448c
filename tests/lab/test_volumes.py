"""Volumes that can be full, and of which nothing is left however a lab ends."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from chaos_lab import volumes

Facts = dict[str, Any]


def mounts(of: str = "self") -> str:
    return Path(f"/proc/{of}/mountinfo").read_text()


def limited(facts: Facts) -> Path:
    """The cache's volume; skips where it cannot be limited, which must be for a reason."""
    said = facts["volumes"]
    if not said["limited"]:
        assert said["why"]
        pytest.skip(f"volumes cannot be limited here: {said['why']}")
    return Path(said["dir"]) / "valkey"


def test_a_full_volume_is_full_for_the_part_that_writes_into_it(running_lab: Facts, operate: Any) -> None:
    volume = limited(running_lab)
    size = os.statvfs(volume)
    assert size.f_blocks * size.f_frsize == running_lab["volumes"]["bytes"]
    assert operate("valkey-cli", "SET", "volume-test", "x" * 10_000).out == "OK\n"
    assert operate("valkey-cli", "SAVE").out == "OK\n"
    fill = volume / "fill"
    try:
        with pytest.raises(OSError, match="No space left"):
            fill.write_bytes(b"\0" * 2 * running_lab["volumes"]["bytes"])
        assert operate("valkey-cli", "SAVE").out.startswith("ERR")
        assert "No space left" in (Path(running_lab["logs"]) / "valkey.log").read_text()
        assert (
            operate("stat", "-f", "-c", "%a", str(volume)).out == "0\n"
        )  # free blocks, as an operator sees them
    finally:
        fill.unlink()
    assert operate("valkey-cli", "SAVE").out == "OK\n"
    operate("valkey-cli", "DEL", "volume-test")
    (volume / "dump.rdb").unlink()


def test_outside_of_the_lab_nothing_is_mounted_and_after_it_nothing_is_left(lab_command, traces) -> None:
    facts = lab_command.up("one")
    limited(facts)
    supervisor = int(facts["volumes"]["seen_from"].split("/")[2])
    assert facts["dir"] in mounts(str(supervisor))
    assert facts["dir"] not in mounts()

    def all_killed() -> bool:  # not one of them can tidy up
        left = traces.processes_of(facts["dir"])
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        return not left

    traces.wait_for("all are gone", all_killed)
    assert facts["dir"] not in mounts()
    assert lab_command("sweep", "--json").json == {"swept": ["one"]}
    assert not Path(facts["dir"]).exists()


def test_what_the_kernel_refuses_is_said_and_the_directory_stays_plain(tmp_path: Path) -> None:
    before = mounts()
    missing = tmp_path / "missing"
    assert volumes.tried([missing], 1024**2).startswith(("mount: ", "unshare: ", "uid_map: "))
    assert mounts() == before
    assert psutil.Process().children() == []
