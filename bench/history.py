"""The index with 20,000 runs: what a list and the status cost once it is there, and how fast it is made again.

The runs are copies of one, with ids and verdicts of their own and the records of two trials as large as real ones (the
files are links to one copy, or 8 GB would be written). Warm: a second call in a process that has imported everything;
what starting it costs is a line of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from bench.figures import figure, series
from chaos_ext import environments
from chaos_ext.catalog import load
from chaos_ext.cli.catalog import catalog as catalog_commands
from chaos_ext.cli.history import history as history_commands
from chaos_ext.compile import compile as compile_mode
from chaos_ext.history import bundle, index
from chaos_ext.model import Arm, FailureMode, Reason, Verdict, VerdictWord
from chaos_ext.safety.policy.enforcing import Ruling

ROOT = Path(__file__).resolve().parent.parent
RUNS = int(os.environ.get("RUNS", "20000"))
CALLS = 7
_VERDICTS = (
    Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0),
    Verdict(VerdictWord.REFUTED, (Reason("too-slow", "01-treatment was."),), (), "0 of 1", 1),
    Verdict(VerdictWord.UNKNOWN, (Reason("no-impact", "01-treatment shows it."),), (), "nothing", 4),
)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="chaos-bench-") as folder:
        project = Path(folder)
        for name in ("catalog", "environments"):
            shutil.copytree(ROOT / name, project / name)
        os.environ |= {
            "CHAOS_PROJECT": str(project),
            "CHAOS_STATE": str(project / ".chaos"),
            "CHAOS_INDEX": "",
        }
        runs = project / ".chaos" / "runs"
        _write(project, runs)
        began = time.perf_counter()
        found = index.rebuild(runs)
        took = time.perf_counter() - began
        if found != RUNS:
            raise SystemExit(f"got {found} runs in the index, expected {RUNS}")
        figure(f"reindex of {RUNS:,} runs", took)
        figure("  runs a second", RUNS / took, "", "200")
        for words in (("list",), ("list", "--mode", "postgresql-primary-down")):
            _warm(f"history {' '.join(words)}", history_commands, words)
        _warm("catalog status", catalog_commands, ("status",))
        for words in (("history", "list"), ("catalog", "status"), ("catalog", "list")):
            _cold(words)


def _warm(name: str, command: Any, words: tuple[str, ...]) -> None:
    times, cpu = [], []
    for _ in range(CALLS + 1):
        began, spent = time.perf_counter(), time.process_time()
        done = CliRunner().invoke(command, list(words))
        times.append(time.perf_counter() - began)
        cpu.append(time.process_time() - spent)
        if done.exit_code not in (0, 1, 4) or not done.output:
            raise SystemExit(f"{name}: exit code {done.exit_code}: {done.output[-2000:]}")
    series(f"{name}, warm", times[1:], bound="0.2")
    series("  CPU", cpu[1:])


def _cold(words: tuple[str, ...]) -> None:
    chaos = [sys.executable, "-m", "chaos_ext", "--no-version-check", "--no-log-file"]
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([*chaos, *words], stdout=subprocess.DEVNULL, check=False, cwd=ROOT)
        times.append(time.perf_counter() - began)
    series(f"chaos {' '.join(words)}, with its start", times)


def _write(project: Path, runs: Path) -> None:
    catalog = load.catalog(project)
    environment = environments.load("lab")
    made = {}
    for mode in catalog.modes.values():
        if "lab" not in mode.reproduce:
            continue
        made[mode.id] = _template(project, catalog, mode, environment)
    drawn = random.Random(7)
    modes = list(made)
    runs.mkdir(parents=True)
    start = datetime.now(UTC) - timedelta(minutes=RUNS)
    for number in range(RUNS):
        _copy(made[drawn.choice(modes)], runs, start + timedelta(minutes=number), drawn)


def _template(project: Path, catalog: load.Catalog, mode: FailureMode, environment: Any) -> Path:
    """A sealed run of `mode` with two trials."""
    folder = bundle.create(
        project / "templates",
        catalog=catalog,
        mode=mode,
        environment=environment,
        experiment=compile_mode(mode, environment, catalog.services, load.digests(catalog, mode, "lab")),
        seed=7,
        arms={Arm.TREATMENT: 1, Arm.NO_ACTION: 1},
        ruling=Ruling(mode.id, ()),
    )
    (folder / "events.jsonl").write_text("".join(map(_line, _of_the_run())))
    for name in ("01-treatment", "02-no-action"):
        trial = folder / "trials" / name
        trial.mkdir()
        (trial / "events.jsonl").write_text("".join(map(_line, _of_a_trial())))
        for file, size in (("samples.jsonl", 37_000), ("writes.jsonl", 21_000), ("journal.json", 20_000)):
            (trial / file).write_text("x" * size)
    bundle.seal(folder, _VERDICTS[0])
    return folder


def _of_the_run() -> list[dict[str, Any]]:
    return [{"kind": "run-started", "at": 1.0}, {"kind": "lab-stopped", "at": 31.0}]


def _of_a_trial() -> list[dict[str, Any]]:
    """Some 75 KB, as a real trial's."""
    output = [{"kind": "step-output", "at": 5.0, "text": "x" * 180} for _ in range(300)]
    return [
        {"kind": "fault-injected", "at": 3.1, "name": "f", "started": 3.0, "ended": 3.1},
        {"kind": "alert", "at": 5.0, "fired": True, "earliest": 4.0, "latest": 4.5},
        *output,
        {"kind": "recovery", "at": 9.0, "recovered": True, "earliest": 7.0, "latest": 7.5},
        {"kind": "write-log", "at": 9.1, "lost": []},
    ]


def _line(event: dict[str, Any]) -> str:
    return json.dumps(event) + "\n"


def _copy(template: Path, runs: Path, started: datetime, drawn: random.Random) -> None:
    run = json.loads((template / "run.json").read_bytes())
    stamp = started.strftime("%Y%m%dT%H%M%S%f")[:-3] + "Z"
    folder = runs / f"{stamp}-{run['mode']}-{drawn.randrange(1 << 16):04x}"
    files = json.loads((template / "manifest.json").read_bytes())["files"]
    verdict = bundle.verdict_fields(drawn.choices(_VERDICTS, (8, 1, 1))[0])
    own = {
        "run.json": {**run, "run_id": folder.name, "started": started.isoformat()},
        "verdict.json": {"schema": 1, "rules": run["verdict_rules"], **verdict},
    }
    for sub in ("trials/01-treatment", "trials/02-no-action"):
        (folder / sub).mkdir(parents=True)
    for name in files:
        if name in own:
            data = json.dumps(own[name]).encode()
            (folder / name).write_bytes(data)
            files[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        else:
            os.link(template / name, folder / name)
    (folder / "manifest.json").write_text(json.dumps({"schema": 1, "files": files}))


if __name__ == "__main__":
    main()
