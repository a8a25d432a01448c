"""A project with changes that are not written yet: checked as a whole, then written as a whole or not at all."""

from __future__ import annotations

import contextlib
import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from chaos_ext.catalog import check as checking
from chaos_ext.catalog import source as sources
from chaos_ext.catalog.edit import Edited
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t

_WHAT_IS_READ = ("catalog", "environments")


class Draft:
    """The files of the project at `root` as they would be. Paths are below the root, with '/'."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._edited: dict[str, Edited] = {}
        self._new: dict[str, bytes] = {}
        self._compiled: dict[str, bytes] = {}

    def edit(self, file: str) -> Edited:
        """A file that is there, or was made here, under change. Raises UsageError when it cannot be read."""
        if file not in self._edited:
            if file in self._new:
                source = sources.read_bytes(self._new[file], self.root / file, file)
            else:
                source = sources.read(self.root / file, self.root)
            self._edited[file] = Edited(source)
        return self._edited[file]

    def make(self, file: str, text: str) -> None:
        """A file that is not there yet. Raises UsageError when it is."""
        if file in self._new or os.path.lexists(self.root / file):
            raise UsageError(
                [Problem(file, "", t("a file that is there already"), t("none"), t("Take another id."))]
            )
        self._new[file] = text.encode()

    def files(self) -> dict[str, tuple[bytes | None, bytes]]:
        """Every file that would change: what it is (None: not there) and what it would be."""
        wanted: dict[str, tuple[bytes | None, bytes]] = {file: (None, raw) for file, raw in self._new.items()}
        for file, edited in self._edited.items():
            wanted[file] = (None if file in self._new else edited.source.raw, edited.raw)
        for file, raw in self._compiled.items():
            path = self.root / file
            wanted[file] = (path.read_bytes() if path.is_file() else None, raw)
        return {file: (was, now) for file, (was, now) in wanted.items() if was != now}

    def check(self) -> None:
        """Check the project as it would be, and compile its experiments. Raises UsageError with every problem."""
        with tempfile.TemporaryDirectory(prefix="chaos-draft-") as folder:
            there = Path(folder).resolve()
            for part in _WHAT_IS_READ:
                shutil.copytree(self.root / part, there / part)
            for file, (_, raw) in self.files().items():
                (there / file).parent.mkdir(parents=True, exist_ok=True)
                (there / file).write_bytes(raw)
            checked = checking.check(there, compiled=False)
            if checked.problems:
                raise UsageError(checked.problems)
            self._compiled = {
                path.relative_to(there).as_posix(): text.encode()
                for path, text in checked.experiments.items()
            }

    def diff(self) -> Iterator[str]:
        """What would change, as lines of a unified diff; compiled experiments are only named."""
        for file, (was, now) in self.files().items():
            if file in self._compiled:
                yield t("{file}: compiled anew", file=file)
                continue
            old = [] if was is None else was.decode("utf-8").splitlines()
            before = "/dev/null" if was is None else f"a/{file}"
            yield from difflib.unified_diff(
                old, now.decode("utf-8").splitlines(), before, f"b/{file}", lineterm=""
            )

    def write(self) -> list[str]:
        """Write every file that changes, all or none; returns their names.

        Raises UsageError when a file has become another one meanwhile, OSError when the disk refuses; the files are
        then as they were.
        """
        wanted = self.files()
        done: list[str] = []
        with contextlib.ExitStack() as stack:
            staged = {file: _staged(self.root / file, now, stack) for file, (_, now) in wanted.items()}
            try:
                for file, (was, _) in wanted.items():
                    _put(staged[file], self.root / file, file, was)
                    done.append(file)
            except BaseException:
                for file in reversed(done):
                    _back(self.root / file, wanted[file][0])
                raise
        return list(wanted)


def _staged(path: Path, raw: bytes, stack: contextlib.ExitStack) -> Path:
    """`raw` beside where it shall be, on the disk: whatever a disk refuses, it refuses here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    stack.callback(lambda: Path(name).unlink(missing_ok=True))
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    usual = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    os.chmod(name, usual)
    return Path(name)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _put(staged: Path, path: Path, file: str, was: bytes | None) -> None:
    try:
        if was is None:
            os.link(staged, path)  # unlike a rename it never replaces what somebody else has put there
        elif path.read_bytes() == was:
            staged.replace(path)
        else:
            raise FileExistsError
    except (FileExistsError, FileNotFoundError) as error:
        got = t("a file that somebody changed meanwhile")
        raise UsageError([Problem(file, "", got, t("it as it was read"), t("Run it again."))]) from error


def _back(path: Path, was: bytes | None) -> None:
    if was is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(was)
