"""The catalogue as a workbook, changed as people change workbooks, and brought back."""

# ruff: noqa: E501 - messages are compared whole, each on its line

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from chaos_ext.catalog import check, load
from chaos_ext.errors import UsageError
from chaos_ext.model import Category, Impact
from chaos_ext.sheets import change, read, rows, write
from chaos_ext.sheets.columns import LAYOUTS, PRODUCT, Kind

MODE = "catalog/failure-modes/redis/redis-memory-full.yaml"
SERVICES = "catalog/services.yaml"
DESCRIBED = """
    dependencies:
      redis:  # the cache
        down: {en: Goes without it., ja: なしで動く。}
        slow: Waits.
        wrong: >-
          Shows
          what it says.
"""


@pytest.fixture
def project(good_project):
    good_project.edit(
        SERVICES,
        "  intake: {title: Intake, owner: intake-team}",
        f"  intake:\n    title: Intake\n    owner: intake-team{DESCRIBED.rstrip()}",
    )
    good_project.edit(MODE, "severity: 2", "severity: 2  # by the last post-mortem")
    checking = check.check(good_project.root, compiled=False)
    assert checking.problems == []
    check.write(good_project.root, checking)
    return good_project


def exported(root: Path, language: str = "en") -> Path:
    catalog = load.catalog(root)
    offered = {
        (sheet.key, c.key): rows.choices(catalog, c) for sheet in LAYOUTS for c in sheet.columns if c.read
    }
    path = root.parent / "catalogue.xlsx"
    path.write_bytes(write.workbook(rows.rows(catalog, "lab", {}, language), offered, language, "product"))
    return path


def planned(root: Path, path: Path) -> change.Plan:
    return change.plan(load.catalog(root), "lab", read.read(path))


def edited(path: Path, edit: Callable[[Any], Any]) -> Path:
    book = load_workbook(path)
    edit(book)
    book.save(path)
    return path


def at(sheet: Any, heading: str, row: int = 2) -> Any:
    """The cell below a heading."""
    return next(sheet.cell(row, cell.column) for cell in sheet[1] if cell.value == heading)


def put(heading: str, value: Any, sheet: str = "Product view", row: int = 2) -> Callable[[Any], None]:
    def edit(book: Any) -> None:
        at(book[sheet], heading, row).value = value

    return edit


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


# --- what is written -----------------------------------------------------------------------------


def test_what_was_not_changed_changes_nothing(project):
    before = snapshot(project.root)
    plan = planned(project.root, exported(project.root))
    assert (plan.changes, plan.added, plan.notes) == ([], [], [])
    assert plan.draft.write() == []
    assert snapshot(project.root) == before


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_workbook_is_easy_to_work_in(project, language):
    book = load_workbook(exported(project.root, language))
    visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    assert [sheet.title for sheet in visible] == [layout.title(language) for layout in LAYOUTS]
    for sheet, layout in zip(visible, LAYOUTS, strict=True):
        assert [cell.value for cell in sheet[1]] == [column.heading(language) for column in layout.columns]
        assert sheet.freeze_panes.endswith("2")
        assert all(cell.alignment.wrap_text for row in sheet.iter_rows(min_row=2) for cell in row)
        assert all(dimension.width >= 9 for dimension in sheet.column_dimensions.values())
        grey = {
            layout.columns[cell.column - 1].kind for cell in sheet[2] if cell.fill.fgColor.rgb == "00E7E6E6"
        }
        assert grey == {Kind.ID, Kind.SHOWN}
    offered = {rule.formula1 for rule in visible[0].data_validations.dataValidation}
    lists = [[c.value for c in column if c.value] for column in book["lists"].iter_cols()]
    assert list(map(str, Category)) in lists
    assert ["RedisFull"] in lists
    assert "lists!$A$1:$A$5" in offered


