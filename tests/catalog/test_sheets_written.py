"""What a workbook of the catalogue looks like, and that bringing it back unchanged changes nothing."""

from __future__ import annotations

import pytest
from catalog.workbooks import MODE, at, exported, planned, snapshot
from openpyxl import load_workbook

from chaos_ext.model import Category
from chaos_ext.sheets.columns import LAYOUTS, Kind


def test_what_was_not_changed_changes_nothing(described_project):
    before = snapshot(described_project.root)
    plan = planned(described_project.root, exported(described_project.root))
    assert (plan.changes, plan.added, plan.notes) == ([], [], [])
    assert plan.draft.write() == []
    assert snapshot(described_project.root) == before


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_workbook_is_easy_to_work_in(described_project, language):
    book = load_workbook(exported(described_project.root, language))
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


def test_a_text_that_begins_with_an_equals_sign_is_no_formula(described_project):
    described_project.edit(MODE, "event: Keys without expiry pile up.", "event: =1+1 keys")
    path = exported(described_project.root)
    cell = at(load_workbook(path)["Product view"], "Event")
    assert (cell.value, cell.data_type, cell.quotePrefix) == ("=1+1 keys", "s", True)
    assert planned(described_project.root, path).changes == []
