"""Check and compile of 5,000 failure modes against reading and writing the same YAML; the cost of a cold start.

The modes are the shipped ones under other ids, in a project of its own, and share the shipped runbooks. "Load +
dump" is what no such tool can do without: parse each mode's file with libyaml, write each experiment with
libyaml. What one more runbook costs is a line of its own.
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
from markdown_it import MarkdownIt

from bench.figures import figure, series
from chaos_ext.catalog import check
from chaos_ext.runbook.lint import lint

ROOT = Path(__file__).resolve().parent.parent
MODES = 5000
LINTS = 10
STARTS = 7
CLOUDS = (
    "boto3",
    "botocore",
    "google.cloud",
    "googleapiclient",
    "kubernetes",
    "chaosaws",
    "chaosgcp",
    "chaosk8s",
)


def main() -> None:
    """Print both figures, their ratio, and the cold starts."""
    with tempfile.TemporaryDirectory(prefix="chaos-bench-") as folder:
        project = Path(folder)
        for name in ("catalog", "environments"):
            shutil.copytree(ROOT / name, project / name)
        _generate(project)
        _compare(project)
    _runbooks()
    _cold_starts()


def _generate(project: Path) -> None:
    """Add copies of the shipped modes under other ids until there are MODES; they share the shipped runbooks."""
    folder = project / "catalog" / "failure-modes"
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.yaml"))}
    for number in range(MODES - len(texts)):
        old = list(texts)[number % len(texts)]
        target = folder / f"p{number % 50}" / f"{old}-{number}.yaml"
        target.parent.mkdir(exist_ok=True)
        target.write_text(texts[old].replace(f"id: {old}\n", f"id: {old}-{number}\n"), encoding="utf-8")


def _compare(project: Path) -> None:
    started = time.process_time()
    checked = check.check(project, compiled=False)
    check.write(project, checked)
    ours = time.process_time() - started
    for problem in checked.problems[:10]:
        print(problem, file=sys.stderr)
    if len(checked.experiments) != MODES:
        raise SystemExit(f"got {len(checked.experiments)} experiments, expected {MODES}")
    files = list((project / "catalog" / "failure-modes").rglob("*.yaml"))
    experiments = [yaml.load(text, yaml.CSafeLoader) for text in checked.experiments.values()]
    started = time.process_time()
    for path in files:
        yaml.load(path.read_bytes(), yaml.CSafeLoader)
    for path, experiment in zip(checked.experiments, experiments, strict=True):
        text = yaml.dump(experiment, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
        path.write_text(text, encoding="utf-8")
    raw = time.process_time() - started
    started = time.process_time()
    check.check(project)
    again = time.process_time() - started
    figure(f"load + dump of {MODES:,} modes", raw, "CPU s")
    figure("check + compile + write of the same", ours, "CPU s")
    figure("  ratio", ours / raw, "", "2.5")
    figure("check alone, committed experiments included", again, "CPU s")
    figure("  ratio to load + dump", again / raw, "")


def _runbooks() -> None:
    paths = sorted((ROOT / "catalog" / "runbooks").glob("*.md"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    lint(paths[0], platforms=["lab"])  # pays for the imports
    started = time.perf_counter()
    for _ in range(LINTS):
        for text in texts:
            MarkdownIt().enable("table").parse(text)
    raw = (time.perf_counter() - started) / LINTS / len(paths)
    started = time.perf_counter()
    for _ in range(LINTS):
        for path in paths:
            lint(path, platforms=["lab"])
    ours = (time.perf_counter() - started) / LINTS / len(paths)
    figure("lint of one runbook (in the check, once each)", ours * 1000, "ms")
    figure("  ratio to parsing its Markdown", ours / raw, "")


def _cold_starts() -> None:
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    chaos = [str(Path(sys.executable).parent / "chaos"), "--no-version-check", "--no-log-file"]
    names = {"chaos --version": ["--version"], "chaos catalog list": ["catalog", "list"]}
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(STARTS):
        for name, arguments in names.items():  # in turn, so that a busy moment hits both
            started = time.perf_counter()
            subprocess.run([*chaos, *arguments], cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)
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
