"""A workbook that is wrong changes nothing, and everything that is wrong is told at once."""

# ruff: noqa: E501 - messages are compared whole, each on its line

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from catalog.workbooks import MODE, edited, exported, planned, put, snapshot
from openpyxl.styles import PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from chaos_ext.errors import UsageError
from chaos_ext.language import say
from chaos_ext.sheets import read


def _merged(book: Any) -> None:
    book["Product view"].merge_cells("C2:D2")


def _twice(book: Any) -> None:
    sheet = book["Product view"]
    for column in range(1, sheet.max_column + 1):
        sheet.cell(3, column).value = sheet.cell(2, column).value


def _second_heading(book: Any) -> None:
    book["Product view"]["Z1"].value = "Severity"


def _renamed(heading: str, to: str | None) -> Callable[[Any], None]:
    def edit(book: Any) -> None:
        next(cell for cell in book["Product view"][1] if cell.value == heading).value = to

    return edit


def _new_row(mode: str, alert: str) -> Callable[[Any], None]:
    def edit(book: Any) -> None:
        for heading, value in (("ID", mode), ("Product", "Redis"), ("Alert", alert)):
            put(heading, value, row=3)(book)

    return edit


def _no_sheet(book: Any) -> None:
    for sheet in book.worksheets:
        sheet.title = f"{sheet.title}s"[:31]


S = "catalogue.xlsx!Product view"
BAD = [
    ("out of range", put("Severity", 4), f'{S}!G2: column "Severity": got 4, expected a whole number from 1 to 3.'),
    ("half", put("Severity", 1.5), f'{S}!G2: column "Severity": got 1.5, expected a whole number from 1 to 3.'),
    ("a number as text", put("Severity", "3"), f'{S}!G2: column "Severity": got \'3\', which is stored as text, expected a whole number from 1 to 3. Format the cell as a number and type it again.'),
    ("a word for a number", put("Severity", "high"), f'{S}!G2: column "Severity": got \'high\', expected a whole number from 1 to 3.'),
    ("true", put("Severity", True), f'{S}!G2: column "Severity": got true, expected a whole number from 1 to 3.'),
    ("a formula", put("Severity", "=1+1"), f'{S}!G2: column "Severity": got a formula (=1+1), expected a whole number from 1 to 3. Put its value in its place.'),
    ("nothing", put("Severity", None), f'{S}!G2: column "Severity": got an empty cell, expected a whole number from 1 to 3.'),
    ("spaces", put("Owner", "sre "), f'{S}!R2: column "Owner": got \'sre \' with spaces around it, expected none. Remove them.'),
    ("a date", put("Owner", datetime.datetime(2026, 1, 1)), f'{S}!R2: column "Owner": got datetime.datetime(2026, 1, 1, 0, 0), which is no text, expected a text. Format the cell as text.'),
    ("an unknown word", put("Category", "excessive-lode"), f'{S}!D2: column "Category": got \'excessive-lode\', expected one of single-point-of-failure, excessive-load, excessive-latency, misconfiguration-or-bug, shared-fate. Did you mean \'excessive-load\'?'),
    ("an unknown alert", put("Alert", "RedisFul"), f'{S}!K2: column "Alert": got \'RedisFul\', expected one of RedisFull. Did you mean \'RedisFull\'?'),
    ("no unit", put("Detect within", "5"), f'{S}!N2: column "Detect within": got \'5\', expected a duration with a unit, such as \'500ms\', \'3s\', \'2m\' or \'90d\'.'),
    ("below none", put("Lost writes allowed", -1), f'{S}!P2: column "Lost writes allowed": got -1, expected a whole number from 0 on.'),
    ("merged cells", _merged, f"{S}!C2: got the merged cells C2:D2, expected one value in each cell. Unmerge them and fill in each."),
    ("one id twice", _twice, f'{S}!A3: column "ID": got \'redis-memory-full\' again, expected each once (A2 has it). Remove one of the rows.'),
    ("an id that is misspelt", put("ID", "redis-memory-ful"), f'{S}!A2: column "ID": got \'redis-memory-ful\', expected the id of a failure mode. Did you mean \'redis-memory-full\'?'),
    ("an id that became another", put("ID", "cache-is-full"), f'{S}!A2: column "ID": got \'cache-is-full\', expected the id of a failure mode. The row has the alert of \'redis-memory-full\', which has no row any more: is it that one?'),
    ("a new row with an alert that somebody has", _new_row("cache-is-full", "RedisFull"), f'{S}!K3: column "Alert": got \'RedisFull\', the alert of redis-memory-full, expected an alert that is not there yet. A new failure mode has an alert of its own; an empty cell makes one.'),
    ("an id that is no id", _new_row("Redis full", "CacheFull"), f'{S}!A3: column "ID": got \'Redis full\', expected lower-case words joined by \'-\', such as \'redis-memory-full\'. Try \'redis-full\'.'),
    ("no id", put("ID", None), f'{S}!A2: column "ID": got an empty cell, expected an id. Fill it in, or clear the whole row.'),
    ("an id with spaces", put("ID", " redis-memory-full"), f'{S}!A2: column "ID": got \' redis-memory-full\' with spaces around it, expected none. Remove them.'),
    ("no column", _renamed("Severity", None), f'{S}!1:1: column "Severity": got no such heading, expected it in the first row. Add it, or export anew.'),
    ("a misspelt column", _renamed("Severity", "Severty"), f'{S}!1:1: column "Severity": got no such heading, expected it in the first row. Is it the column \'Severty\'?'),
    ("a column twice", _second_heading, f'{S}!Z1: column "Severity": got it 2 times (G1, Z1), expected it once. Remove one.'),
    ("an unknown mode", put("Failure mode", "redis-full", "Application view"), 'catalogue.xlsx!Application view!B2: column "Failure mode": got \'redis-full\', expected the id of a failure mode. Did you mean \'redis-memory-full\'?'),
    ("an unknown flow", put("User flow", "submt", "Application view"), 'catalogue.xlsx!Application view!C2: column "User flow": got \'submt\', expected a user flow of intake. Did you mean \'submit\'?'),
    ("an unknown service", put("Service", "intak", "Dependencies"), 'catalogue.xlsx!Dependencies!A2: column "Service": got \'intak\', expected a service of catalog/services.yaml. Did you mean \'intake\'?'),
    ("an unknown dependency", put("Dependency", "rediss", "Dependencies"), 'catalogue.xlsx!Dependencies!B2: column "Dependency": got \'rediss\', expected a dependency of intake. Did you mean \'redis\'?'),
    ("no sheet of ours", _no_sheet, "catalogue.xlsx: got the sheets 'Product views', 'Application views', 'Dependenciess', expected one of 'Product view', 'Application view', 'Dependencies'. Did you mean 'Product view'?"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "message"), [c[1:] for c in BAD], ids=[c[0] for c in BAD])
