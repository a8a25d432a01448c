"""The catalogue as a workbook, changed as people change workbooks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from chaos_ext.catalog import load
from chaos_ext.sheets import change, read, rows, write
from chaos_ext.sheets.columns import LAYOUTS

MODE = "catalog/failure-modes/redis/redis-memory-full.yaml"
SERVICES = "catalog/services.yaml"


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
