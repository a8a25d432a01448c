"""An identity whose pins take as long as a test wants: they wait while `HOLD` is set."""

import threading
from pathlib import Path

HOLD, THERE = threading.Event(), threading.Event()


def pins(expected: dict[str, str], folder: Path) -> dict[str, str]:
    if HOLD.is_set():
        THERE.set()
        while HOLD.is_set():
            THERE.wait(0.01)
    return {}
