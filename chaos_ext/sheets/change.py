"""What a workbook changes: each cell that says something else becomes an edit of one value of one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos_ext.catalog import scaffold
from chaos_ext.catalog.draft import Draft
from chaos_ext.catalog.load import Catalog
from chaos_ext.catalog.source import Path_, dotted
from chaos_ext.catalog.words import nearest_or_all, shown
from chaos_ext.errors import UsageError, did_you_mean
from chaos_ext.language import Language, t
from chaos_ext.sheets.columns import APPLICATION, DEPENDENCIES, PRODUCT, Column, Kind, Layout
from chaos_ext.sheets.read import Given, GivenBook, GivenRow, GivenSheet, value_of
from chaos_ext.sheets.rows import Row, Value, as_cell, choices, rows, written_at

_TOLD = 5  # rows that a note names


@dataclass(frozen=True)
class Change:
    """One value that becomes another one."""

    cell: str  # sheet and cell
    file: str
    at: Path_
    old: Value
    new: Value

    def __str__(self) -> str:
        return t(
            "{file}: {at}: {old} becomes {new} ({cell})",
            file=self.file, at=dotted(self.at), old=shown(self.old), new=shown(self.new), cell=self.cell,
        )  # fmt: skip


@dataclass
class Plan:
    """What an import would do. Nothing is written yet."""

    draft: Draft
    changes: list[Change] = field(default_factory=list)
    added: list[str] = field(default_factory=list)  # failure modes that are new
    notes: list[str] = field(default_factory=list)


def plan(catalog: Catalog, environment: str, book: GivenBook) -> Plan:
    """Work out what `book` changes in `catalog`.

    Raises UsageError with every problem of the workbook; then, when there is none, with every problem that the
    catalogue would have.
    """
    made = _Planning(catalog, environment, book)
    made.sheets()
    if book.problems:
        raise UsageError(book.problems)
    if made.plan.draft.files():
        made.plan.draft.check()
    return made.plan


class _Planning:
    def __init__(self, catalog: Catalog, environment: str, book: GivenBook) -> None:
        self.catalog, self.environment, self.book = catalog, environment, book
        self.plan = Plan(Draft(catalog.root), notes=list(book.notes))
        self.rows: dict[str, dict[str, list[Row]]] = {}
        self.new: dict[str, str] = {}  # id of a new failure mode → its file

    def sheets(self) -> None:
        order = (
            PRODUCT,
            APPLICATION,
            DEPENDENCIES,
        )  # failure modes first: other sheets may speak of new ones
        for sheet in sorted(self.book.sheets, key=lambda each: order.index(each.layout)):
            self.sheet(sheet)

    def sheet(self, sheet: GivenSheet) -> None:
        language: Language = "ja" if sheet.language == "ja" else "en"
        if language not in self.rows:
            self.rows[language] = rows(self.catalog, self.environment, {}, language)
        known = {row.key: row for row in self.rows[language][sheet.layout.key]}
        offered = {
            column.key: choices(self.catalog, column) for column in sheet.layout.columns if column.read
        }
        given = {row.key for row in sheet.rows}
        for filled in sheet.rows:
            row = known.get(filled.key) or self.unknown(sheet, filled, known, given)
            if row is None:
                continue
            for column in sheet.layout.columns:
                self.cell(sheet, filled, row, column, offered.get(column.key, ()))
        self.missing(sheet, known.keys() - given)

    def cell(
        self, sheet: GivenSheet, filled: GivenRow, row: Row, column: Column, offered: tuple[str, ...]
    ) -> None:
        given = filled.cells.get(column.key)
        if given is None or column.kind is Kind.ID:
            return
        base_key = (sheet.layout.key, filled.key, column.key)
        base = self.book.base.get(base_key)
        if not column.read:
            if base_key in self.book.base and not _equal(given, base):
                where = f"{self.book.file}!{sheet.name}!{given.cell}"
                heading = column.heading(sheet.language)
                self.plan.notes.append(
                    t('{where}: the column "{heading}" is only shown; what stands there now is not read.',
                      where=where, heading=heading)
                )  # fmt: skip
            return
        now = row.values.get(column.key)
        new_mode = filled.key[0] in self.new and sheet.layout is PRODUCT
        if _equal(given, now) or (new_mode and given.value in (None, "")):
            return
        heading, exported = column.heading(sheet.language), base_key in self.book.base
        if exported and _equal(given, base):  # the catalogue has moved on; the sheet did not touch it
            where = f"{self.book.file}!{sheet.name}!{given.cell}"
            self.plan.notes.append(
                t('{where}: the column "{heading}": the catalogue has changed since the export; it is kept.',
                  where=where, heading=heading)
            )  # fmt: skip
            return
        if new_mode and column.key in ("alert", "runbook"):
            offered = ()  # its own are new as well; the check after all says what does not fit
        value, wrong = value_of(given, column, offered)
        if wrong:
            self.book.say(sheet.name, given.cell, heading, *wrong)
        elif exported and base != now:
            expected = t("{now}, which the catalogue says since the export", now=shown(now))
            hint = t("Write that, or export anew and make your change there.")
            self.book.say(sheet.name, given.cell, heading, shown(value), expected, hint)
        else:
            self.edit(sheet, given, row, column, value, now)

    def edit(
        self, sheet: GivenSheet, given: Given, row: Row, column: Column, value: Value, now: Value
    ) -> None:
        at = row.places[column.key]
        try:
            edited = self.plan.draft.edit(row.file)
            before = written_at(edited.data, at)
            one_text = column.kind is Kind.SENTENCE and at[-1] not in ("en", "ja")  # serves both languages
            if one_text and sheet.language == "ja" and isinstance(before, str):
                edited.set(at, {"en": before.strip(), "ja": value})
            else:
                edited.set(at, value)
        except UsageError as error:
            self.book.problems += error.problems
            return
        self.plan.changes.append(Change(f"{sheet.name}!{given.cell}", row.file, at, now, value))

    # --- rows that are not there, here or there ---

    def unknown(
        self, sheet: GivenSheet, filled: GivenRow, known: Mapping[tuple[str, ...], Row], given: Iterable[Any]
    ) -> Row | None:
        """A row of the sheet that the catalogue does not have: a new failure mode, or a mistake."""
        if sheet.layout is PRODUCT:
            return self.new_mode(sheet, filled, known, set(given))
        if sheet.layout is APPLICATION and filled.key[1] in self.new and self._flow_of(filled.key):
            file = self.new[filled.key[1]]
            at: Path_ = ("impact", "flows", filled.key[2])
            now = as_cell(written_at(self.plan.draft.edit(file).data, at)) or "none"
            return Row(filled.key, {"expected": now}, file, {"expected": at})
        at_fault = self._first_unknown(sheet.layout, filled.key)
        for column, word in zip(sheet.layout.ids, filled.key, strict=True):
            if column.key == at_fault:
                names = self._names(column.key, filled.key)
                expected = {
                    "service": t("a service of catalog/services.yaml"),
                    "mode": t("the id of a failure mode"),
                    "flow": t("a user flow of {service}", service=filled.key[0]),
                    "dependency": t("a dependency of {service}", service=filled.key[0]),
                }[column.key]
                cell = filled.cells[column.key].cell
                heading = column.heading(sheet.language)
                self.book.say(sheet.name, cell, heading, shown(word), expected, nearest_or_all(word, names))
        return None

    def _flow_of(self, key: tuple[str, ...]) -> bool:
        flow = self.catalog.services.flows.get(key[2])
        return flow is not None and flow.service == key[0]

    def _first_unknown(self, layout: Layout, key: tuple[str, ...]) -> str:
        for column, word in zip(layout.ids, key, strict=True):
            if word not in self._names(column.key, key):
                return column.key
        return layout.ids[-1].key

    def _names(self, column: str, key: tuple[str, ...]) -> list[str]:
        services = self.catalog.services
        if column == "service":
            return list(services.services)
        if column == "mode":
            return [*self.catalog.modes, *self.new]
        if column == "flow":
            return [name for name, flow in services.flows.items() if flow.service == key[0]]
        known = services.services.get(key[0])
        return [] if known is None else list(known.dependencies)

    def new_mode(
        self, sheet: GivenSheet, filled: GivenRow, known: Mapping[tuple[str, ...], Row], given: set[Any]
    ) -> Row | None:
        (mode_id,) = filled.key
        cell, heading = filled.cells["id"].cell, sheet.layout.ids[0].heading(sheet.language)
        exported = (PRODUCT.key, filled.key, "product") in self.book.base
        without_row = [key[0] for key in known if key not in given]
        near = did_you_mean(mode_id, without_row)
        if exported or near:  # a row that was renamed, or whose file is gone: no new failure mode
            hint = near or t("It was there when the sheet was exported; remove the row.")
            self.book.say(sheet.name, cell, heading, shown(mode_id), t("the id of a failure mode"), hint)
            return None
        product, alert = (_text(filled.cells[key]) for key in ("product", "alert"))
        if not self._may_have(sheet, filled, alert, without_row):
            return None
        try:
            made = scaffold.mode(self.plan.draft, self.catalog, mode_id, product=product, alert=alert)
        except UsageError as error:
            for problem in error.problems:
                at = "alert" if problem.what == "alerts.rules" else "id"  # an alert that no failure mode has
                named = sheet.layout.column(at).heading(sheet.language)
                where = filled.cells[at].cell if at in filled.cells else cell
                self.book.say(sheet.name, where, named, problem.got, problem.expected, problem.hint)
            return None
        self.new[mode_id] = made.file
        self.plan.added.append(mode_id)
        self.plan.notes += [str(each) for each in made.to_fill_in]
        return _row_of_new(self.plan.draft, made.file, mode_id, sheet.language)

    def _may_have(
        self, sheet: GivenSheet, filled: GivenRow, alert: str | None, without_row: Iterable[str]
    ) -> bool:
        """Whether `alert` can be the alert of a new failure mode. Says what is wrong when it is somebody's already."""
        owners = sorted(mode.id for mode in self.catalog.modes.values() if mode.detection.alert == alert)
        lost = next((owner for owner in owners if owner in without_row), None)
        if lost is not None:  # the id of its row was changed: nobody wanted a new failure mode
            (mode_id,) = filled.key
            hint = t("The row has the alert of '{id}', which has no row any more: is it that one?", id=lost)
            heading = sheet.layout.ids[0].heading(sheet.language)
            expected = t("the id of a failure mode")
            self.book.say(sheet.name, filled.cells["id"].cell, heading, shown(mode_id), expected, hint)
        elif owners:
            column = sheet.layout.column("alert")
            got = t("{alert}, the alert of {id}", alert=shown(alert), id=owners[0])
            expected = t("an alert that is not there yet")
            hint = t("A new failure mode has an alert of its own; an empty cell makes one.")
            cell = filled.cells["alert"].cell
            self.book.say(sheet.name, cell, column.heading(sheet.language), got, expected, hint)
        return not owners

    def missing(self, sheet: GivenSheet, keys: Iterable[tuple[str, ...]]) -> None:
        """Rows that the sheet does not have any more. Nobody's work is deleted because of that."""
        gone = sorted(keys)
        if sheet.layout is APPLICATION:
            gone = sorted({(key[1],) for key in gone})
        if not gone:
            return
        named = ", ".join("/".join(key) for key in gone[:_TOLD])
        more = (
            t("{named} and {count} more", named=named, count=len(gone) - _TOLD)
            if len(gone) > _TOLD
            else named
        )
        self.plan.notes.append(
            t("{file}!{sheet}: no row for {named}; nothing is deleted because of that.",
              file=self.book.file, sheet=sheet.name, named=more)
        )  # fmt: skip


def _row_of_new(draft: Draft, file: str, mode_id: str, language: str) -> Row:
    """A failure mode that was only just made, as a row of the product view."""
    from chaos_ext.sheets.rows import read_from

    values, places = read_from(draft.edit(file).data, PRODUCT, language)
    return Row((mode_id,), {**values, "id": mode_id}, file, places)


def _text(given: Given) -> str | None:
    """What a cell says, when that is a text; anything else is told when the cell itself is looked at."""
    return given.value if isinstance(given.value, str) and given.value and not given.formula else None


def _equal(given: Given, value: Value) -> bool:
    """Whether a cell says just that; the number 3 and the text '3' are not the same."""
    there = given.value
    if given.formula:
        return False
    if there is None or there == "":
        return value is None
    if isinstance(there, bool) or isinstance(value, str) is not isinstance(there, str):
        return False
    return bool(there == value)
