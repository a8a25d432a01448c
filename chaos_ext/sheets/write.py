"""The workbook from rows: frozen headings, widths, wrapped texts, lists to choose from."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from chaos_ext.sheets.columns import LAYOUTS, Column, Kind, Layout
from chaos_ext.sheets.rows import Row

BASE = "base"  # the hidden sheet that remembers what was exported
LISTS = "lists"  # the hidden sheet that lists are chosen from
_MORE_ROWS = 200  # below the last one, where new rows may be written
_HEAD = PatternFill("solid", fgColor="1F3864")
_LOCKED = PatternFill("solid", fgColor="E7E6E6")  # grey: says which row it is, or is only shown
_LINE = Side(style="thin", color="D0CECE")
_BORDER = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_NOTES = {
    "en": {
        "id": "Says which row this is. Not to be changed.",
        "shown": "Only shown: what is changed here is not read.",
    },
    "ja": {
        "id": "行を識別します。変更しないでください。",
        "shown": "表示だけです。ここでの変更は読み込まれません。",
    },
}


def workbook(
    rows: Mapping[str, Sequence[Row]],
    choices: Mapping[tuple[str, str], Sequence[str]],
    language: str,
    first: str,
) -> bytes:
    """The bytes of an .xlsx file.

    Args:
        rows: of each sheet, by its key
        choices: what a cell may hold, by keys of sheet and column
        language: of headings, ``en`` or ``ja``
        first: key of the sheet that is open at first
    """
    book = Workbook()
    book.remove(book.worksheets[0])
    lists = _Lists()
    for layout in LAYOUTS:
        sheet = book.create_sheet(layout.title(language))
        _fill(sheet, layout, rows[layout.key], language)
        for index, column in enumerate(layout.columns, start=1):
            _offer(
                sheet, column, index, len(rows[layout.key]), lists, choices.get((layout.key, column.key), ())
            )
        if layout.key == first:
            book.active = sheet
    lists.write(book.create_sheet(LISTS))
    _remember(book.create_sheet(BASE), rows)
    for name in (LISTS, BASE):
        book[name].sheet_state = "veryHidden"
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _fill(sheet: Worksheet, layout: Layout, rows: Sequence[Row], language: str) -> None:
    for index, column in enumerate(layout.columns, start=1):
        head = _put(sheet, 1, index, column.heading(language))
        head.font, head.fill, head.border = Font(bold=True, color="FFFFFF"), _HEAD, _BORDER
        head.alignment = Alignment(wrap_text=True, vertical="center")
        note = _NOTES["ja" if language == "ja" else "en"].get(str(column.kind))
        if note:
            head.comment = Comment(note, "chaos")
        sheet.column_dimensions[get_column_letter(index)].width = column.width
    for number, row in enumerate(rows, start=2):
        for index, column in enumerate(layout.columns, start=1):
            cell = _put(sheet, number, index, row.values.get(column.key))
            cell.alignment, cell.border = Alignment(wrap_text=True, vertical="top"), _BORDER
            if column.kind in (Kind.ID, Kind.SHOWN):
                cell.fill = _LOCKED
                cell.font = Font(
                    bold=column.kind is Kind.ID, color="000000" if column.kind is Kind.ID else "595959"
                )
    sheet.freeze_panes = f"{get_column_letter(len(layout.ids) + 1)}2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(layout.columns))}{max(2, len(rows) + 1)}"
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = "1:1"


def _put(sheet: Worksheet, row: int, column: int, value: str | int | None) -> Cell:
    cell = sheet.cell(row, column)
    assert isinstance(cell, Cell)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"  # a text that begins with '=' is no formula,
        cell.number_format = "@"  # and what is typed over it stays a text
        cell.quotePrefix = value[:1] in "=+-@"
    return cell


class _Lists:
    """What cells offer to choose from, each list a column of a sheet: a list inside a rule has 255 characters."""

    def __init__(self) -> None:
        self._columns: dict[tuple[str, ...], int] = {}

    def range(self, words: tuple[str, ...]) -> str:
        index = self._columns.setdefault(words, len(self._columns) + 1)
        letter = get_column_letter(index)
        return f"{LISTS}!${letter}$1:${letter}${len(words)}"

    def write(self, sheet: Worksheet) -> None:
        for words, index in self._columns.items():
            for number, word in enumerate(words, start=1):
                _put(sheet, number, index, word)


def _offer(
    sheet: Worksheet, column: Column, index: int, rows: int, lists: _Lists, choices: Iterable[str]
) -> None:
    words = tuple(choices)
    if words:
        rule = DataValidation(type="list", formula1=lists.range(words), allow_blank=True)
    elif column.kind is Kind.LEVEL:
        rule = DataValidation(type="whole", operator="between", formula1="1", formula2="3", allow_blank=True)
    elif column.kind is Kind.COUNT:
        rule = DataValidation(type="whole", operator="greaterThanOrEqual", formula1="0", allow_blank=True)
    else:
        return
    rule.showErrorMessage, rule.errorTitle = True, column.en
    rule.error = ", ".join(words)[:200] or {"level": "1, 2, 3"}.get(str(column.kind), "0, 1, 2, …")
    letter = get_column_letter(index)
    rule.add(f"{letter}2:{letter}{rows + 1 + _MORE_ROWS}")
    sheet.add_data_validation(rule)


def _remember(sheet: Worksheet, rows: Mapping[str, Sequence[Row]]) -> None:
    number = 0
    for layout in LAYOUTS:
        for row in rows[layout.key]:
            for column in layout.columns:
                if column.kind is Kind.ID:
                    continue
                number += 1
                values = (
                    layout.key,
                    json.dumps(row.key, ensure_ascii=False),
                    column.key,
                    row.values.get(column.key),
                )
                for index, value in enumerate(values, start=1):
                    _put(sheet, number, index, value)
