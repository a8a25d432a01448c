"""The two tables of the catalogue as data: by product, and by service with what was expected beside what was measured.

Nothing here decides how it looks. `as_dict` of either view is what ``--format json`` prints; docs/catalogue-tables.md
says what each field means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chaos_ext.catalog.coverage import Cover, coverage, without_runbook
from chaos_ext.catalog.load import Catalog
from chaos_ext.history.measured import Measured
from chaos_ext.language import t
from chaos_ext.model import Covers, FailureMode, Impact, Services, text_in

SCHEMA = 1


@dataclass(frozen=True)
class Felt:
    """One flow of a service under one failure mode: what people expect, and what the last run measured.

    `measured` is empty when nothing was; several words when trials differed, the worst first.
    """

    flow: str
    expected: Impact
    possible: Impact | None  # measured so, it is as expected too
    measured: tuple[Impact, ...]

    @property
    def as_expected(self) -> bool | None:
        """Whether it was measured as it is claimed; None when nothing was measured."""
        return set(self.measured) <= {self.expected, self.possible} if self.measured else None


@dataclass(frozen=True)
class Reaction:
    """What a service does when this dependency is down, slow or wrong."""

    dependency: str
    how: str
    behaviour: str

    @property
    def told(self) -> str:
        """For a cell: of what, in which state, and what then."""
        return t(
            "{dependency} down: {behaviour}"
            if self.how == "down"
            else "{dependency} slow: {behaviour}"
            if self.how == "slow"
            else "{dependency} wrong: {behaviour}",
            dependency=self.dependency,
            behaviour=self.behaviour,
        )


@dataclass(frozen=True)
class Cell:
    """One service under one failure mode."""

    service: str
    mode: FailureMode
    felt: tuple[Felt, ...]
    reactions: tuple[Reaction, ...]
    last: Measured | None  # None: never tried in this environment

    @property
    def as_expected(self) -> bool | None:
        """Whether every flow was measured as it is claimed; None when none was measured."""
        known = [flow.as_expected for flow in self.felt if flow.as_expected is not None]
        return all(known) if known else None


@dataclass(frozen=True)
class ApplicationView:
    """Service × failure mode, and what no failure mode tries."""

    environment: str
    language: str
    cells: tuple[Cell, ...]
    coverage: tuple[Cover, ...]
    likely_without_runbook: tuple[str, ...]
    services: Services

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "schema": SCHEMA,
            "view": "application",
            "environment": self.environment,
            "cells": [_cell(cell, self.language) for cell in self.cells],
            "coverage": [
                {
                    "service": each.service,
                    "dependency": each.dependency,
                    "how": each.how,
                    "behaviour": behaviour(self.services, each, self.language),
                    "modes": list(each.modes),
                }
                for each in self.coverage
            ],
            "likely_without_runbook": list(self.likely_without_runbook),
        }


@dataclass(frozen=True)
class ProductView:
    """The failure modes by product."""

    environment: str
    language: str
    modes: tuple[tuple[FailureMode, Measured | None], ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "schema": SCHEMA,
            "view": "product",
            "environment": self.environment,
            "modes": [_mode(mode, last, self.environment, self.language) for mode, last in self.modes],
        }


def application(
    catalog: Catalog, environment: str, measured: Mapping[str, Measured], language: str
) -> ApplicationView:
    """The application's viewpoint: services in their own order, the worst failure modes first."""
    ranked = sorted(catalog.modes.values(), key=lambda mode: (-mode.priority, mode.id))
    return ApplicationView(
        environment,
        language,
        tuple(
            _application_cell(catalog.services, service, mode, measured.get(mode.id), language)
            for service in catalog.services.services
            for mode in ranked
        ),
        tuple(coverage(ranked, catalog.services)),
        tuple(without_runbook(ranked)),
        catalog.services,
    )


def product(
    catalog: Catalog, environment: str, measured: Mapping[str, Measured], language: str
) -> ProductView:
    """The products' viewpoint: products by name, the worst failure modes of each first."""
    ranked = sorted(catalog.modes.values(), key=lambda mode: (mode.product, -mode.priority, mode.id))
    return ProductView(environment, language, tuple((mode, measured.get(mode.id)) for mode in ranked))


def behaviour(services: Services, cover: Cover | Covers, language: str) -> str:
    """What people wrote that the service does then."""
    return text_in(
        getattr(services.services[cover.service].dependencies[cover.dependency], cover.how), language
    )


def _application_cell(
    services: Services, service: str, mode: FailureMode, last: Measured | None, language: str
) -> Cell:
    felt = tuple(
        Felt(
            name,
            mode.impact.on(name),
            mode.impact.possible.get(name),
            last.impact.get(name, ()) if last else (),
        )
        for name, flow in services.flows.items()
        if flow.service == service
    )
    reactions = tuple(
        Reaction(each.dependency, each.how, behaviour(services, each, language))
        for each in mode.covers
        if each.service == service
    )
    return Cell(service, mode, felt, reactions, last)


# --- for JSON ------------------------------------------------------------------------------------


def _cell(cell: Cell, language: str) -> dict[str, Any]:
    return {
        "service": cell.service,
        "mode": cell.mode.id,
        "title": text_in(cell.mode.title, language),
        "flows": [
            {
                "flow": felt.flow,
                "expected": str(felt.expected),
                "possible": None if felt.possible is None else str(felt.possible),
                "measured": [str(word) for word in felt.measured],
                "as_expected": felt.as_expected,
            }
            for felt in cell.felt
        ],
        "reactions": [vars(reaction) for reaction in cell.reactions],
        "last": _last(cell.last),
    }


def _mode(mode: FailureMode, last: Measured | None, environment: str, language: str) -> dict[str, Any]:
    try:
        kept: Any = mode.objectives_in(environment).model_dump(mode="json")
    except KeyError:
        kept = None
    return {
        "product": mode.product,
        "id": mode.id,
        "title": text_in(mode.title, language),
        "category": str(mode.category),
        "event": text_in(mode.event, language),
        "impact": {
            "flows": {flow: str(impact) for flow, impact in mode.impact.flows.items()},
            "possible": {flow: str(impact) for flow, impact in mode.impact.possible.items()},
            "summary": text_in(mode.impact.summary, language),
        },
        "severity": mode.severity,
        "likelihood": mode.likelihood,
        "detectability": mode.detectability,
        "priority": mode.priority,
        "alert": mode.detection.alert,
        "recovery": mode.recovery,
        "runbook": mode.runbook,
        "objectives": kept,
        "owner": mode.owner,
        "last": _last(last),
    }


def _last(last: Measured | None) -> dict[str, Any] | None:
    if last is None:
        return None
    return {
        "run": last.run_id,
        "started": last.started,
        "verdict": last.verdict,
        "reasons": list(last.reasons),
        "stale": list(last.stale),
    }
