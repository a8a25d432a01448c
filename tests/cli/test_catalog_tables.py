"""`chaos catalog show --view`, `export`, `import`, `new` and their sisters as a person runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from openpyxl import load_workbook

ROOT = Path(__file__).resolve().parents[2]
MODE = "catalog/failure-modes/service/service-bad-release.yaml"


class Chaos:
    """The real command in a project of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {**os.environ, "CHAOS_STATE": str(root / ".chaos"), "CHAOS_PROJECT": str(root)}

    def __call__(self, *arguments: str, group: str = "catalog") -> subprocess.CompletedProcess[str]:
        # The groups by name: `chaos env` is on the command line only where the package was installed with it.
        code = (
            "import sys; from chaos_ext.cli import catalog, env, runbook; "
            "{'catalog': catalog.catalog, 'env': env.env, 'runbook': runbook.runbook}[sys.argv[1]](sys.argv[2:])"
        )
        return subprocess.run(
            [sys.executable, "-c", code, group, *arguments],
            cwd=self.root, env=self.environ, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip


@pytest.fixture
def chaos(tmp_path) -> Chaos:
    for name in ("catalog", "environments", "experiments"):
        shutil.copytree(ROOT / name, tmp_path / "project" / name)
    return Chaos(tmp_path / "project")


def test_the_application_view(chaos):
    done = chaos("show", "--view", "application")
    assert done.returncode == 0, done.stderr
    assert "never" in done.stdout
    assert "gaps: no failure mode tries them." in done.stdout
    view = json.loads(chaos("show", "--view", "application", "--format", "json").stdout)
    services = {cell["service"] for cell in view["cells"]}
    modes = {cell["mode"] for cell in view["cells"]}
    assert len(view["cells"]) == len(services) * len(modes)
    assert any(each["modes"] for each in view["coverage"])


def test_the_product_view_as_markdown_in_japanese(chaos):
    done = chaos("show", "--view", "product", "--format", "markdown", "--output", "t.md", "--lang", "ja")
    assert (done.returncode, done.stdout) == (0, "")
    text = (chaos.root / "t.md").read_text(encoding="utf-8")
    assert text.startswith("## 製品別の故障モード\n")
    assert "service-bad-release" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Give the ID of a failure mode"),
        (("service-bad-release", "--view", "product"), "Give the ID of a failure mode"),
        (("service-bad-release", "--format", "markdown"), "--format markdown is for a table"),
        (("--view", "product", "--format", "xlsx"), "--format xlsx needs --output FILE.xlsx"),
        (("--view", "product", "--env", "labor"), "ENV: got 'labor'"),
    ],
)
def test_what_show_does_not_understand(chaos, arguments, told):
    done = chaos("show", *arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_out_and_in_again(chaos):
    assert chaos("export", "--xlsx", "t.xlsx").stdout == "wrote t.xlsx\n"
    assert chaos("import", "t.xlsx").stdout == "0 values changed, 0 failure modes new, 0 files written.\n"
    book = load_workbook(chaos.root / "t.xlsx")
    sheet = book["Product view"]
    row = next(row for row in sheet.iter_rows(min_row=2) if row[0].value == "service-bad-release")
    row[6].value = 3
    book.save(chaos.root / "t.xlsx")
    before = (chaos.root / MODE).read_text(encoding="utf-8")

    dry = chaos("import", "t.xlsx", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "-severity: 2\n+severity: 3\n" in dry.stdout
    assert dry.stdout.endswith("dry run: nothing was written\n")
    assert (chaos.root / MODE).read_text(encoding="utf-8") == before

    done = chaos("import", "t.xlsx")
    assert done.returncode == 0, done.stderr
    assert f"{MODE}: severity: 2 becomes 3 (Product view!G" in done.stdout
    assert (chaos.root / MODE).read_text(encoding="utf-8") == before.replace("severity: 2", "severity: 3")
    assert chaos("check").returncode == 0


def test_a_sheet_that_is_wrong_ends_in_2_and_writes_nothing(chaos):
    chaos("export", "--xlsx", "t.xlsx", "--lang", "ja")
    book = load_workbook(chaos.root / "t.xlsx")
    book["製品視点"]["G2"].value = 7
    book["製品視点"]["H2"].value = 1
    book.save(chaos.root / "t.xlsx")
    done = chaos("import", "t.xlsx")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 't.xlsx!製品視点!G2: column "重大度": got 7, expected a whole number from 1 to 3.\n'


def test_show_writes_the_workbook_too(chaos):
    assert chaos("show", "--view", "application", "--format", "xlsx", "--output", "t.xlsx").returncode == 0
    assert load_workbook(chaos.root / "t.xlsx").active.title == "Application view"


@pytest.mark.parametrize(
    ("group", "arguments", "file"),
    [
        ("catalog", ("new", "dashboard-stopped"), "catalog/failure-modes/dashboard/dashboard-stopped.yaml"),
        ("env", ("new", "second"), "environments/second.yaml"),
    ],
)
def test_what_is_new_passes_the_check_and_is_not_overwritten(chaos, group, arguments, file):
    done = chaos(*arguments, group=group)
    assert done.returncode == 0, done.stderr
    assert f"wrote {file}\n" in done.stdout
    assert f"  {file}:" in done.stdout
    checked = chaos("check")
    assert checked.returncode == 0, checked.stdout
    again = chaos(*arguments, group=group)
    assert (again.returncode, again.stdout) == (2, "")
    assert "expected one that is not taken" in again.stderr


def test_a_runbook_that_is_there_is_not_overwritten(chaos):
    done = chaos("new", "service-bad-release", group="runbook")
    assert done.returncode == 2
    assert done.stderr.startswith(MODE)


@pytest.mark.parametrize(
    ("group", "command"),
    [("catalog", c) for c in ("show", "export", "import", "new")] + [("env", "new"), ("runbook", "new")],
)
def test_help_has_an_example(chaos, group, command):
    assert f" chaos {group} {command} " in chaos(command, "--help", group=group).stdout
