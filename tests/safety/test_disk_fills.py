"""A disk that fills while a trial is recorded: what was broken is put back, and nothing that was recorded is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aborting import experiment, inject, python, running, small_project

from chaos_ext.meter import samples
from chaos_ext.record import read_events

_ROOM = 400_000  # bytes of the disk
_LARGEST = 24_000  # bytes of a file, where nobody may mount: the samples come to that first


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[], None] | None]:
    """`folder` on a disk of its own, and what fills it; None where nobody may mount."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_ROOM}", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        yield None
        return
    try:
        yield lambda: _fill(folder / "ballast")
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    with path.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x")


def test_a_disk_that_fills_while_a_trial_is_recorded(shared_place, service, thing, tmp_path):
    # A flow that is claimed and not hurt: the look for the impact goes on until something ends it.
    small_project(tmp_path, service, thing.path, claim="hurt: outage, steady: outage")
    what = experiment(inject(thing.path), python("seen", "chaos_ext.probes.impact", "probe"))
    trial = tmp_path / "trial"
    with small_disk(trial) as fill:
        limit = None if fill else _LARGEST
        with running(tmp_path, thing.path, shared_place.facts, what, largest_file=limit) as run:
            run.wait_for("the fault", lambda: run.events("fault-injected"))
            if fill:
                fill()
            run.process.wait(60)
            assert thing.is_whole, run.output()
            assert {entry.state for entry in run.entries()} == {"undone"}, run.output()
        said = list(read_events(trial / "events.jsonl"))  # raises at half a line
        (injected,) = [event for event in said if event["kind"] == "fault-injected"]
        assert "impact" not in [event["kind"] for event in said], "nothing is said that was not seen"
        kept = samples.read(trial / "samples.jsonl")
        assert [sample for sample in kept if sample.done < injected["started"]], "what was measured is there"
