"""Writes the runs of one trial, one after the other, for as long as it lives. Started and killed by test_killed.py.

python writes_bundles.py PROJECT            one run, whole; prints how many seconds it took
python writes_bundles.py PROJECT SEED COUNT SECONDS   COUNT children, each killed within SECONDS
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from chaos_ext import environments
from chaos_ext.catalog import load
from chaos_ext.compile import compile as compile_mode
from chaos_ext.history import bundle
from chaos_ext.meter.samples import Sample, SampleFile
from chaos_ext.model import Arm, Verdict, VerdictWord
from chaos_ext.record import Recorder
from chaos_ext.safety.policy.enforcing import Ruling

EVENTS, SAMPLES = 60, 300


def main(project: Path, *numbers: str) -> None:
    os.environ |= {"CHAOS_PROJECT": str(project), "CHAOS_STATE": str(project / ".chaos")}
    catalog, environment = load.catalog(project), environments.load("lab")
    mode = catalog.modes["postgresql-primary-down"]
    made = load.digests(catalog, mode, environment.name)
    experiment = compile_mode(mode, environment, catalog.services, made)

    def write() -> None:
        folder = bundle.create(
            project / ".chaos" / "runs", catalog=catalog, mode=mode, environment=environment, experiment=experiment,
            seed=7, arms={Arm.TREATMENT: 1}, ruling=Ruling(mode.id, ()),
        )  # fmt: skip
        recorder = Recorder(folder / "events.jsonl")
        recorder.emit("run-started")
        trial = folder / "trials" / "01-treatment"
        trial.mkdir()
        events = Recorder(trial / "events.jsonl")
        samples = SampleFile(trial / "samples.jsonl")
        for number in range(EVENTS):
            events.emit("step-output", number=number, text="x" * 2000)
            for each in range(SAMPLES // EVENTS):
                samples.add(Sample("submit", number * (SAMPLES // EVENTS) + each, 1.0, 1.0, 1.1, True))
            samples.flush()
        events.close()
        samples.close()
        bundle.write_json(trial / "journal.json", {"status": "completed", "run": [{"output": "x" * 20_000}]})
        recorder.emit("verdict")
        recorder.close()
        bundle.seal(folder, Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0))

    if not numbers:
        began = time.monotonic()
        write()
        print(json.dumps(time.monotonic() - began))
        return
    seed, count, longest = int(numbers[0]), int(numbers[1]), float(numbers[2])
    drawn = random.Random(seed)
    for _ in range(count):
        child = os.fork()
        if not child:
            while True:
                write()
        time.sleep(drawn.uniform(0, longest))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
