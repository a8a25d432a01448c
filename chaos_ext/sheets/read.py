"""A workbook back into rows, with everything that is wrong with it: named by file, sheet, cell and heading."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from chaos_ext.catalog.words import nearest_or_all, shown
from chaos_ext.errors import Problem, UsageError, did_you_mean
from chaos_ext.language import t
from chaos_ext.sheets.columns import LAYOUTS, Column, Kind, Layout
from chaos_ext.sheets.rows import Value
from chaos_ext.sheets.write import BASE, LISTS

_MOST_BYTES = 50_000_000
_MOST_UNPACKED = 100_000_000
_MOST_ROWS = 5_000  # of a sheet: a catalogue has hundreds of failure modes at most


@dataclass(frozen=True)
class Given:
    """One cell that was filled in, as it stands there."""

    cell: str  # such as B7
    value: Any
    formula: bool = False


@dataclass(frozen=True)
class GivenRow:
    """One row of a sheet, by column key."""

    key: tuple[str, ...]
    number: int
    cells: dict[str, Given]


@dataclass
class GivenSheet:
    """One sheet that was understood."""

    layout: Layout
    name: str  # as its tab says
    language: str
    rows: list[GivenRow] = field(default_factory=list)


@dataclass
class GivenBook:
    """A workbook. `base` is what was exported: by keys of sheet, row and column; empty when it does not tell."""

    file: str
    sheets: list[GivenSheet] = field(default_factory=list)
    base: dict[tuple[str, tuple[str, ...], str], Value] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def say(self, sheet: str, cell: str, heading: str, got: str, expected: str, hint: str = "") -> None:
        """Something wrong with a cell (or with a row or sheet, where there is no cell)."""
        where = "!".join(filter(None, (self.file, sheet, cell)))
        what = t('column "{heading}"', heading=heading) if heading else ""
        self.problems.append(Problem(where, what, got, expected, hint))


def read(path: Path) -> GivenBook:
    """The workbook at `path`. Raises UsageError when it is none; what is wrong inside it is in `problems`."""
    book = GivenBook(path.name)
    opened = _open(path)
    named = {layout.title(language): layout for layout in LAYOUTS for language in ("en", "ja")}
    for sheet in opened.worksheets:
        layout = named.get(sheet.title.strip())
        if sheet.title == BASE:
            book.base = _base(sheet)
        elif layout is not None:
            _sheet(book, sheet, layout)
        elif sheet.title != LISTS:
            book.notes.append(t("{file}: the sheet '{name}' is not read.", file=book.file, name=sheet.title))
    there = {sheet.layout.key for sheet in book.sheets}
    if not there and not book.problems:
        names = [sheet.title for sheet in opened.worksheets if sheet.sheet_state == "visible"]
        hint = next(filter(None, (did_you_mean(name, named) for name in names)), "")
        got = t("the sheets {names}", names=", ".join(map(repr, names)))
        expected = t("one of {names}", names=", ".join(repr(layout.en) for layout in LAYOUTS))
        book.say("", "", "", got, expected, hint or t("Begin with `chaos catalog export --xlsx FILE`."))
    return book


def _open(path: Path) -> Any:
    def refused(got: str) -> UsageError:
        hint = t("Begin with `chaos catalog export --xlsx FILE`, and save as .xlsx.")
        return UsageError([Problem(str(path), "", got, t("an Excel workbook (.xlsx)"), hint)])

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise refused(t("{size:,} bytes", size=path.stat().st_size))
        with zipfile.ZipFile(path) as packed:
            if sum(each.file_size for each in packed.infolist()) > _MOST_UNPACKED:
                raise refused(t("a file that unpacks to very much"))
        return load_workbook(path)
    except OSError as error:
        raise refused(
            t("a file that cannot be read ({why})", why=error.strerror or type(error).__name__)
        ) from error
    except zipfile.BadZipFile as error:
        raise refused(t("a file that is not packed as every .xlsx is")) from error
    except (InvalidFileException, KeyError, ValueError, TypeError, SyntaxError) as error:
        raise refused(t("a packed file without the whole parts of a workbook")) from error


# --- one sheet -----------------------------------------------------------------------------------


def _sheet(book: GivenBook, sheet: Worksheet, layout: Layout) -> None:
    for merged in sheet.merged_cells.ranges:
        first = merged.coord.split(":")[0]
        got = t("the merged cells {range}", range=merged.coord)
        book.say(
            sheet.title, first, "", got, t("one value in each cell"), t("Unmerge them and fill in each.")
        )
    rows = _filled(sheet)
    headings = _headings(rows.pop(1, {}))
    language = max(("en", "ja"), key=lambda code: sum(c.heading(code) in headings for c in layout.columns))
    found = _columns(book, sheet, layout, headings, language)
    if found is None or sheet.merged_cells.ranges:
        return
    given = GivenSheet(layout, sheet.title, language)
    book.sheets.append(given)
    seen: dict[tuple[str, ...], str] = {}
    if len(rows) > _MOST_ROWS:
        got, expected = t("{count:,} rows", count=len(rows)), t("at most {most:,} of them", most=_MOST_ROWS)
        book.say(sheet.title, "", "", got, expected)
        return
    for number, there in rows.items():
        row = _row(book, sheet.title, layout, found, number, there, language)
        if row is None:
            continue
        first = row.cells[layout.ids[0].key].cell
        if row.key in seen:
            told = " / ".join(row.key)
            heading = layout.ids[0].heading(language)
            expected = t("each once ({cell} has it)", cell=seen[row.key])
            book.say(
                sheet.title,
                first,
                heading,
                t("'{told}' again", told=told),
                expected,
                t("Remove one of the rows."),
            )
            continue
        seen[row.key] = first
        given.rows.append(row)


def _filled(sheet: Worksheet) -> dict[int, dict[int, Any]]:
    """The cells that hold something, by row and column, each in order.

    Every way of openpyxl's to walk a sheet makes the cells up to its last one, and a single coloured cell far below
    is such a last one: seconds, and hundreds of megabytes. What is in the file is in `_cells`.
    """
    found: dict[int, dict[int, Any]] = {}
    for (row, column), cell in sorted(sheet._cells.items()):
        if cell.value not in (None, ""):
            found.setdefault(row, {})[column] = cell
    return found


def _headings(first: Mapping[int, Any]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index, cell in first.items():
        if str(cell.value).strip():
            found.setdefault(" ".join(str(cell.value).split()), []).append(index)
    return found


def _columns(
    book: GivenBook, sheet: Worksheet, layout: Layout, headings: dict[str, list[int]], language: str
) -> dict[str, int] | None:
    """Where each column stands, by its key; None after saying why that is not known."""
    before = len(book.problems)
    found: dict[str, int] = {}
    known = {column.heading(language) for column in layout.columns}
    others = [heading for heading in headings if heading not in known]
    for column in layout.columns:
        heading = column.heading(language)
        there = headings.get(heading, [])
        if len(there) > 1 and column.read:
            cells = ", ".join(f"{get_column_letter(index)}1" for index in there)
            got = t("it {count} times ({cells})", count=len(there), cells=cells)
            book.say(
                sheet.title, f"{get_column_letter(there[1])}1", heading, got, t("it once"), t("Remove one.")
            )
        elif there:
            found[column.key] = there[0]
        elif column.read:
            near = did_you_mean(heading, others)
            hint = (
                t("Is it the column '{name}'?", name=near.split("'")[1])
                if near
                else t("Add it, or export anew.")
            )
            book.say(sheet.title, "1:1", heading, t("no such heading"), t("it in the first row"), hint)
    for heading in others:
        name = f"{book.file}!{sheet.title}!{get_column_letter(headings[heading][0])}1"
        book.notes.append(t("{where}: the column '{heading}' is not read.", where=name, heading=heading))
    return found if len(book.problems) == before else None


def _row(
    book: GivenBook,
    sheet: str,
    layout: Layout,
    columns: dict[str, int],
    number: int,
    there: Mapping[int, Any],
    language: str,
) -> GivenRow | None:
    """A row that is not empty and says which one it is; `there` are its cells that hold something."""
    cells: dict[str, Given] = {}
    for key, index in columns.items():
        place, cell = f"{get_column_letter(index)}{number}", there.get(index)
        if cell is None:
            cells[key] = Given(place, None)
            continue
        value = cell.value.replace("\r\n", "\n") if isinstance(cell.value, str) else cell.value
        cells[key] = Given(place, value, cell.data_type == "f")
    filled = [given for given in cells.values() if given.value not in (None, "")]
    if not filled:
        return None
    before = len(book.problems)
    for column in layout.ids:
        given = cells[column.key]
        wrong = _not_an_id(given)
        if wrong:
            book.say(sheet, given.cell, column.heading(language), *wrong)
    if len(book.problems) > before:
        return None
    return GivenRow(tuple(str(cells[column.key].value) for column in layout.ids), number, cells)


def _not_an_id(given: Given) -> tuple[str, str, str] | None:
    expected = t("an id")
    if given.formula:
        return t("a formula ({formula})", formula=str(given.value)), expected, t("Put the text in its place.")
    if given.value is None or given.value == "":
        return t("an empty cell"), expected, t("Fill it in, or clear the whole row.")
    if not isinstance(given.value, str):
        return t("{value}, which is no text", value=shown(given.value)), expected, ""
    if given.value != given.value.strip():
        return t("{value} with spaces around it", value=shown(given.value)), t("none"), t("Remove them.")
    return None


def _base(sheet: Worksheet) -> dict[tuple[str, tuple[str, ...], str], Value]:
    """What was exported. A sheet that somebody changed tells nothing."""
    found: dict[tuple[str, tuple[str, ...], str], Value] = {}
    try:
        for layout, key, column, value in _quadruples(sheet):
            found[str(layout), tuple(map(str, json.loads(str(key)))), str(column)] = value
    except (ValueError, TypeError):
        return {}
    return found


def _quadruples(sheet: Worksheet) -> Iterator[tuple[Any, Any, Any, Any]]:
    for row in _filled(sheet).values():
        layout, key, column, value = (row[index].value if index in row else None for index in (1, 2, 3, 4))
        if layout is not None:
            yield layout, key, column, value


# --- one value -----------------------------------------------------------------------------------


def value_of(
    given: Given, column: Column, choices: tuple[str, ...]
) -> tuple[Value, tuple[str, str, str] | None]:
    """What a cell that was filled in says, or (got, expected, hint) when that cannot stand there."""
    value, expected = given.value, expected_in(column, choices)
    if given.formula:
        return None, (
            t("a formula ({formula})", formula=str(value)),
            expected,
            t("Put its value in its place."),
        )
    if value is None or value == "":
        return None, (t("an empty cell"), expected, "")
    if column.kind in (Kind.LEVEL, Kind.COUNT):
        return _number(value, column, expected)
    if not isinstance(value, str):
        return None, (
            t("{value}, which is no text", value=shown(value)),
            expected,
            t("Format the cell as text."),
        )
    if value != value.strip():
        return None, (t("{value} with spaces around it", value=shown(value)), t("none"), t("Remove them."))
    if column.kind is Kind.DURATION:
        from chaos_ext.model import duration_s

        try:
            duration_s(value)
        except ValueError as error:
            return None, (shown(value), str(error), "")
    if choices and value not in choices:
        return None, (shown(value), expected, nearest_or_all(value, choices))
    return value, None


def _number(value: Any, column: Column, expected: str) -> tuple[Value, tuple[str, str, str] | None]:
    if isinstance(value, str):
        hint = t("Format the cell as a number and type it again.") if value.strip().isdigit() else ""
        got = t("{value}, which is stored as text", value=shown(value)) if hint else shown(value)
        return None, (got, expected, hint)
    whole = (
        not isinstance(value, bool)
        and isinstance(value, (int, float))
        and math.isfinite(value)  # a cell may hold 1E999
        and value == int(value)
    )
    low, high = (1, 3) if column.kind is Kind.LEVEL else (0, None)
    if not whole or value < low or (high is not None and value > high):
        return None, (shown(value), expected, "")
    return int(value), None


def expected_in(column: Column, choices: tuple[str, ...]) -> str:
    """What a cell of `column` should hold."""
    if column.kind is Kind.LEVEL:
        return t("a whole number from 1 to 3")
    if column.kind is Kind.COUNT:
        return t("a whole number from 0 on")
    if column.kind is Kind.DURATION:
        return t("a duration with a unit, such as '500ms', '3s', '2m' or '90d'")
    if choices and len(choices) <= 8:
        return t("one of {names}", names=", ".join(choices))
    return t("a known word") if choices else t("a text")