def test_a_text_that_begins_with_an_equals_sign_is_no_formula(project):
    project.edit(MODE, "event: Keys without expiry pile up.", "event: =1+1 keys")
    path = exported(project.root)
    cell = at(load_workbook(path)["Product view"], "Event")
    assert (cell.value, cell.data_type, cell.quotePrefix) == ("=1+1 keys", "s", True)
    assert planned(project.root, path).changes == []


# --- what is brought back ------------------------------------------------------------------------

CHANGES = [
    ("a number", put("Severity", 3), MODE, "severity: 2  # by", "severity: 3  # by"),
    ("a word", put("Category", "shared-fate"), MODE, "category: excessive-load", "category: shared-fate"),
    ("a sentence", put("Event", "Nothing: expires"), MODE, "event: Keys without expiry pile up.", "event: 'Nothing: expires'"),
    ("one of two languages", put("Title", "Full"), MODE, "en: Redis is full", "en: Full"),
    ("a duration", put("Detect within", "6s"), MODE, "detect_within: 5s", "detect_within: 6s"),
    ("a value that was not there", put("Lost writes allowed", 2), MODE, "recover_within: 1m}", "recover_within: 1m, lost_acknowledged_writes: 2}"),
    ("an expected impact", put("Expected impact", "outage", "Application view"), MODE, "submit: degraded", "submit: outage"),
    ("what a service does", put("When it is down", "Fails", "Dependencies"), SERVICES, "en: Goes without it.", "en: Fails"),
    ("a folded text", put("When it is wrong", "Shows it.", "Dependencies"), SERVICES, "Shows\n          what it says.", "Shows it."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "file", "old", "new"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_a_change_is_one_value_of_one_file(project, edit, file, old, new):
    before = snapshot(project.root)
    plan = planned(project.root, edited(exported(project.root), edit))
    assert len(plan.changes) == 1
    written = plan.draft.write()
    assert file in written
    after = snapshot(project.root)
    text = before[file].decode()
    assert text.count(old) == 1
    assert after[file].decode() == text.replace(old, new)
    assert {f for f in after if after[f] != before[f]} - {file} == {
        "experiments/lab/redis-memory-full.yaml"
    } & set(written)
    assert check.check(project.root).problems == []


def test_a_second_language_keeps_the_first(project):
    path = edited(exported(project.root, "ja"), put("起きること", "期限のないキーがたまる。", "製品視点"))
    planned(project.root, path).draft.write()
    assert (
        'event: {en: "Keys without expiry pile up.", ja: "期限のないキーがたまる。"}'
        in (project.root / MODE).read_text()
    )


def test_the_other_language_stays(project):
    path = edited(exported(project.root, "ja"), put("題名", "満杯", "製品視点"))
    planned(project.root, path).draft.write()
    assert "title: {en: Redis is full, ja: 満杯}" in (project.root / MODE).read_text(encoding="utf-8")


def test_columns_may_move_and_others_may_stand_between(project):
    def edit(book: Any) -> None:
        sheet = book["Product view"]
        sheet.insert_cols(1)
        sheet.cell(1, 1).value = "My notes"
        sheet.cell(2, 1).value = "see me"
        sheet.move_range("H1:H2", cols=20)  # the severity
        sheet["AB2"].value = 1

    plan = planned(project.root, edited(exported(project.root), edit))
    assert [(c.at, c.old, c.new, c.cell) for c in plan.changes] == [(("severity",), 2, 1, "Product view!AB2")]
    assert plan.notes == ["catalogue.xlsx!Product view!A1: the column 'My notes' is not read."]


def test_a_column_that_is_only_shown_is_not_read_and_that_is_told(project):
    plan = planned(project.root, edited(exported(project.root), put("Priority", 27)))
    assert plan.changes == []
    assert plan.notes == [
        'catalogue.xlsx!Product view!J2: the column "Priority" is only shown; what stands there now is not read.'
    ]


def test_a_row_that_is_gone_deletes_nothing(project):
    before = snapshot(project.root)
    plan = planned(
        project.root, edited(exported(project.root), lambda book: book["Product view"].delete_rows(2))
    )
    assert plan.notes == [
        "catalogue.xlsx!Product view: no row for redis-memory-full; nothing is deleted because of that."
    ]
    assert plan.draft.write() == []
    assert snapshot(project.root) == before


def test_what_the_catalogue_changed_since_the_export_is_kept(project):
    path = exported(project.root)
    project.edit(MODE, "severity: 2", "severity: 3")
    plan = planned(project.root, edited(path, put("Likelihood", 1)))
    assert [(c.at, c.new) for c in plan.changes] == [(("likelihood",), 1)]
    assert any("Severity" in note and "it is kept" in note for note in plan.notes)


def test_what_both_changed_is_refused(project):
    path = edited(exported(project.root), put("Severity", 1))
    project.edit(MODE, "severity: 2", "severity: 3")
    with pytest.raises(UsageError) as refused:
        planned(project.root, path)
    assert str(refused.value) == (
        'catalogue.xlsx!Product view!G2: column "Severity": got 1, expected 3, which the catalogue says since the export. Write that, or export anew and make your change there.'
    )


def test_a_workbook_that_lost_its_memory_is_compared_with_the_catalogue(project):
    def edit(book: Any) -> None:
        del book["base"]
        put("Severity", 3)(book)

    assert [c.at for c in planned(project.root, edited(exported(project.root), edit)).changes] == [
        ("severity",)
    ]


# --- what is refused -----------------------------------------------------------------------------


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
    ("an id that is no id", put("ID", "Redis full"), f'{S}!A2: column "ID": got \'Redis full\', expected lower-case words joined by \'-\', such as \'redis-memory-full\'. Try \'redis-full\'.'),
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
def test_a_sheet_that_is_wrong_changes_nothing(project, edit, message):
    before = snapshot(project.root)
    path = edited(exported(project.root), edit)
    with pytest.raises(UsageError) as refused:
        planned(project.root, path)
    assert str(refused.value) == message
    assert snapshot(project.root) == before


def test_everything_that_is_wrong_is_told_at_once_in_either_language(project):
    def edit(book: Any) -> None:
        put("重大度", 9, "製品視点")(book)
        put("想定する影響", "outge", "アプリケーション視点")(book)
        put("停止したとき", " x", "依存先")(book)
        put("起きやすさ", 1, "製品視点")(book)  # this one would be right

    with pytest.raises(UsageError) as refused:
        planned(project.root, edited(exported(project.root, "ja"), edit))
    assert [problem.where for problem in refused.value.problems] == [
        "catalogue.xlsx!製品視点!G2",
        "catalogue.xlsx!アプリケーション視点!D2",
        "catalogue.xlsx!依存先!C2",
    ]
    assert refused.value.problems[0].what == 'column "重大度"'


def test_what_would_break_the_catalogue_is_refused_in_its_own_words(project):
    path = edited(exported(project.root), put("Detect within", "5m"))
    with pytest.raises(UsageError) as refused:
        planned(project.root, path)
    assert str(refused.value).startswith(f"{MODE}:17: objectives.default.detect_within: got 300 s")


@pytest.mark.parametrize(
    "raw", [b"", b"ID,Severity\nx,1\n", b"PK\x03\x04 no zip"], ids=["empty", "csv", "cut"]
)
def test_no_workbook(tmp_path, raw):
    (tmp_path / "x.xlsx").write_bytes(raw)
    with pytest.raises(UsageError, match=r"x\.xlsx: got something else .*, expected an Excel workbook"):
        read.read(tmp_path / "x.xlsx")


def test_another_zip_is_no_workbook(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w") as packed:
        packed.writestr("hello.txt", "hello")
    with pytest.raises(UsageError, match="expected an Excel workbook"):
        read.read(tmp_path / "x.xlsx")


def test_no_file(tmp_path):
    with pytest.raises(UsageError, match=r"got a file that cannot be read \(No such file"):
        read.read(tmp_path / "x.xlsx")


# --- new rows ------------------------------------------------------------------------------------


def test_a_new_row_becomes_a_failure_mode(project):
    def edit(book: Any) -> None:
        for heading, value in {
            "ID": "intake-stopped",
            "Product": "Intake",
            "Title": "Intake stops",
            "Alert": "IntakeGone",
            "Severity": 3,
        }.items():
            put(heading, value, row=3)(book)
        for heading, value in {
            "Service": "intake",
            "Failure mode": "intake-stopped",
            "User flow": "submit",
            "Expected impact": "degraded",
        }.items():
            put(heading, value, "Application view", 3)(book)

    plan = planned(project.root, edited(exported(project.root), edit))
    assert plan.added == ["intake-stopped"]
    assert any("catalog/failure-modes/intake/intake-stopped.yaml:" in note for note in plan.notes)
    plan.draft.write()
    assert check.check(project.root).problems == []
    made = load.mode(project.root, "intake-stopped")
    assert (made.title.en, made.severity, made.impact.on("submit")) == ("Intake stops", 3, Impact.DEGRADED)
    assert (made.runbook, made.detection.alert) == ("runbooks/intake-stopped.md", "IntakeGone")
    assert planned(project.root, exported(project.root)).changes == []


# --- whatever is edited --------------------------------------------------------------------------

_words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Co", "Cn"), include_characters="\n"),
    max_size=30,
)
_sentences = _words.map(str.strip).filter(bool)
_BY_KIND = {
    Kind.TEXT: _sentences.filter(lambda text: "\n" not in text),
    Kind.SENTENCE: _sentences,
    Kind.LEVEL: st.integers(1, 3),
    Kind.COUNT: st.integers(0, 99),
}
_COLUMNS = [c for c in PRODUCT.columns if c.kind in _BY_KIND and c.key != "product"]
_edits = st.dictionaries(st.sampled_from(_COLUMNS), st.none(), min_size=1, max_size=4).flatmap(
    lambda chosen: st.fixed_dictionaries({column: _BY_KIND[column.kind] for column in chosen})
)


_NO_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]  # each example is a whole import


@settings(max_examples=15, phases=_NO_SHRINKING, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=_edits, language=st.sampled_from(["en", "ja"]))
def test_what_is_edited_comes_back_and_nothing_else_changes(project, edits, language):
    original = (project.root / MODE).read_bytes()
    try:
        path = exported(project.root, language)

        def edit(book: Any) -> None:
            for column, value in edits.items():
                cell = at(book[PRODUCT.title(language)], column.heading(language))
                cell.value = value
                cell.data_type = "s" if isinstance(value, str) else "n"

        edited(path, edit)
        before = load.catalog(project.root)
        told = rows.rows(before, "lab", {}, language)["product"][0].values
        plan = planned(project.root, path)
        plan.draft.write()
        after = rows.rows(load.catalog(project.root), "lab", {}, language)["product"][0].values
        wanted = {**told, **{column.key: value for column, value in edits.items()}}
        computed = ("priority", "here")
        assert {k: after[k] for k in after if k not in computed} == {
            k: wanted[k] for k in after if k not in computed
        }
        assert planned(project.root, path).changes == []
        touched = {str(change.at[0]) for change in plan.changes}
        kept = [
            line for line in original.decode().splitlines() if line.split(":")[0] in _keys(original) - touched
        ]
        now = (project.root / MODE).read_text(encoding="utf-8").splitlines()
        assert [line for line in now if line in kept] == kept
    finally:
        (project.root / MODE).write_bytes(original)


def _keys(raw: bytes) -> set[str]:
    return {line.split(":")[0] for line in raw.decode().splitlines() if line[:1].isalpha()}
