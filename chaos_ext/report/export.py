"""Runs as rows for a spreadsheet or a program that draws: CSV, JSON lines, Markdown. One run, one row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from chaos_ext.history.entries import Entry
from chaos_ext.report import markdown

COLUMNS = Entry._fields
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def exported(entries: Iterable[Entry], form: str) -> str:
    """The runs as ``csv``, ``jsonl`` or ``markdown``, without a newline at the end."""
    if form == "jsonl":
        return "\n".join(json.dumps(each.as_dict(), ensure_ascii=False) for each in entries)
    rows = [[_cell(value) for value in each] for each in entries]
    if form == "markdown":
        return markdown.table(rows, list(COLUMNS))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_no_formula(cell) for cell in row] for row in rows)
    return text.getvalue().rstrip("\n")


def _cell(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def _no_formula(cell: str) -> str:
    """A spreadsheet calculates what begins like a formula; an apostrophe makes it a text."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
