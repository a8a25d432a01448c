"""What is decided already: the newest whole bundle of a mode, when nothing that its verdict rests on has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from chaos_ext.catalog.load import Catalog
from chaos_ext.errors import UsageError
from chaos_ext.history import freshness, index, manifest
from chaos_ext.history.bundle import verdict_of
from chaos_ext.history.entries import NOT_JUDGED, Entry
from chaos_ext.history.reading import run_facts
from chaos_ext.language import t
from chaos_ext.model import Arm, Environment, FailureMode, VerdictWord
from chaos_ext.report.several import Result

_DECIDED = frozenset(
    (VerdictWord.VERIFIED, VerdictWord.REPRODUCED, VerdictWord.REHEARSED, VerdictWord.REFUTED)
)
_DECIDED_CODES = (0, 1)  # no flag, and nobody interrupted it


def decided(
    runs: Path,
    catalog: Catalog,
    modes: Iterable[FailureMode],
    environment: Environment,
    arms: Mapping[Arm, int],
) -> dict[str, Result]:
    """The results of those `modes` that need no run, by id.

    A mode is decided when its newest whole bundle in `environment` is verified, reproduced or refuted, without
    flags, with at least as many trials of each arm, and earned with what there is now.
    """
    wanted = {mode.id: mode for mode in modes}

    def is_whole(entry: Entry) -> bool:
        """Sealed, and as it was sealed. One that goes on, or was killed, says nothing either way."""
        here = entry.verdict not in NOT_JUDGED and not entry.where and not entry.removed
        return here and not manifest.check(runs / entry.run_id)

    newest = index.asked(runs, lambda known: known.newest(environment.name, wanted, is_whole))
    found = {}
    for mode_id, entry in newest.items():
        if result := _result(runs / entry.run_id, catalog, wanted[mode_id], environment, arms):
            found[mode_id] = result
    return found


def _result(
    folder: Path, catalog: Catalog, mode: FailureMode, environment: Environment, arms: Mapping[Arm, int]
) -> Result | None:
    try:
        recorded, verdict = run_facts(folder), verdict_of(folder)
    except UsageError:
        return None
    if verdict.word not in _DECIDED or verdict.flags or verdict.exit_code not in _DECIDED_CODES:
        return None
    had = recorded.get("arms")
    if not isinstance(had, dict) or any(int(had.get(str(arm), 0)) < count for arm, count in arms.items()):
        return None
    if freshness.changed(recorded, freshness.facts(catalog, mode, environment)):
        return None
    return Result(
        mode.id,
        verdict.exit_code,
        verdict=verdict,
        bundle=folder,
        note=t(
            "Nothing that this verdict rests on has changed since {when}.", when=recorded.get("started", "?")
        ),
        before=True,
    )
