"""`chaos catalog` as a person runs it, on a copy of the shipped project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from chaos_ext.report.text import width

ROOT = Path(__file__).resolve().parents[2]
MODE = "catalog/failure-modes/postgresql/postgresql-primary-down.yaml"
EXPERIMENT = "experiments/lab/postgresql-primary-down.yaml"
SHIPPED = len(list(ROOT.glob("catalog/failure-modes/*/*.yaml")))
COMPILED = len(list(ROOT.glob("experiments/*/*.yaml")))


class Chaos:
    """The real command in a project of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {**os.environ, "CHAOS_STATE": str(root / "state")}
        self.environ.pop("CHAOS_PROJECT", None)

    def __call__(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "chaostoolkit",
                "--no-version-check",
                "--no-log-file",
                "catalog",
                *arguments,
            ],
            cwd=cwd or self.root,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        (self.root / name).write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def chaos(tmp_path) -> Chaos:
    for name in ("catalog", "environments", "experiments"):
        shutil.copytree(ROOT / name, tmp_path / "project" / name)
    return Chaos(tmp_path / "project")


def test_list_is_a_table_with_the_worst_first(chaos):
    done = chaos("list")
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["ID", "PRIORITY", "PRODUCT", "IN", "TITLE"]
    priorities = [int(row.split()[1]) for row in rows]
    assert len(rows) == SHIPPED
    assert priorities == sorted(priorities, reverse=True)
    assert priorities[0] > priorities[-1]
    assert done.stdout.isascii()  # no colours, no control characters


def test_list_in_japanese_is_aligned(chaos):
    done = chaos("list", "--language", "ja")
    head, *rows = done.stdout.splitlines()
    column = head.index("TITLE")
    for row in rows:
        title = row.rsplit("  ", 1)[1]
        assert width(row) - width(title) == column


def test_list_as_json_holds_what_the_table_shows(chaos):
    modes = json.loads(chaos("list", "--format", "json").stdout)
    assert {mode["id"]: mode["priority"] for mode in modes}["postgresql-primary-down"] == 6
    platforms = {mode["id"]: mode["platforms"] for mode in modes}
    assert platforms["postgresql-primary-down"] == ["lab"]
    assert platforms["object-storage-denied"] == ["lab", "aws"]
    assert platforms["ecs-tasks-killed"] == ["aws"]


def test_list_works_below_the_project(chaos):
    assert chaos("list", cwd=chaos.root / "catalog" / "runbooks").returncode == 0


def test_outside_a_project_it_says_so(chaos, tmp_path):
    (tmp_path / "empty").mkdir()
    done = chaos("list", cwd=tmp_path / "empty")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("project: got ")
    assert "CHAOS_PROJECT" in done.stderr


def test_show_tells_everything(chaos):
    done = chaos("show", "postgresql-primary-down")
    assert done.returncode == 0, done.stderr
    for part in (
        MODE,
        "PostgresqlPrimaryDown",
        "runbooks/postgresql-primary-down.md",
        "destroy-primary",
        "submit: outage",
    ):
        assert part in done.stdout
    assert "参照用レプリカ" in chaos("show", "postgresql-primary-down", "--language", "ja").stdout


def test_show_as_json_is_the_file_again(chaos):
    from chaos_ext.catalog import load
    from chaos_ext.model import FailureMode

    shown = json.loads(chaos("show", "postgresql-primary-down", "--format", "json").stdout)
    assert shown.pop("file") == MODE
    assert FailureMode.model_validate(shown) == load.mode(chaos.root, "postgresql-primary-down")


def test_an_unknown_id_gets_the_nearest(chaos):
    done = chaos("show", "postgres-primary-down")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "EXP: got 'postgres-primary-down', expected the id of a failure mode. Did you mean 'postgresql-primary-down'?\n"
    )


