"""The catalogue from disk: one failure mode, or all of them with everything that is wrong with them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from chaos_ext.catalog.source import Path_, Source, dotted
from chaos_ext.catalog.words import nearest_or_all, understood, whole
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t

if TYPE_CHECKING:
    from chaos_ext.model import FailureMode, Services

MODES = "catalog/failure-modes"
SERVICES = "catalog/services.yaml"


class Digest(NamedTuple):
    """What a compiled experiment was made from: a file, named from the project's root, and its sha256."""

    file: str
    sha256: str


@dataclass(frozen=True)
class Catalog:
    """Everything below `catalog/`, understood. `sources` has the file of each mode, by id."""

    modes: dict[str, FailureMode]
    services: Services
    root: Path
    sources: dict[str, Source] = field(default_factory=dict)

    def where(self, mode: FailureMode, at: Path_) -> str:
        """``file:line`` of a place in a failure mode."""
        source = self.sources.get(mode.id)
        return mode.id if source is None else source.where(at)

    def problem(self, mode: FailureMode, at: Path_, got: str, expected: str, hint: str = "") -> Problem:
        """A problem with a place in a failure mode."""
        return Problem(self.where(mode, at), dotted(at), got, expected, hint)


def files(root: Path) -> list[Path]:
    """The files of the failure modes, in the order of their paths. Hidden files are nobody's."""
    folder = root / MODES
    found = (path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml"))
    return sorted(path for path in found if "/." not in f"/{path.relative_to(folder)}")


def ids(root: Path) -> list[str]:
    """The ids of all failure modes, sorted, without reading a file: an id is its file's stem."""
    return sorted(path.stem for path in files(root))


def path_of(root: Path, mode_id: str) -> Path:
    """The file of a failure mode. Raises UsageError with the nearest id when there is none."""
    paths = {path.stem: path for path in files(root)}
    if mode_id not in paths:
        raise _unknown(mode_id, paths)
    return paths[mode_id]


def find(catalog: Catalog, mode_id: str) -> FailureMode:
    """A failure mode of a loaded catalogue. Raises UsageError with the nearest id when there is none."""
    if mode_id not in catalog.modes:
        raise _unknown(mode_id, catalog.modes)
    return catalog.modes[mode_id]


def _unknown(mode_id: str, known: Collection[str]) -> UsageError:
    hint = nearest_or_all(mode_id, known) or t("There is nothing below {modes}/ yet.", modes=MODES)
    return UsageError([Problem("EXP", "", repr(mode_id), t("the id of a failure mode"), hint)])


def mode(root: Path, mode_id: str) -> FailureMode:
    """One failure mode. Raises UsageError: unknown (did you mean), not YAML, not a failure mode."""
    path = path_of(root, mode_id)
    return whole(lambda problems: _mode(path, root, problems)[0])


def services(root: Path) -> Services:
    """The services and their user flows. Raises UsageError."""
    return whole(lambda problems: _services(root, problems))


def catalog(root: Path) -> Catalog:
    """The whole catalogue. Raises UsageError with every problem of every file."""
    return whole(lambda problems: scan(root, problems))


def scan(root: Path, problems: list[Problem]) -> Catalog | None:
    """What can be understood of the catalogue; the rest goes to `problems`. None without services."""
    modes: dict[str, FailureMode] = {}
    read: dict[str, Source] = {}
    seen: dict[str, Path] = {}
    for path in files(root):
        if path.stem in seen:
            shown = path.relative_to(root)
            other = seen[path.stem].relative_to(root)
            problems.append(
                Problem(
                    str(shown),
                    "",
                    t("the id of {other}", other=other),
                    t("an id of its own"),
                    t("Rename one."),
                )
            )
            continue
        seen[path.stem] = path
        found, source = _mode(path, root, problems)
        if found is not None and source is not None:
            modes[found.id] = found
            read[found.id] = source
    known = _services(root, problems)
    return None if known is None else Catalog(modes, known, root, read)


def digest(path: Path, root: Path) -> Digest:
    """The file and the sha256 of its bytes; a file that is not there has an empty one."""
    shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    try:
        return Digest(shown, hashlib.sha256(path.read_bytes()).hexdigest())
    except OSError:
        return Digest(shown, "")


def digests(
    catalog: Catalog,
    failure_mode: FailureMode,
    environment: str,
    of: Callable[[Path, Path], Digest] = digest,
) -> dict[str, Digest]:
    """What `compile` puts into an experiment: the digests of mode, runbook, environment and services.

    `of` makes the digest of a file; a caller with many modes gives one that remembers.
    """
    root = catalog.root
    source = catalog.sources.get(failure_mode.id)
    made = {
        "mode": digest(path_of(root, failure_mode.id), root)
        if source is None
        else Digest(source.shown, hashlib.sha256(source.raw).hexdigest())
    }
    if failure_mode.runbook != "none":
        made["runbook"] = of(root / "catalog" / failure_mode.runbook, root)
    made["environment"] = of(root / "environments" / f"{environment}.yaml", root)
    made["services"] = of(root / SERVICES, root)
    return made


def _mode(path: Path, root: Path, problems: list[Problem]) -> tuple[FailureMode | None, Source | None]:
    from chaos_ext.model import FailureMode

    found, source = understood(path, root, FailureMode, problems)
    if source is None:
        return None, None
    if path.suffix != ".yaml":
        problems.append(
            Problem(
                source.shown,
                "",
                t("the suffix {suffix}", suffix=path.suffix),
                ".yaml",
                t("Rename the file."),
            )
        )
    if found is not None and found.id != path.stem:
        hint = t("Rename the file to {id}.yaml, or write 'id: {stem}'.", id=found.id, stem=path.stem)
        problems.append(
            source.problem(("id",), repr(found.id), t("the file's stem, '{stem}'", stem=path.stem), hint)
        )
        return None, source
    return found, source


def _services(root: Path, problems: list[Problem]) -> Services | None:
    from chaos_ext.model import Services

    return understood(root / SERVICES, root, Services, problems)[0]
