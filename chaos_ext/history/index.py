"""Which runs there are, found at once however many. Derived from the bundles, and never believed against them.

What the index does not know is read from the bundles when it is asked for, so nothing has to write to it while a run
goes on. What of it is shown is held against the bundle once more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from chaos_ext.errors import Problem, UsageError
from chaos_ext.history.entries import DAMAGED, UNFINISHED, Entry, entry, read
from chaos_ext.history.reading import run_facts
from chaos_ext.language import t
from chaos_ext.safety import processes
from chaos_ext.verdict.facts import these

if TYPE_CHECKING:
    from chaos_ext.history.store import Row, Store

URL = "CHAOS_INDEX"  # the variable with the URL of an index that a team shares
_MANY = 1000  # runs that take a while to read


@dataclass
class Index:
    """The runs of one folder, and of others when the index is shared."""

    runs: Path
    rows: Sequence[Row]
    place: str
    store: Store | None
    just_read: bool = False  # every row: what differs all the same has changed this moment

    def entries(
        self,
        mode: str | None = None,
        environment: str | None = None,
        verdict: str | None = None,
        limit: int = 0,
    ) -> list[Entry]:
        """The runs that fit, the newest first, at most `limit` (0: all), each as its bundle has it now."""
        return self._shown(self._of(mode, environment, verdict), limit)

    def count(
        self, mode: str | None = None, environment: str | None = None, verdict: str | None = None
    ) -> int:
        """How many runs fit."""
        return sum(1 for _ in self._of(mode, environment, verdict))

    def _of(self, mode: str | None, environment: str | None, verdict: str | None) -> Iterator[Row]:
        from chaos_ext.history import store as s

        wanted = ((s.MODE, mode), (s.ENVIRONMENT, environment), (s.VERDICT, verdict))
        asked = [(column, value) for column, value in wanted if value is not None]
        return (row for row in self.rows if all(row[column] == value for column, value in asked))

    def newest(
        self, environment: str, modes: Collection[str], fits: Callable[[Entry], bool]
    ) -> dict[str, Entry]:
        """The newest run of each of `modes` in `environment` that came to its end and `fits`."""
        from chaos_ext.history import store as s

        chosen: dict[str, Entry] = {}
        for row in self.rows:
            mode = row[s.MODE]
            is_asked = mode in modes and mode not in chosen and row[s.ENVIRONMENT] == environment
            if is_asked and row[s.VERDICT] != UNFINISHED:
                found = self.confirmed(s.as_entry(row, self.place))
                if fits(found):
                    chosen[mode] = found
        return chosen

    def confirmed(self, found: Entry) -> Entry:
        """`found` as its bundle has it now; of a bundle elsewhere as it stands in the index."""
        if found.where or not found.seal:
            return found
        now = read(self.runs / found.run_id, figures=False)
        if now is None:  # removed this moment
            return found._replace(verdict=DAMAGED, reasons=("run.json",), flags=(), exit_code=None)
        told = {name: getattr(found, name) for name in ("trials", "seconds", "detect_s", "recover_s", "lost")}
        now = now._replace(**told) if now.seal == found.seal else now
        if now != found and now.verdict != DAMAGED and not self.just_read:
            raise _Disagrees(found.run_id)
        return now

    def facts(self, found: Entry) -> dict[str, Any]:
        """What run.json says of a run. Raises UsageError when its bundle cannot be read."""
        if not found.where:
            return run_facts(self.runs / found.run_id)
        return {} if self.store is None else self.store.facts(found.where, found.run_id)

    def keep(self, found: Collection[Entry], gone: Collection[str], say: Say) -> None:
        """Write down what was found, but for runs that are not sealed: those are read again every time."""
        from chaos_ext.history.store import Unusable

        lasting = [each for each in found if each.seal or each.removed]
        if self.store is None or not (lasting or gone):
            return
        facts = {each.run_id: _facts_of(self.runs / each.run_id) for each in lasting if self.store.shared}
        try:
            self.store.write(self.place, lasting, gone, facts)
        except Unusable as error:
            say(t("The index could not be written: {why}.", why=str(error)))

    def _shown(self, rows: Iterator[Row], limit: int) -> list[Entry]:
        from chaos_ext.history import store as s

        found: list[Entry] = []
        for row in rows:
            if limit and len(found) == limit:
                break
            found.append(self.confirmed(s.as_entry(row, self.place)))
        return found


class _Disagrees(Exception):
    """A row says something else than its bundle."""


Answer = TypeVar("Answer")
Say = Callable[[str], None]


def _silent(_: str) -> None:
    pass


def asked(
    runs: Path, question: Callable[[Index], Answer], url: str | None = None, say: Say = _silent
) -> Answer:
    """The answer of the index to `question`; what a person must know of it is said.

    When the index turns out to say something else than a bundle, it is made again and asked again. `url`: of the index,
    unless told that of $CHAOS_INDEX, else a file beside the runs.
    """
    try:
        return question(opened(runs, url, say))
    except _Disagrees as error:
        why = t("its row of {run} says something else than the run", run=str(error))
        again = opened(runs, url, say, anew=why)
        again.just_read = True
        return question(again)


def entries(runs: Path) -> list[Entry]:
    """All runs below `runs`, the newest first. Folders that are no runs are left out."""
    return asked(runs, lambda index: [each for each in index.entries() if not each.where])


def opened(runs: Path, url: str | None = None, say: Say = _silent, anew: str | None = None) -> Index:
    """The index of `runs`, with everything that lies there now. `anew`: why it is to be made again; "": silently."""
    from chaos_ext.history.store import Missing, Unusable

    url = os.environ.get(URL, "") if url is None else url
    place = f"{processes.host()}:{runs.absolute()}" if url else ""
    rows: Sequence[Row] = ()
    store: Store | None = None
    try:
        store = _store(runs, url)
        if store is not None and anew is not None:
            raise Unusable(anew)
        rows = () if store is None else store.rows()
    except Missing:
        store = _made(runs, store, place, say)
    except Unusable as error:
        if str(error):
            say(t("The index is made again from the runs: {why}.", why=str(error)))
        store = _made(runs, store, place, say)
        rows = _others(store)
    index = Index(runs, rows, place, store)
    _bring_up(index, say)
    return index


def rebuild(runs: Path, url: str | None = None, say: Say = _silent) -> int:
    """Make the index again from the bundles; how many runs it has of them."""
    from chaos_ext.history import store as s

    index = opened(runs, url, say, anew="")
    return sum(row[s.PLACE] == index.place for row in index.rows)


def _store(runs: Path, url: str) -> Store | None:
    from chaos_ext.history import store as s

    if url:
        return s.Store(url)
    path = _beside(runs)
    if not path.exists():
        if not runs.is_dir():
            return None
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))  # private, as the runs are
        except OSError as error:
            raise s.Unusable(str(error)) from error
    return s.Store(s.in_file(path))


def _beside(runs: Path) -> Path:
    return runs.parent / "index.sqlite"


def _made(runs: Path, store: Store | None, place: str, say: Say) -> Store | None:
    """An index without rows of ours; None when there can be none. A file that is no database is replaced."""
    from chaos_ext.history import store as s

    why: str = t("it cannot be written")
    if store is not None:
        try:
            store.make(place)
        except s.Unusable as error:
            why = str(error)
            spoilt = not store.shared and not isinstance(error, s.Busy)
            if spoilt and (replaced := _replaced(_beside(runs), place)) is not None:
                return replaced
        else:
            return store
    say(t("Without an index, every run is read: {why}.", why=why))
    return None


def _replaced(path: Path, place: str) -> Store | None:
    from chaos_ext.history import store as s

    try:
        path.unlink(missing_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        store = s.Store(s.in_file(path))
        store.make(place)
    except (OSError, s.Unusable):
        return None
    return store


def _others(store: Store | None) -> Sequence[Row]:
    """Rows of other places, once ours were taken out."""
    from chaos_ext.history.store import Unusable

    try:
        return () if store is None else store.rows()
    except Unusable:  # a damaged row of another place: whoever keeps its runs makes it again
        return ()


def _bring_up(index: Index, say: Say) -> None:
    """Take in what lies there and the index does not know, and take out what does not lie there any more."""
    from chaos_ext.history import store as s

    names = {each.name for each in os.scandir(index.runs) if each.is_dir()} if index.runs.is_dir() else set()
    known = {row[s.RUN_ID] for row in index.rows if row[s.PLACE] == index.place}
    gone, new = known - names, names - known
    if len(new) > _MANY:
        say(t("Reading {count} runs for the index …", count=len(new)))
    found = [each for name in new if (each := read(index.runs / name)) is not None]
    if gone:
        say(
            t(
                "{count} runs are gone from {folder}, and no tombstone says why: {ids}.",
                count=len(gone),
                folder=index.runs,
                ids=these(sorted(gone)),
            )
        )
    if found or gone:
        rows = [s.as_row(index.place, each) for each in found]
        kept = [row for row in index.rows if row[s.PLACE] != index.place or row[s.RUN_ID] not in gone]
        index.rows = sorted((*rows, *kept), key=lambda row: str(row[s.RUN_ID]), reverse=True)
        index.keep(found, gone, say)


def _facts_of(folder: Path) -> dict[str, Any]:
    try:
        return run_facts(folder)
    except UsageError:
        return {}


def find(runs: Path, name: str) -> Path:
    """The folder of a run: its id or the unique beginning or end of it, "last", or a path. Raises UsageError."""
    if "/" in name or (Path(name) / "run.json").is_file():
        return Path(name)
    known = sorted(folder.name for folder in runs.iterdir() if folder.is_dir()) if runs.is_dir() else []
    if name == "last" and known:
        return runs / known[-1]
    if not known:
        hint = t("Make one with: chaos verify ID")
        raise UsageError([Problem("RUN", "", repr(name), t("a run, and none is kept yet"), hint)])
    fits = [run for run in known if run == name] or [
        r for r in known if r.startswith(name) or r.endswith(name)
    ]
    if len(fits) == 1:
        return runs / fits[0]
    got = t("{name!r}, which fits {fits} runs", name=name, fits=len(fits)) if fits else repr(name)
    raise UsageError(
        [Problem("RUN", "", got, t("the id of one run, or 'last'"), t("Try: chaos history list"))]
    )


__all__ = ["UNFINISHED", "Entry", "Index", "asked", "entries", "entry", "find", "opened", "rebuild"]
