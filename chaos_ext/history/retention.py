"""Which runs need not be kept any longer by the team's own rule, and what stays of one: its tombstone.

Nothing is removed without a rule in `catalog/history.yaml`, and nothing without saying so.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from chaos_ext.catalog.keeping import Rule
from chaos_ext.history import manifest
from chaos_ext.history.bundle import write_json
from chaos_ext.history.entries import NOT_JUDGED, TOMBSTONE, Entry
from chaos_ext.language import Said, t


@dataclass(frozen=True)
class Removal:
    """One run that need not be kept, by which rule, and how old it is."""

    entry: Entry
    rule: Rule
    age_s: float

    @property
    def why(self) -> Said:
        """In words."""
        return t(
            "{days:.0f} days old; {where} keeps them for {most:.0f}",
            days=self.age_s / 86_400,
            where=self.rule.where,
            most=self.rule.kept.for_ / 86_400,
        )


def removable(entries: Iterable[Entry], rules: Iterable[Rule], now: datetime) -> Iterator[Removal]:
    """The runs of `entries` (the newest first) that no rule wants kept.

    Always kept: what was not judged or is damaged (somebody must look), the newest `last` runs of a failure mode in an
    environment, and of each its newest run of every verdict: so what was proven last can always be shown.
    """
    rules = tuple(rules)
    seen: Counter[tuple[str, str]] = Counter()
    words: set[tuple[str, str, str]] = set()
    for entry in entries:
        rule = next((r for r in rules if fnmatchcase(entry.environment, r.kept.environment)), None)
        if entry.verdict in NOT_JUDGED or entry.removed or entry.where:
            continue
        of = (entry.mode, entry.environment)
        seen[of] += 1
        is_newest = (*of, entry.verdict) not in words
        words.add((*of, entry.verdict))
        if rule is None or is_newest or seen[of] <= rule.kept.last:
            continue
        age_s = _age_s(entry, now)
        if age_s is not None and age_s > rule.kept.for_:
            yield Removal(entry, rule, age_s)


def remove(runs: Path, removal: Removal) -> int:
    """Remove the evidence of a run; its tombstone says what it was. Returns how many bytes it had.

    Killed in between, the tombstone is there and the rest goes next time. Raises OSError.
    """
    folder = runs / removal.entry.run_id
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files)
    told = {
        "schema": 1,
        "removed": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "why": removal.why,
        "files": len(files),
        "bytes": size,
        "run": removal.entry.as_dict(),
    }
    write_json(folder / TOMBSTONE, told)
    manifest.sync(folder)
    clear(folder)
    return size


def half_removed(runs: Path, entries: Iterable[Entry]) -> Iterator[Path]:
    """Folders of removed runs in which something is left, because a removal was killed."""
    for entry in entries:
        folder = runs / entry.run_id
        if entry.removed and not entry.where and any(each.name != TOMBSTONE for each in folder.iterdir()):
            yield folder


def clear(folder: Path) -> None:
    """Remove what lies beside a tombstone."""
    for each in folder.iterdir():
        if each.name == TOMBSTONE:
            continue
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink(missing_ok=True)


def _age_s(entry: Entry, now: datetime) -> float | None:
    try:
        started = datetime.fromisoformat(entry.started)
    except ValueError:  # nobody knows how old it is
        return None
    return (now - (started if started.tzinfo else started.replace(tzinfo=UTC))).total_seconds()
