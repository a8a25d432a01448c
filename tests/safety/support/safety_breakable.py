"""A thing that really breaks: a file that is moved away. Every undo says in a log that it ran, and when."""

import contextlib
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from chaoslib.exceptions import InterruptExecution


def _log(path: str, word: str) -> None:
    with Path(path + ".log").open("a") as log:
        log.write(json.dumps({"what": word, "at": time.monotonic(), "pid": os.getpid()}) + "\n")


def break_file(path: str, configuration: dict[str, Any] | None = None) -> dict[str, Any]:
    _log(path, "break")
    os.rename(path, path + ".lost")
    return {"moved": path}


def break_nothing(path: str) -> dict[str, Any]:
    _log(path, "break")
    return {"moved": path}


def break_when_told(path: str) -> dict[str, Any]:
    """Hangs until PATH.go is there, and breaks the file then."""
    _log(path, "break")
    while not os.path.exists(path + ".go"):
        time.sleep(0.01)
    return break_file(path)


def break_again_when_told(path: str) -> None:
    """Takes no notice of who asks it to stop; once PATH.go is there it breaks the file, which somebody has mended."""
    ended = threading.Event()

    def work() -> None:
        time.sleep(0.2)  # until the main thread waits for this one
        _log(path, "others")
        while not os.path.exists(path + ".go"):
            time.sleep(0.01)
        break_file(path)
        ended.set()

    threading.Thread(target=work).start()
    while not ended.is_set():
        with contextlib.suppress(InterruptExecution):
            ended.wait(60)


def break_half(path: str) -> None:
    os.rename(path, path + ".lost")
    raise RuntimeError("half-way")


def is_broken(path: str) -> dict[str, Any]:
    return {"holds": not os.path.exists(path), "looked_at": path}


def cannot_look(path: str) -> None:
    raise RuntimeError(f"cannot see {path}")


def looks_away(path: str) -> dict[str, Any]:
    return {"holds": "maybe"}


def mend(path: str, configuration: dict[str, Any] | None = None) -> dict[str, Any]:
    _log(path, "mend")
    if not os.path.exists(path + ".lost"):
        return {"outcome": "already", "why": "the file is there"}
    os.rename(path + ".lost", path)
    return {"outcome": "undone", "why": "moved back"}


def mend_when_told(path: str) -> dict[str, Any]:
    """Hangs until PATH.go is there, and mends the file then."""
    _log(path, "mend")
    while not os.path.exists(path + ".go"):
        time.sleep(0.01)
    return mend(path)


def mend_nothing(path: str) -> dict[str, Any]:
    _log(path, "mend")
    return {"outcome": "undone", "why": "so it says"}


def mend_at_third_call(path: str) -> dict[str, Any]:
    _log(path, "mend")
    if len(Path(path + ".log").read_text().splitlines()) < 3:
        raise RuntimeError("not yet")
    os.rename(path + ".lost", path)
    return {"outcome": "undone", "why": "moved back"}


def mend_never_returns(path: str) -> None:
    """Until PATH.go is there: what hangs in a test's own process would keep it pinned for all tests after it."""
    _log(path, "mend")
    while not os.path.exists(path + ".go"):
        time.sleep(0.01)


def mend_superseded(path: str) -> dict[str, Any]:
    _log(path, "mend")
    return {"outcome": "superseded", "why": "somebody made another one"}
