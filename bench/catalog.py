"""Check and compile of 5,000 failure modes against reading and writing the same YAML; the cost of a cold start.

The modes are the shipped ones under other ids, in a project of its own, four to a runbook. "Load + dump" is
what no such tool can do without: parse each mode's file with libyaml, write each experiment with libyaml.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import yaml

from bench.figures import figure, series
from chaos_ext.catalog import check

ROOT = Path(__file__).resolve().parent.parent
MODES = 5000
MODES_PER_RUNBOOK = 4
STARTS = 7
CLOUDS = ("boto3", "botocore", "google.cloud", "googleapiclient", "kubernetes", "chaosaws", "chaosgcp", "chaosk8s")


def main() -> None:
    """Print both figures, their ratio, and the cold starts."""
    with tempfile.TemporaryDirectory(prefix="chaos-bench-") as folder:
        project = Path(folder)
        for name in ("catalog", "environments"):
            shutil.copytree(ROOT / name, project / name)
        _generate(project)
        _compare(project)
    _cold_starts()


def _generate(project: Path) -> None:
    """Replace the catalogue's modes by MODES copies, and give the lab the alerts that they need."""
    modes = sorted((project / "catalog" / "failure-modes").rglob("*.yaml"))
    texts = {path.stem: path.read_text(encoding="utf-8") for path in modes}
    for path in modes:
        path.unlink()
    alerts = []
    for number in range(MODES):
        old = list(texts)[number % len(texts)]
        new, shared = f"{old}-{number}", f"{old}-{number // (MODES_PER_RUNBOOK * len(texts))}"
        loaded = yaml.safe_load(texts[old])
        alert, runbook = loaded["detection"]["alert"], f"runbooks/{old}.md"
        text = texts[old].replace(f"id: {old}\n", f"id: {new}\n").replace(runbook, f"runbooks/{shared}.md")
        text = text.replace(f"alert: {alert}", f"alert: {alert}{shared.rsplit('-', 1)[1]}")
        target = project / "catalog" / "failure-modes" / f"p{number % 50}" / f"{new}.yaml"
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
        copy = project / "catalog" / f"runbooks/{shared}.md"
        if not copy.exists():
            shutil.copy(project / "catalog" / runbook, copy)
            copy.write_text(copy.read_text(encoding="utf-8").replace(f"id: {old}", f"id: {shared}"), encoding="utf-8")
            alerts.append((f"{alert}{shared.rsplit('-', 1)[1]}", f"runbooks/{shared}.md"))
    place = project / "environments" / "lab.yaml"
    rules = "".join(f"    - {{name: {name}, runbook: {runbook}, summary: x}}\n" for name, runbook in alerts)
    text = place.read_text(encoding="utf-8")
    head, _, tail = text.partition("  rules:\n")
    place.write_text(f"{head}  rules:\n{rules}{tail[tail.index('targets:'):]}", encoding="utf-8")


def _compare(project: Path) -> None:
    started = time.perf_counter()
    checked = check.check(project, compiled=False)
    check.write(project, checked)
    ours = time.perf_counter() - started
    for problem in checked.problems[:10]:
        print(problem, file=sys.stderr)
    if len(checked.experiments) != MODES:
        raise SystemExit(f"got {len(checked.experiments)} experiments, expected {MODES}")
    files = list((project / "catalog" / "failure-modes").rglob("*.yaml"))
    experiments = [yaml.load(text, yaml.CSafeLoader) for text in checked.experiments.values()]
    started = time.perf_counter()
    for path in files:
        yaml.load(path.read_bytes(), yaml.CSafeLoader)
    for path, experiment in zip(checked.experiments, experiments, strict=True):
        text = yaml.dump(experiment, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
        path.write_text(text, encoding="utf-8")
    raw = time.perf_counter() - started
    started = time.perf_counter()
    check.check(project)
    again = time.perf_counter() - started
    figure(f"load + dump of {MODES:,} modes", raw)
    figure("check + compile + write of the same", ours)
    figure("  ratio", ours / raw, "", "2.5")
    figure("check alone, committed experiments included", again)
    figure("  ratio to load + dump", again / raw, "")


def _cold_starts() -> None:
    chaos = [str(Path(sys.executable).parent / "chaos"), "--no-version-check", "--no-log-file"]
    names = {"chaos --version": ["--version"], "chaos catalog list": ["catalog", "list"]}
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(STARTS):
        for name, arguments in names.items():  # in turn, so that a busy moment hits both
            started = time.perf_counter()
            subprocess.run([*chaos, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - started)
    series("chaos --version, cold", times["chaos --version"])
    series("chaos catalog list, cold", times["chaos catalog list"], bound="0.5")
    figure("  ratio of medians", median(times["chaos catalog list"]) / median(times["chaos --version"]), "")
    loaded = sorted(set(_cloud_modules(chaos[0])))
    print(f"{'cloud libraries that the list imports':<44} {', '.join(loaded) or 'none'}")


def _cloud_modules(chaos: str) -> Iterator[str]:
    traced = subprocess.run(
        [sys.executable, "-X", "importtime", chaos, "--no-version-check", "--no-log-file", "catalog", "list"],
        cwd=ROOT,
        env={**os.environ},
        capture_output=True,
        text=True,
        check=True,
    )
    for line in traced.stderr.splitlines():
        module = line.rpartition("|")[2].strip()
        if any(module == cloud or module.startswith(f"{cloud}.") for cloud in CLOUDS):
            yield module


if __name__ == "__main__":
    main()
