"""Looks at one alert from before the fault on: its rule, the alert, and who is told.

How well each time is known depends on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from chaos_ext.alerts import alertmanager, pager, prometheus
from chaos_ext.alerts.episodes import Look, Track
from chaos_ext.model import Alerts

PENDING, FIRING, RECEIVED = "pending", "firing", "received"


class _Source:
    """One place that is asked again and again, in a thread of its own: one that hangs does not hold up the others."""

    def __init__(self, ask: Callable[[], Look], track: Track, poll_s: float) -> None:
        self._ask, self._track, self._poll_s = ask, track, poll_s
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self.trouble = ""  # why the last look said nothing
        self.looks = 0  # that said something
        self._thread = threading.Thread(target=self._run, name="alert-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def join(self) -> None:
        if self._thread.ident is not None:
            self._thread.join()  # a look has a time limit of its own

    def told(self) -> dict[str, Any]:
        """What was seen, JSON-safe."""
        with self._lock:
            offset = self._track.clock.offset
            return {
                "episodes": [each.as_dict() for each in self._track.episodes],
                "looks": self.looks,
                "trouble": self.trouble,
                "clock": {
                    "stepped": self._track.clock.stepped,
                    "uncertain_s": None if offset is None else round(offset.latest - offset.earliest, 3),
                },
            }

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                look = self._ask()
            except OSError as error:
                self.trouble = str(error)
            else:
                with self._lock:
                    self._track.look(look)
                self.trouble = ""
                self.looks += 1
            self._stopping.wait(self._poll_s)


class AlertWatch:
    """Looks at the alert `name` every poll of the environment until `stop`, wherever the environment says one can look.

    `silent_at` is when somebody last saw that it does not fire. Used as a context manager.
    """

    def __init__(self, alerts: Alerts, name: str, silent_at: float) -> None:
        self._sources = {
            FIRING: _Source(partial(alertmanager.firing, alerts.url), Track(name, silent_at), alerts.poll)
        }
        if alerts.rules_url:
            ask = partial(prometheus.holding, alerts.rules_url)
            self._sources[PENDING] = _Source(ask, Track(name), alerts.poll)
        if alerts.received_url:
            ask = partial(pager.arrived, alerts.received_url)
            self._sources[RECEIVED] = _Source(ask, Track(name), alerts.poll)

    def __enter__(self) -> AlertWatch:
        for source in self._sources.values():
            source.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for source in self._sources.values():
            source.join()

    def stop(self) -> None:
        """Look no more, after the looks that are under way. What was seen stays."""
        for source in self._sources.values():
            source.stop()

    def looks_at(self, what: str) -> bool:
        """Whether there is a place where one can see `what`."""
        return what in self._sources

    def told(self) -> dict[str, dict[str, Any]]:
        """All that was seen, JSON-safe."""
        return {what: source.told() for what, source in self._sources.items()}
