"""Runs one block of bash: in its own session, with nothing of our environment, for a limited time.

A block that ends by itself may leave daemons behind that left its session (a database it started); whatever
stayed in its session ends with it. A block that is cut short loses everything it started: the session, and by
a marker in their environment also those that went into sessions of their own.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from chaos_ext.errors import UsageError
from chaos_ext.language import t
from chaos_ext.masking import register
from chaos_ext.masking.masker import Masker, masker_of
from chaos_ext.safety import orphans
from chaos_ext.safety.abort import mutating

GRACE_S = 0.5  # between SIGTERM and SIGKILL
_GRACE_AFTER_ABORT_S = 0.05  # the undo waits for it
_TICK_S = 0.02  # how often we look at the clock, at `aborting` and whether bash has ended
_SETTLE_S = 5.0  # how long we go on killing what keeps forking
_PATIENCE_S = 1.0  # how long a whole line is held back because a secret might begin in it
_MOST_LINES = 5_000  # shown and recorded of one block
_MOST_CAPTURED = 1 << 20  # characters kept for decisions and expectations
_MOST_DRAINED = 64  # reads after the end, in case a daemon goes on writing
_LONGEST_LINE = 16_384  # a longer line is shown in pieces
_NOT_CARRIED = frozenset({"_", "SHLVL", "PWD", "OLDPWD", "PATH", "HOME", "LANG", "TMPDIR", orphans.MARK})
_CONTROL = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


@dataclass(frozen=True)
class Ended:
    """How a block ended."""

    exit: int | None  # None: it was cut short; negative: bash died of that signal
    stdout: str  # unmasked; for decisions and expectations only
    exports: Mapping[str, str]  # what it exported beyond what it was given, when it ended by itself
    seconds: float
    timed_out: bool = False
    aborted: bool = False


class Shell:
    """Where blocks run: the declared variables, a PATH and an empty HOME that are theirs alone."""

    def __init__(self, home: Path, variables: Mapping[str, str], path: Sequence[str]) -> None:
        bash, env = shutil.which("bash"), shutil.which("env")
        if bash is None or env is None:
            raise UsageError(t("PATH: got neither bash nor env, expected both. Install bash 3.2 or later."))
        self._bash, self._env = bash, env
        self._home = home / "home"
        self._dump = home / "exports"
        self._home.mkdir(mode=0o700)
        (home / "tmp").mkdir(mode=0o700)
        self.variables = dict(variables)
        folders = dict.fromkeys([*path, "/usr/bin", "/bin", os.path.dirname(bash)])
        self._fixed = {
            "PATH": os.pathsep.join(folders),
            "HOME": str(self._home),
            "TMPDIR": str(home / "tmp"),
            "LANG": "C.UTF-8",
        }

    def run(
        self,
        code: str,
        *,
        name: str,
        timeout_s: float,
        secrets: Iterable[str] = (),
        line: Callable[[str, str], object],
        aborting: threading.Event,
        cwd: Path | None = None,
    ) -> Ended:
        """Run `code` to its end, or for `timeout_s` seconds, or until `aborting`.

        Args:
            name: what bash calls the block in its own error messages
            secrets: values to hide in what `line` gets, besides those that this process knows
            line: called with ("stdout" or "stderr", one line without its end) as output arrives
            cwd: where to run; default the empty HOME

        Exports are in the result; they carry over when the caller puts them into `variables`. Raises Interrupted when
        `aborting` was set before it began.
        """
        with mutating(aborting, name):
            return self._run(code, name, timeout_s, secrets, line, aborting, cwd)

    def _run(
        self,
        code: str,
        name: str,
        timeout_s: float,
        secrets: Iterable[str],
        line: Callable[[str, str], object],
        aborting: threading.Event,
        cwd: Path | None,
    ) -> Ended:
        self._dump.unlink(missing_ok=True)
        environment = {**self.variables, **self._fixed, orphans.MARK: orphans.new_mark()}
        started = time.monotonic()
        process = subprocess.Popen(
            [self._bash, "--noprofile", "--norc", "-euo", "pipefail", "-c", self._script(code), name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=cwd or self._home,
            start_new_session=True,
            close_fds=True,
        )
        output = _Output(process, masker_of(frozenset(secrets) | register.values()), line)
        timed_out = False
        try:
            while process.poll() is None and not aborting.is_set():
                if time.monotonic() - started >= timeout_s:
                    timed_out = True
                    break
                output.read(_TICK_S)
        finally:
            cut_short = process.returncode is None
            if cut_short and aborting.is_set():
                _end_group_at_once(process)
            _end(process, environment[orphans.MARK], everything=cut_short)
            output.close()
        seconds = time.monotonic() - started
        if cut_short:
            return Ended(None, output.captured, {}, seconds, timed_out, aborted=not timed_out)
        return Ended(process.returncode, output.captured, self._exported(environment), seconds)

    def _script(self, code: str) -> str:
        # On the first line, so that bash counts the lines as the runbook does.
        dump = f"{shlex.quote(self._env)} -0 >{shlex.quote(str(self._dump))} || :"
        first = f"trap {shlex.quote(f'__exit=$?; {dump}; exit $__exit')} EXIT; "
        if "trap" not in code:
            return first + code
        # The block may replace our trap.
        return f"{first}{code}\n__exit=$?; {dump}; (exit $__exit)"

    def _exported(self, given: Mapping[str, str]) -> dict[str, str]:
        with contextlib.suppress(FileNotFoundError):
            entries = self._dump.read_bytes().decode(errors="replace").split("\0")
            pairs = (entry.split("=", 1) for entry in entries if "=" in entry)
            return {
                name: value
                for name, value in pairs
                if name not in _NOT_CARRIED and not name.startswith("BASH_FUNC_") and given.get(name) != value
            }
        return {}


class _Output:
    """Both streams of a block, cut into lines and masked."""

    def __init__(
        self, process: subprocess.Popen[bytes], masker: Masker, line: Callable[[str, str], object]
    ) -> None:
        self.captured = ""
        self._process = process
        self._line = line
        self._shown = 0
        self._selector = selectors.DefaultSelector()
        self._streams: list[_Stream] = []
        self._masker = masker
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            stream = _Stream(name, pipe.fileno(), masker.another())
            self._streams.append(stream)
            self._selector.register(pipe, selectors.EVENT_READ, (stream, pipe))

    def read(self, wait_s: float) -> None:
        """Take what is there, waiting up to `wait_s` for it."""
        if not self._selector.get_map():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(wait_s)  # it closed its output: about to end, or going on in silence
            return
        for key, _ in self._selector.select(wait_s):
            stream, pipe = key.data
            self._take(stream, pipe)
        for stream in self._streams:
            # Whole lines in which a secret might begin are shown when nothing follows: somebody is waiting for them.
            if stream.masker.holds_lines and time.monotonic() - stream.heard_at > _PATIENCE_S:
                self._show(stream, stream.masker.finish())

    def _take(self, stream: _Stream, pipe: object) -> bool:
        try:
            data = os.read(stream.fd, 65_536)
        except BlockingIOError:
            return False
        if not data:
            self._selector.unregister(stream.fd)
        stream.heard_at = time.monotonic()
        text = stream.decoder.decode(data, final=not data)
        if stream.name == "stdout" and len(self.captured) < _MOST_CAPTURED:
            self.captured += text
        self._show(stream, stream.masker.feed(text))
        return bool(data)

    def close(self) -> None:
        """Take the rest without waiting for whoever still holds the pipe, and let go."""
        for key in list(self._selector.get_map().values()):
            stream, pipe = key.data
            for _ in range(_MOST_DRAINED):
                if not self._take(stream, pipe):
                    break
        for stream in self._streams:
            self._show(stream, stream.masker.finish() + "\n" if stream.pending or stream.masker.holds else "")
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
        self._selector.close()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()

    def _show(self, stream: _Stream, text: str) -> None:
        *lines, stream.pending = (stream.pending + text).split("\n")
        while len(stream.pending) > _LONGEST_LINE:
            lines.append(stream.pending[:_LONGEST_LINE])
            stream.pending = stream.pending[_LONGEST_LINE:]
        for line in lines:
            self._shown += 1
            if self._shown <= _MOST_LINES:
                # Masked once more: control characters could have stood inside a secret.
                self._line(stream.name, self._masker.whole(_CONTROL.sub("", line.rstrip("\r"))))
            elif self._shown == _MOST_LINES + 1:
                self._line(
                    stream.name, t("… more than {lines} lines; the rest is not shown", lines=_MOST_LINES)
                )


class _Stream:
    def __init__(self, name: str, fd: int, masker: Masker) -> None:
        self.name = name
        self.fd = fd
        self.masker = masker
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.pending = ""
        self.heard_at = time.monotonic()


def _end_group_at_once(process: subprocess.Popen[bytes]) -> None:
    """After an abort: what the block has in the foreground is gone in a moment, before anybody looks for the rest."""
    for number, seconds in ((signal.SIGTERM, _GRACE_AFTER_ABORT_S), (signal.SIGKILL, _GRACE_AFTER_ABORT_S)):
        if process.returncode is None:  # not reaped yet, so the number is still ours
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)


def _end(process: subprocess.Popen[bytes], marker: str, *, everything: bool) -> None:
    """End what is left of a block: its group, or with `everything` all that it ever started."""
    if not everything and not _group_lives(process.pid):
        _close(process)
        return
    victims = _family(process.pid, marker, everything=everything)
    if process.poll() is None:
        process.terminate()
    for victim in victims:
        _send(victim, signal.SIGTERM)
    _wait_gone(process, victims, GRACE_S)
    deadline = time.monotonic() + _SETTLE_S
    while time.monotonic() < deadline:
        victims = _family(process.pid, marker, everything=everything)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the number is still ours
        elif not victims:
            break
        for victim in victims:
            _send(victim, signal.SIGKILL)
        _wait_gone(process, victims, _TICK_S)
    _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_SETTLE_S)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _family(leader: int, marker: str, *, everything: bool) -> list[psutil.Process]:
    """The living processes of a block. psutil knows them by pid and start time, and signals no other."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            if process.pid == leader or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if os.getsid(process.pid) == leader or (
                everything and process.environ().get(orphans.MARK) == marker
            ):
                found.append(process)
    return found


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)


def _wait_gone(process: subprocess.Popen[bytes], victims: list[psutil.Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None and not any(_lives(victim) for victim in victims):
            return
        time.sleep(_TICK_S / 4)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
