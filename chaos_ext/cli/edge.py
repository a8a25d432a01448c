"""The edge between our code and a person's terminal: every way to end becomes a message and an exit code.

Nothing here is imported at start but click and the standard library.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import platform
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, ParamSpec, TypeVar

import click

from chaos_ext.cli.screen import echo, with_language, without_secrets
from chaos_ext.language import chosen_for, listed, say, t

P = ParamSpec("P")
R = TypeVar("R")

USAGE, INTERNAL, INTERRUPTED, PIPE_CLOSED = 2, 3, 130, 141
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Something else stands where a folder or a file of ours is to be, or nothing may be written there.
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP)


def guarded(callback: Callable[P, R]) -> Callable[P, R]:
    """Make a click callback end as `chaos` promises; put it right above `def`, below the options.

    ChaosExtError → its text on stderr and its exit code. Ctrl-C → 130. A full disk → 2. A reader that went
    away (`| head`) → quiet, 141. Anything else is our bug → 3, with a report file to paste, never a traceback
    on the terminal. click's own exceptions pass. The command also gets the option ``--lang``.
    """

    @functools.wraps(callback)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        from chaos_ext.errors import ChaosExtError

        if (
            signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        ):  # see __main__: from here on there is something to end
            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            result = callback(*args, **kwargs)
            sys.stdout.flush()  # here, not at interpreter exit, where a failure could not be explained
        except SystemExit as ending:
            _flush_before(ending)
            raise
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except ChaosExtError as error:
            _end(str(error) or type(error).__name__, error.exit_code)
        except KeyboardInterrupt:
            _end(t("Interrupted."), INTERRUPTED)
        except OSError as error:
            _end_of_os_error(error)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in ("chaos_ext", "chaos_lab"):
                _end(_report(error), INTERNAL)
            _end(_not_installed(error.name), USAGE)
        except Exception as error:  # noqa: BLE001 - the edge: whatever escaped is our bug and is reported as one
            _end(_report(error), INTERNAL)
        return result

    return with_language(without_secrets(wrapper))


def _not_installed(name: str | None) -> str:
    return t(
        "{prefix}: got no Python package '{name}', expected everything that set-up installs. Try: make clean, then "
        "the same command again.",
        prefix=sys.prefix,
        name=name,
    )


def _flush_before(ending: SystemExit) -> None:
    """Bring the output out. When that fails, a code that already says what is wrong stays as it is."""
    try:
        sys.stdout.flush()
    except OSError as error:
        if not ending.code:
            _end_of_os_error(error)
        _drop_stdout()


def _end_of_os_error(error: OSError) -> NoReturn:
    if isinstance(error, BrokenPipeError) and _reader_is_gone():
        _end("", PIPE_CLOSED)
    told = _what_the_machine_refused(error)
    if told:
        _end(told, USAGE)
    _end(_report(error), INTERNAL)


def _end(message: str, code: int) -> NoReturn:
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        _drop_stdout()
    if message:
        with contextlib.suppress(OSError):  # when nobody can be told, the exit code still says it
            echo(say(message, chosen_for(sys.stderr)), err=True)
    raise click.exceptions.Exit(code)


def _drop_stdout() -> None:
    """Let the interpreter's own flush at exit succeed: what is still buffered has nowhere to go."""
    with contextlib.suppress(OSError, ValueError):  # a test's buffer is no file, and needs no flush
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _reader_is_gone() -> bool:
    """Whether our own output lost its reader; a broken pipe to anything else is an error like any other."""
    for stream in (sys.stdout, sys.stderr):
        try:
            poll = select.poll()
            poll.register(stream.fileno(), 0)
            if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
                return True
        except (OSError, ValueError):
            continue
    return False


def _what_the_machine_refused(error: OSError) -> str:
    """A sentence for the failures of a machine that a person can put right, or nothing."""
    if error.errno in _FULL:
        return t(
            "The disk is full while writing {file}: {why}. Free some space and run the command again."
            if error.filename
            else "The disk is full: {why}. Free some space and run the command again.",
            file=error.filename,
            why=error.strerror,
        )
    if error.errno in _REFUSED and error.filename:
        return t(
            "{file}: {why}. Check who owns it and whether it may be written.",
            file=error.filename,
            why=error.strerror,
        )
    return ""


def _report(error: BaseException) -> str:
    """Save what a maintainer needs and return the lines for the terminal."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    short = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    lines: list[str] = [
        t("This is a bug in chaos-ext, not in what you wrote: {short}{at}", short=short, at=at)
    ]
    try:
        path = _save("\n".join((*_circumstances(), "", *traceback.format_exception(error))))
        lines.append(t("The full report is in {path}; paste it into an issue.", path=path))
    except OSError as why:
        lines.append(
            t("The full report could not be saved ({why}); paste these lines into an issue:", why=why)
        )
        lines += _circumstances()
    return listed(lines, "\n")


def _circumstances() -> list[str]:
    from importlib.metadata import PackageNotFoundError, version

    def of(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "not installed"

    packages = ("chaos-ext", "chaostoolkit", "chaostoolkit-lib")
    return [
        ", ".join(f"{package} {of(package)}" for package in packages),
        f"Python {platform.python_version()} on {platform.platform()}",
        f"command: {' '.join([Path(sys.argv[0]).name, *sys.argv[1:]])}",
    ]


def _save(text: str) -> Path:
    from chaos_ext.masking.register import hide

    name = f"report-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.txt"
    for folder in _report_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / name
            path.touch(mode=0o600)
            path.write_text(hide(text) + "\n", encoding="utf-8")
            return path
        except OSError:
            continue
    raise OSError(t("no folder takes it"))


def _report_folders() -> list[Path]:
    folders = [Path(tempfile.gettempdir())]
    try:
        from chaos_ext.environments import state_dir

        folders.insert(0, state_dir() / "reports")
    except Exception:  # noqa: BLE001 - outside a project, or the bug is in there: the temporary folder serves
        return folders
    return folders
