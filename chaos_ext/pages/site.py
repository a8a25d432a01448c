"""The catalogue as a site of plain files: both tables, each failure mode, each runbook with its proof. Pure.

Twice, in English and in Japanese. It needs no server: links are relative, and the search looks at what the page holds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, get_args

from chaos_ext.catalog.load import Catalog
from chaos_ext.history.status import NEVER, WORDS
from chaos_ext.language import Language, listed, t
from chaos_ext.model import FailureMode, text_in
from chaos_ext.pages import words
from chaos_ext.pages.proofs import Place, Proof
from chaos_ext.pages.prose import prose
from chaos_ext.pages.render import page
from chaos_ext.pages.run_page import caption, tiles
from chaos_ext.pages.untested import untested
from chaos_ext.report import views
from chaos_ext.report.view_tables import application_parts, objectives
from chaos_ext.report.words import impact
from chaos_ext.runbook.model import Runbook

LANGUAGES: tuple[Language, ...] = get_args(Language)
MARK = "chaos catalog site"  # stands in every page, so that the next one knows what it may write over


@dataclass(frozen=True)
class Site:
    """Everything that is on it."""

    catalog: Catalog
    places: Sequence[Place]
    runbooks: Mapping[str, tuple[Runbook, str]]  # stem → as it was read, and its text
    made: str  # when (ISO 8601 UTC)

    @cached_property
    def ranked(self) -> list[FailureMode]:
        """The worst first."""
        return sorted(self.catalog.modes.values(), key=lambda mode: (-mode.priority, mode.id))

    def proofs(self, mode: str) -> list[Proof]:
        """What is proven of a mode, by environment."""
        return [place.proofs[mode] for place in self.places if mode in place.proofs]

    def uses(self, stem: str) -> list[FailureMode]:
        """The modes that a runbook recovers."""
        return [mode for mode in self.ranked if _stem(mode) == stem]


def files(site: Site, first: Language) -> Iterator[tuple[PurePosixPath, str]]:
    """Every file of the site; `first` is the language that the address without one leads to."""
    yield PurePosixPath("index.html"), page("site_start.html", first, mark=MARK, languages=LANGUAGES)
    for language in LANGUAGES:
        here = PurePosixPath(language)
        yield here / "index.html", _index(site, language)
        yield here / "services.html", _services(site, language)
        for mode in site.catalog.modes.values():
            yield here / "modes" / f"{mode.id}.html", _mode(site, mode, language)
        for stem in site.runbooks:
            yield here / "runbooks" / f"{stem}.html", _runbook(site, stem, language)


def _page(template: str, language: Language, site: Site, path: str, **values: Any) -> str:
    return page(
        template,
        language,
        scripts=["search.js"] if "/" not in path else [],
        site=site,
        mark=MARK,
        path=path,
        up="../" if "/" in path else "",
        others=[other for other in LANGUAGES if other != language],
        stem=_stem,
        **values,
    )


def _index(site: Site, language: Language) -> str:
    return _page(
        "site_index.html",
        language,
        site,
        "index.html",
        counts=_counts(site),
        haystack=lambda mode: haystack(site, mode),
        flows=lambda mode: listed(
            t("{key} {value}", key=flow, value=impact(felt)) for flow, felt in mode.impact.flows.items()
        ),
    )


def _counts(site: Site) -> list[tuple[str, int]]:
    """How many modes are how, by the best that any environment says of them."""
    order = (*reversed(WORDS),)
    counted: Counter[str] = Counter()
    for mode in site.catalog.modes:
        found = {place.standings[mode].word for place in site.places if mode in place.standings}
        counted[next((str(word) for word in order if word in found), NEVER)] += 1
    return [(str(word), counted[word]) for word in order if counted[word]]


def haystack(site: Site, mode: FailureMode) -> str:
    """What a search finds a mode by besides what its row shows: both languages, and its runbook's headings."""
    texts = [
        *(
            text_in(text, lang)
            for lang in LANGUAGES
            for text in (mode.title, mode.event, mode.impact.summary)
        ),
        *mode.also_known_as,
        str(mode.category),
        mode.detection.alert,
        mode.owner,
        *(fault.name for faults in mode.reproduce.values() for fault in faults),
    ]
    if found := site.runbooks.get(_stem(mode)):
        texts += [found[0].title, *(step.heading for step in found[0].all_steps)]
    return " ".join(dict.fromkeys(re.sub(r"\s+", " ", " ".join(texts)).lower().split(" ")))


def _services(site: Site, language: Language) -> str:
    parts = []
    for place in site.places:
        view = views.application(site.catalog, place.environment.name, place.last, language)
        measured, coverage = application_parts(view)
        parts += [measured] if len(site.places) > 1 and place is not site.places[-1] else [measured, coverage]
    return _page("site_services.html", language, site, "services.html", parts=parts)


def _mode(site: Site, mode: FailureMode, language: Language) -> str:
    return _page(
        "site_mode.html",
        language,
        site,
        f"modes/{mode.id}.html",
        mode=mode,
        proofs=site.proofs(mode.id),
        kept=lambda environment: objectives(mode, environment),
        where=site.catalog.where(mode, ()),
        **_of_proofs(),
    )


def _runbook(site: Site, stem: str, language: Language) -> str:
    runbook, text = site.runbooks[stem]
    proofs = [proof for mode in site.uses(stem) for proof in site.proofs(mode.id)]
    return _page(
        "site_runbook.html",
        language,
        site,
        f"runbooks/{stem}.html",
        runbook=runbook,
        modes=site.uses(stem),
        proofs=proofs,
        prose=prose(text, site.runbooks.keys()),
        **_of_proofs(),
    )


def _of_proofs() -> dict[str, Any]:
    return {
        "tiles": lambda run: list(tiles(run)),
        "caption": caption,
        "meaning": words.meaning,
        "untested": lambda run: list(untested(run)),
        "necessity": lambda run: (
            {each.heading: each for each in run.kept.verdict.steps} if run.kept.verdict else {}
        ),
    }


def _stem(mode: FailureMode) -> str:
    return "" if mode.runbook == "none" else PurePosixPath(mode.runbook).stem