def test_check_says_that_nothing_is_wrong(chaos):
    chaos("compile")
    done = chaos("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == f"{SHIPPED} failure modes and 3 environments: nothing wrong.\n"


def test_check_tells_all_that_is_wrong(chaos):
    chaos.edit(MODE, "severity: 3", "severity: bad")
    chaos.edit("environments/lab.yaml", "poll: 250ms", "poll: 250")
    done = chaos("check")
    assert done.returncode == 2
    line = (chaos.root / MODE).read_text(encoding="utf-8").splitlines().index("severity: bad") + 1
    mode, environment, summary = done.stdout.splitlines()
    assert mode == f"{MODE}:{line}: severity: got 'bad', expected a whole number from 1 to 3."
    assert environment.startswith("environments/lab.yaml:")
    assert summary == f"{SHIPPED - 1} failure modes and 2 environments understood: 2 problems."
    problems = json.loads(chaos("check", "--format", "json").stdout)
    assert {problem["what"] for problem in problems} >= {"severity", "alerts.poll"}


def test_compile_writes_what_changed_and_only_that(chaos):
    assert chaos("compile").returncode == 0
    assert chaos("compile").stdout == f"0 written, 0 removed, {COMPILED} up to date already.\n"
    chaos.edit(MODE, "detect_within: 5s", "detect_within: 4s")
    (chaos.root / "experiments/lab/gone.yaml").write_text("x: 1\n")
    assert chaos("check").returncode == 2
    done = chaos("compile")
    assert done.stdout.splitlines() == [
        f"wrote {EXPERIMENT}",
        "removed experiments/lab/gone.yaml",
        f"1 written, 1 removed, {COMPILED - 1} up to date already.",
    ]
    assert "within_s: 4.0" in (chaos.root / EXPERIMENT).read_text(encoding="utf-8")
    assert chaos("check").returncode == 0


def test_compile_writes_nothing_while_something_is_wrong(chaos):
    before = (chaos.root / EXPERIMENT).read_bytes()
    chaos.edit(MODE, "{detect_within: 5s", "{detect_within: 4s")
    chaos.edit(MODE, "func: restore_node", "func: restor_node")
    done = chaos("compile")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean 'restore_node'?" in done.stderr
    assert (chaos.root / EXPERIMENT).read_bytes() == before


def test_schema_is_printed_and_written(chaos):
    printed = chaos("schema", "failure-mode").stdout
    jsonschema.Draft202012Validator.check_schema(json.loads(printed))
    assert chaos("schema", "--write").returncode == 0
    assert (chaos.root / "schemas" / "failure-mode.json").read_text(encoding="utf-8") == printed
    assert chaos("schema").returncode == 2


@pytest.mark.parametrize("command", ["list", "show", "check", "compile", "schema"])
def test_help_has_an_example(chaos, command):
    done = chaos(command, "--help")
    assert done.returncode == 0
    assert f"chaos catalog {command}" in done.stdout
    assert all(line.strip().startswith(("chaos", "make")) for line in _examples(done.stdout))


def _examples(text: str) -> list[str]:
    after = text.partition("Examples:\n")[2].split("\n\n")[0]
    return [line for line in after.splitlines() if line.strip()]


def test_no_cloud_library_is_imported_to_list(chaos, tmp_path):
    """Libraries of that name are put in the way; importing one leaves a mark."""
    mark = tmp_path / "imported"
    names = (
        "boto3",
        "botocore",
        "google",
        "googleapiclient",
        "kubernetes",
        "chaosaws",
        "chaosgcp",
        "chaosk8s",
    )
    for name in names:
        (tmp_path / "clouds").mkdir(exist_ok=True)
        (tmp_path / "clouds" / f"{name}.py").write_text(f"open({str(mark)!r}, 'a').write({name!r} + '\\n')\n")
    chaos.environ["PYTHONPATH"] = str(tmp_path / "clouds")
    subprocess.run([sys.executable, "-c", "import boto3"], env=chaos.environ, check=True, timeout=30)
    assert mark.read_text() == "boto3\n"  # the marks work
    mark.unlink()
    assert chaos("list").returncode == 0
    assert not mark.exists(), mark.read_text()


@pytest.mark.parametrize("choice", [["--lang", "ja"], ["--lang=ja"]])
def test_a_language_that_stands_behind_the_mistake_is_heard(chaos, choice):
    done = chaos("check", "--env", "zz", *choice)
    assert done.returncode == 2
    assert "オプション'--env'はありません。" in done.stderr