def test_a_sheet_that_is_wrong_changes_nothing(described_project, edit, message):
    before = snapshot(described_project.root)
    path = edited(exported(described_project.root), edit)
    with pytest.raises(UsageError) as refused:
        planned(described_project.root, path)
    assert str(refused.value) == message
    assert snapshot(described_project.root) == before


def test_a_number_that_is_none(described_project):
    """What a person types as 1E999 stands in the file as it was typed, and is read as infinite."""
    path = edited(exported(described_project.root), put("Severity", 123.25))
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    with zipfile.ZipFile(path, "w") as packed:
        for name, part in parts.items():
            packed.writestr(name, part.replace(b"<v>123.25</v>", b"<v>1E999</v>"))
    with pytest.raises(UsageError) as refused:
        planned(described_project.root, path)
    assert str(refused.value) == f'{S}!G2: column "Severity": got inf, expected a whole number from 1 to 3.'


def test_everything_that_is_wrong_is_told_at_once_in_either_language(described_project):
    def edit(book: Any) -> None:
        put("重大度", 9, "製品視点")(book)
        put("想定する影響", "outge", "アプリケーション視点")(book)
        put("停止したとき", " x", "依存先")(book)
        put("起こりやすさ", 1, "製品視点")(book)  # this one would be right

    with pytest.raises(UsageError) as refused:
        planned(described_project.root, edited(exported(described_project.root, "ja"), edit))
    assert [problem.where for problem in refused.value.problems] == [
        "catalogue.xlsx!製品視点!G2",
        "catalogue.xlsx!アプリケーション視点!D2",
        "catalogue.xlsx!依存先!C2",
    ]
    assert refused.value.problems[0].what == 'column "重大度"'


def test_what_would_break_the_catalogue_is_refused_in_its_own_words(described_project):
    path = edited(exported(described_project.root), put("Detect within", "5m"))
    with pytest.raises(UsageError) as refused:
        planned(described_project.root, path)
    assert str(refused.value).startswith(f"{MODE}:17: objectives.default.detect_within: got 300 s")


@pytest.mark.parametrize(
    "raw", [b"", b"ID,Severity\nx,1\n", b"PK\x03\x04 no zip"], ids=["empty", "csv", "cut"]
)
def test_no_workbook(tmp_path, raw):
    (tmp_path / "x.xlsx").write_bytes(raw)
    told = r"x\.xlsx: got a file that is not packed as every \.xlsx is, expected an Excel workbook \(\.xlsx\)\. Begin with"
    with pytest.raises(UsageError, match=told) as refused:
        read.read(tmp_path / "x.xlsx")
    assert "zip file" not in say(refused.value.problems[0].said(), "ja")


def test_another_zip_is_no_workbook(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w") as packed:
        packed.writestr("hello.txt", "hello")
    with pytest.raises(UsageError, match="expected an Excel workbook"):
        read.read(tmp_path / "x.xlsx")


def test_no_file(tmp_path):
    with pytest.raises(UsageError, match=r"got a file that cannot be read \(No such file"):
        read.read(tmp_path / "x.xlsx")


def _coloured(book: Any) -> None:
    book["Product view"]["A60000"].fill = PatternFill("solid", fgColor="FF0000")
    book["base"]["A60000"].fill = PatternFill("solid", fgColor="FF0000")


def test_a_coloured_cell_far_below_is_nothing_to_read(described_project, monkeypatch):
    """A walk up to it would look at sixty thousand rows; here each cell that is asked for counts."""
    made = []
    cell = Worksheet.cell
    path = edited(exported(described_project.root), _coloured)
    monkeypatch.setattr(Worksheet, "cell", lambda *a, **k: made.append(1) or cell(*a, **k))
    assert planned(described_project.root, path).changes == []
    assert len(made) < 5_000


def test_more_rows_than_a_catalogue_has_are_not_looked_at(described_project):
    def edit(book: Any) -> None:
        for number in range(5_001):
            book["Product view"].cell(number + 3, 1).value = f"mode-{number}"

    with pytest.raises(UsageError) as refused:
        planned(described_project.root, edited(exported(described_project.root), edit))
    assert str(refused.value) == f"{S}: got 5,002 rows, expected at most 5,000 of them."
