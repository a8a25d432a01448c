"""Looks for one alert again and again, from before the fault on: how well it is known when it fired depends on it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from chaos_ext.alerts import alertmanager


@dataclass(frozen=True)
class Seen:
    """An alert that fires: not before `earliest`, not after `latest` (monotonic seconds)."""

    alert: alertmanager.Alert
    earliest: float
    latest: float


class AlertWatch:
    """Asks for the alert `name` every `poll_s` seconds in a thread of its own until it fires, or `stop`.

    `silent_at` is when somebody last saw that it does not fire. Used as a context manager.
    """

    def __init__(self, url: str, name: str, poll_s: float, silent_at: float) -> None:
        self._url, self._name, self._poll_s = url, name, poll_s
        self._silent_at = silent_at
        self._stopping = threading.Event()
        self.seen: Seen | None = None
        self.trouble = ""  # why the last look said nothing
        self._thread = threading.Thread(target=self._run, name="alert-watch", daemon=True)

    def __enter__(self) -> AlertWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()  # a look has a time limit of its own

    def _run(self) -> None:
        while not self._stopping.is_set():
            asked = time.monotonic()
            try:
                firing = [a for a in alertmanager.firing(self._url) if a.name == self._name]
            except OSError as error:
                self.trouble = str(error)
            else:
                self.trouble = ""
                if firing:
                    self.seen = Seen(firing[0], min(self._silent_at, asked), time.monotonic())
                    return
                self._silent_at = asked
            self._stopping.wait(self._poll_s)
