"""`chaos catalog show --view`, `export`, `import`, `new` and their sisters as a person runs them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from openpyxl import load_workbook

from chaos_ext.report.text import width

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
            "import sys; from chaos_ext.cli import catalog, env, runbook, verify; {'catalog': catalog.catalog, "
            "'env': env.env, 'runbook': runbook.runbook, 'verify': verify.verify}[sys.argv[1]](sys.argv[2:])"
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


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("view", ["application", "product"])
@pytest.mark.parametrize(("columns", "widest"), [("", 100), ("80", 80), ("60", 60)])
def test_no_row_is_wider_than_the_screen(chaos, view, columns, widest, language):
    chaos.environ["COLUMNS"] = columns
    told = chaos("show", "--view", view, "--lang", language).stdout
    assert max(map(width, told.splitlines())) <= widest
    assert "postgresql-primary-down" in told


def test_a_table_in_a_file_is_as_wide_as_it_is(chaos):
    assert chaos("show", "--view", "product", "--output", "t.txt").returncode == 0
    assert max(map(len, (chaos.root / "t.txt").read_text("utf-8").splitlines())) > 200


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


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        pytest.param(("export", "--xlsx"), "t.xlsx", id="export"),
        pytest.param(("show", "--view", "product", "--output"), "catalog/services.yaml", id="table"),
        pytest.param(("show", "--view", "product", "--format", "xlsx", "--output"), "t.xlsx", id="workbook"),
        pytest.param(("show", "service-bad-release", "--output"), "one.txt", id="one failure mode"),
    ],
)
def test_a_file_that_is_there_is_not_written_over(chaos, arguments, file):
    path = chaos.root / file
    path.exists() or path.write_text("of somebody")
    before = path.read_bytes()
    option = arguments[-1]
    refused = chaos(*arguments, file)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        f"{option}: got '{file}', which is there, expected a file that is not there yet. Take another name, or add "
        "--force to write over it.\n"
    )
    assert path.read_bytes() == before
    assert chaos(*arguments, file, "--force").returncode == 0
    assert path.read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(
            ("export", "--xlsx", "no/t.xlsx"),
            "--xlsx: got 'no/t.xlsx', expected a file in a folder that is there and may be written.\n",
            id="no folder",
        ),
        pytest.param(
            ("show", "--view", "product", "--output", "no/t.md"),
            "--output: got 'no/t.md', expected a file in a folder that is there and may be written.\n",
            id="no folder for a table",
        ),
        pytest.param(
            ("export", "--xlsx", "t.xls"),
            "--xlsx: got 't.xls', expected a name that ends in '.xlsx'.\n",
            id="another kind of file",
        ),
        pytest.param(
            ("export", "--xlsx", "README.md", "--force"),
            "--xlsx: got 'README.md', expected a name that ends in '.xlsx'.\n",
            id="a file that must not become a workbook",
        ),
    ],
)
def test_a_file_that_cannot_be_written_is_told_before(chaos, arguments, told):
    done = chaos(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", told)


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


def test_a_scaffold_is_checked_at_once_and_verified_only_when_it_is_filled_in(chaos):
    mode, page = (
        "catalog/failure-modes/dashboard/dashboard-stopped.yaml",
        "catalog/runbooks/dashboard-stopped.md",
    )
    told = chaos("new", "dashboard-stopped").stdout
    refused = chaos("dashboard-stopped", "--dry-run", group="verify")
    assert (refused.returncode, refused.stdout) == (2, "")
    lines = refused.stderr.splitlines()
    assert lines[0] == (
        f"{mode}:4: got the scaffold's mark 'fill in: one line, in both languages', expected what it asks for. "
        "Say it there, and take the mark away."
    )
    marked = [line.strip().split(": fill in:")[0] for line in told.splitlines() if ": fill in:" in line]
    assert [line.split(": got")[0] for line in lines] == [m for m in marked if m.startswith((mode, page))]
    assert {line.rpartition(":")[0] for line in marked} >= {mode, page}

    for file in (mode, page):
        path = chaos.root / file
        path.write_text(re.sub(r" *(#|<!--) fill in: .*", "", path.read_text("utf-8")), "utf-8")
        assert chaos("compile").returncode == 0
        done = chaos("dashboard-stopped", "--dry-run", group="verify")
        assert (done.returncode, mode in done.stderr) == (0 if file == page else 2, False), done.stderr


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
