"""supervisord as it is, but quicker in two ways: in a lab that lives for half a minute that is most of it.

Its loop sleeps up to a second, and start, stop and the answer to who waits for them happen between two
sleeps. Here it looks around ten times a second.

A service of ours is started by a fork of the supervisor, in which what all of them import is there
already, instead of by a fork and an exec. It is a process like any other, with its own command line,
signals and environment; only the second of imports that each would need for itself is gone.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import runpy
import shlex
import signal
import sys
import traceback
from typing import Any, NoReturn

from supervisor import options, poller, process, supervisord

from chaos_lab import parts
from chaos_lab.orchestrator import ROOM

_LONGEST_S = 0.1
# Imports much that nobody else needs, and is needed early.
_BY_ITSELF = "chaos_lab.services.cloud"
_SHARED = (
    *(f"chaos_lab.services.{service}" for service in parts.REPLICAS),
    "chaos_lab.services.alerting.api",
    "chaos_lab.services.faultproxy.api",
    "chaos_lab.services.replicas",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "jwt",
)
_PR_SET_NAME = 15


class _Poller(poller.Poller):
    def poll(self, timeout: float) -> Any:
        return super().poll(min(timeout, _LONGEST_S))  # type: ignore[no-untyped-call]


def _is_ours(words: list[str]) -> bool:
    """Whether this is a Python program that may be run in a fork."""
    return sys.platform == "linux" and words[0] == sys.executable and _BY_ITSELF not in words


_loaded = False


def _load() -> None:
    global _loaded
    if not _loaded:
        _loaded = True
        for name in _SHARED:
            with contextlib.suppress(ImportError):  # whoever needs it will say so
                importlib.import_module(name)
        gc.freeze()  # what is there stays shared


class _Subprocess(process.Subprocess):
    def spawn(self) -> Any:
        command: str = self.config.command  # type: ignore[union-attr]
        if _is_ours(shlex.split(command)):
            _load()
        return super().spawn()  # type: ignore[no-untyped-call]


class _ServerOptions(options.ServerOptions):
    def execve(self, filename: str, argv: list[str], env: dict[str, str]) -> NoReturn:
        if not _loaded or not _is_ours(argv):
            os.execve(filename, argv, env)
        code = 1
        try:
            _become(argv, env)
            code = _run(argv)
        except BaseException:  # noqa: BLE001 - this process must not go on as a second supervisor
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(code)


def _become(argv: list[str], env: dict[str, str]) -> None:
    """What exec would have done: signals, environment, arguments, and the name that `ps` shows."""
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR2):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(env)
    with contextlib.suppress(OSError, ValueError, IndexError):
        _name(argv)


def _name(argv: list[str]) -> None:
    import ctypes

    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    start, end = int(fields[45]), int(fields[46])  # arg_start, arg_end
    words = b"\0".join(os.fsencode(word) for word in argv)[: end - start - 1]
    ctypes.memmove(start, words.ljust(end - start, b"\0"), end - start)
    name = os.environ.get("SUPERVISOR_PROCESS_NAME", "service").encode()
    ctypes.CDLL(None).prctl(_PR_SET_NAME, ctypes.c_char_p(name), 0, 0, 0)


def _run(argv: list[str]) -> int:
    """Run `python -m MODULE …` or `python FILE …` here; the exit code."""
    try:
        if argv[1] == "-m":
            sys.argv = argv[2:]
            runpy.run_module(argv[2], run_name="__main__", alter_sys=True)
        else:
            sys.argv = argv[1:]
            sys.path.insert(0, os.path.dirname(argv[1]))
            runpy.run_path(argv[1], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    return 0


def main() -> None:
    """supervisord with what is said above."""
    if sys.argv[-1] == ROOM:
        del sys.argv[-1]
    poller.Poller = _Poller
    process.Subprocess = _Subprocess  # type: ignore[misc]
    supervisord.ServerOptions = _ServerOptions  # type: ignore[attr-defined]
    supervisord.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
