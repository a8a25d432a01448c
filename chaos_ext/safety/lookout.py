"""Watches the meter's live series for abort conditions, in the runner's process, from the fault on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from chaos_ext.errors import ChaosExtError
from chaos_ext.language import t
from chaos_ext.safety.abort import Abort
from chaos_ext.safety.conditions import Reached

EVERY_S = 0.25
BLIND_S = 5.0  # so long it may not be known whether a condition is met

Look = Callable[[], Iterator[Reached]]  # every condition that is met now


class Lookout:
    """Calls `look` again and again until it finds something, or the trial ends. Being unable to look stops it too."""

    def __init__(self, abort: Abort, look: Look, meter_failed: Callable[[], str | None]) -> None:
        self._abort, self._look, self._meter_failed = abort, look, meter_failed
        self._over = threading.Event()
        abort.when_set(self._over.set)
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it. A second call does nothing."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._watch()
        except Exception as error:  # noqa: BLE001 - nobody would hear of it in this thread
            self._blind(f"{type(error).__name__}: {error}")

    def _watch(self) -> None:
        seen = time.monotonic()
        while not self._over.wait(EVERY_S):
            if failed := self._meter_failed():
                self._abort.ask(t("nothing is measured any more: {why}", why=failed), "record")
                return
            try:
                for reached in self._look():
                    self._abort.ask(reached.why, "condition", reached.condition)
                    return
                seen = time.monotonic()
            except (ChaosExtError, OSError) as error:
                # What cannot be read now is no reason to stop; that it cannot be read any more is one.
                if time.monotonic() - seen > BLIND_S:
                    self._blind(str(error))
                    return

    def _blind(self, why: str) -> None:
        self._abort.ask(
            t("the conditions that stop a run cannot be looked at any more: {why}", why=why), "record"
        )
