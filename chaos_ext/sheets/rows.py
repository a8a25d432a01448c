"""The catalogue as rows: what each cell shows, and where in which file it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from chaos_ext import environments
from chaos_ext.catalog.coverage import HOW, coverage
from chaos_ext.catalog.load import SERVICES, Catalog
from chaos_ext.catalog.source import Path_
from chaos_ext.history.measured import Measured
from chaos_ext.language import Language, say, t
from chaos_ext.model import FailureMode
from chaos_ext.report import view_tables
from chaos_ext.report.views import Cell, application
from chaos_ext.sheets.columns import APPLICATION, DEPENDENCIES, PRODUCT, Column, Kind, Layout

Value = str | int | None
_MOST_CHARACTERS = 32_767  # of a cell


@dataclass(frozen=True)
class Row:
    """One row. `file` (below the root) and `places` say where the cells that can be changed are written."""

    key: tuple[str, ...]
    values: Mapping[str, Value]  # by column key
    file: str = ""
    places: Mapping[str, Path_] = field(default_factory=dict)


def rows(
    catalog: Catalog, environment: str, measured: Mapping[str, Measured], language: Language
) -> dict[str, list[Row]]:
    """The rows of every sheet, by the sheet's key."""
    return {
        PRODUCT.key: [
            product_row(catalog, mode, environment, measured.get(mode.id), language)
            for mode in sorted(
                catalog.modes.values(), key=lambda mode: (mode.product, -mode.priority, mode.id)
            )
        ],
        APPLICATION.key: list(_application(catalog, environment, measured, language)),
        DEPENDENCIES.key: list(_dependencies(catalog, language)),
    }


def choices(catalog: Catalog, column: Column) -> tuple[str, ...]:
    """The words that a cell of `column` may hold; empty where any text may stand."""
    if column.key == "runbook":
        found = (catalog.root / "catalog" / "runbooks").glob("*.md")
        return ("none", *sorted(f"runbooks/{path.name}" for path in found))
    if column.key == "alert":
        known = (environments.load(name, catalog.root) for name in environments.names(catalog.root))
        return tuple(sorted({rule.name for each in known for rule in each.alerts.rules}))
    return column.choices


def as_cell(value: Any) -> Value:
    """`value` as a cell holds it: without the characters that a workbook cannot keep, and no longer than it can."""
    if value is None or isinstance(value, int):
        return value
    text = str(value).strip().replace("\r\n", "\n")
    return ILLEGAL_CHARACTERS_RE.sub("\ufffd", text)[:_MOST_CHARACTERS] or None


def written_at(data: Any, at: Path_) -> Any:
    """What a file says at `at`; None where it says nothing."""
    for step in at:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def _editable(data: Any, at: Path_, kind: Kind, language: str) -> tuple[Value, Path_]:
    """What a cell shows of the value at `at`, and where exactly that is written."""
    value = written_at(data, at)
    if kind is Kind.SENTENCE and isinstance(value, dict):
        return as_cell(value.get(language)), (*at, language)
    return as_cell(value), at


def read_from(
    data: Any, layout: Layout, language: str, before: Path_ = ()
) -> tuple[dict[str, Value], dict[str, Path_]]:
    values: dict[str, Value] = {}
    places: dict[str, Path_] = {}
    for column in layout.columns:
        if column.at:
            values[column.key], places[column.key] = _editable(
                data, (*before, *column.at), column.kind, language
            )
    return values, places


def product_row(
    catalog: Catalog, mode: FailureMode, environment: str, last: Measured | None, language: Language
) -> Row:
    """A failure mode in the product view."""
    source = catalog.sources[mode.id]
    values, places = read_from(source.data, PRODUCT, language)
    shown: dict[str, Value] = {
        "id": mode.id,
        "priority": mode.priority,
        "here": say(view_tables.objectives(mode, environment), language),
    }
    file = _below(source.path, catalog.root)
    return Row((mode.id,), {**values, **shown, **_last(last, language)}, file, places)


def _application(
    catalog: Catalog, environment: str, measured: Mapping[str, Measured], language: Language
) -> Iterator[Row]:
    for cell in application(catalog, environment, measured, language).cells:
        source = catalog.sources[cell.mode.id]
        does = "\n".join(say(reaction.told, language) for reaction in cell.reactions)
        same = {"service": cell.service, "mode": cell.mode.id, "reactions": as_cell(does)}
        ends = _last(cell.last, language)
        for felt in cell.felt:
            yes = {True: t("yes"), False: t("NO"), None: "-"}[felt.as_expected]
            values: dict[str, Value] = {
                **same,
                "flow": felt.flow,
                "expected": str(felt.expected),
                "possible": None if felt.possible is None else str(felt.possible),
                "measured": "/".join(felt.measured) or say(_nothing(cell), language),
                "as_expected": say(yes, language),
                **ends,
            }
            at: Path_ = ("impact", "flows", felt.flow)
            key = (cell.service, cell.mode.id, felt.flow)
            yield Row(key, values, _below(source.path, catalog.root), {"expected": at})


def _nothing(cell: Cell) -> str:
    return t("never") if cell.last is None else t("no data")


def _dependencies(catalog: Catalog, language: str) -> Iterator[Row]:
    data = services_data(catalog)
    tried: dict[tuple[str, str], dict[str, str]] = {}
    for each in coverage(catalog.modes.values(), catalog.services):
        key = (each.service, each.dependency)
        tried.setdefault(key, {})[f"{each.how}_modes"] = "\n".join(each.modes)
    for key, modes in tried.items():
        values, places = read_from(data, DEPENDENCIES, language, ("services", key[0], "dependencies", key[1]))
        shown = {f"{how}_modes": as_cell(modes[f"{how}_modes"]) for how in HOW}
        yield Row(key, {"service": key[0], "dependency": key[1], **values, **shown}, SERVICES, places)


def services_data(catalog: Catalog) -> Any:
    """What `services.yaml` says."""
    from chaos_ext.catalog import source as sources

    return sources.read(catalog.root / SERVICES, catalog.root).data


def _last(last: Measured | None, language: Language) -> dict[str, Value]:
    if last is None:
        return {"verdict": "-", "when": say(t("never"), language), "stale": None}
    at = last.started[:16].replace("T", " ")
    return {"verdict": say(last.verdict, language), "when": at, "stale": as_cell(", ".join(last.stale))}


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
