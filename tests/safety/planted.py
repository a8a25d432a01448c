"""What a secret looks like once programs have written it, worked out apart from what hides it."""

from __future__ import annotations

import base64
import json
import os
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def traces(value: str) -> dict[str, str]:
    """Forms of `value` by name, without white space. Of base64 only what does not depend on what stands around it."""
    found = {
        "raw": value,
        "JSON": json.dumps(value)[1:-1],
        "Python": repr(value)[1:-1],
        "URL": urllib.parse.quote(value, safe=""),
        "form": urllib.parse.quote_plus(value),
        "hex": value.encode().hex(),
        "bash": "".join(c if c.isalnum() or c in "-_./:=@%+~" else f"\\{c}" for c in value),
    }
    for before in range(3):
        # Groups of three bytes are four characters: the first group and the last are shared with the surroundings.
        text = base64.b64encode(b"." * before + value.encode() + b"..")[4 if before else 0 :]
        found[f"base64 after {before}"] = text[: len(text) - 8].decode()
    for number, line in enumerate(value.splitlines() if "\n" in value else ()):
        found |= {
            f"line {number}, {name}": form
            for name, form in traces(line).items()
            if len(line) >= 8 and line[:5] != "-----"
        }
    return {name: squeezed for name, form in found.items() if len(squeezed := "".join(form.split())) >= 4}


def found_in(text: str, values: Mapping[str, str]) -> list[str]:
    """Which of `values` can be read in `text`, and how."""
    tight = "".join(text.split())
    return [
        f"{name} ({form})"
        for name, value in values.items()
        for form, look in traces(value).items()
        if look in tight
    ]


def found_below(folder: Path, values: Mapping[str, str]) -> dict[str, list[str]]:
    """Which of `values` can be read in which file below `folder`."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (here := found_in(path.read_bytes().decode("utf-8", "replace"), values)):
            found[str(path.relative_to(folder))] = here
    return found


class Watcher:
    """Every command line that was seen on this machine. Linux."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.looks = 0
        self._done = threading.Event()

    def _look(self) -> None:
        while not self._done.wait(0.01):
            for name in filter(str.isdecimal, os.listdir("/proc")):
                try:
                    with open(f"/proc/{name}/cmdline", "rb") as file:
                        self.seen.add(file.read().replace(b"\0", b" ").decode("utf-8", "replace"))
                except OSError:  # it has ended
                    continue
            self.looks += 1


@contextmanager
def watched() -> Iterator[Watcher]:
    """Inside, command lines are looked at a hundred times a second."""
    watcher = Watcher()
    thread = threading.Thread(target=watcher._look, daemon=True)
    thread.start()
    try:
        yield watcher
    finally:
        watcher._done.set()
        thread.join()
