"""Work with a deadline. Python cannot end a function from outside, so a thread does it and may be left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from chaos_ext.language import t

T = TypeVar("T")

_LOOK_EVERY_S = 0.02


class Overdue(Exception):
    """The work has not ended in time, and goes on behind our back."""


class Bounded(Generic[T]):
    """`work` in a thread of its own, begun at once.

    Args:
        name: the thread's, for whoever looks at a hanging process
        if_late: called in that thread when the work comes back after it was given up, whatever became of it
    """

    def __init__(self, name: str, work: Callable[[], T], if_late: Callable[[], None] | None = None) -> None:
        self._work, self._if_late = work, if_late
        self._result: list[T] = []
        self._error: list[BaseException] = []
        self._lock = threading.Lock()
        self._over = self._given_up = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._error.append(error)
        with self._lock:
            self._over = True
            late = self._given_up
        if late and self._if_late is not None:
            self._if_late()

    def wait(self, limit_s: float, hurry: Callable[[], bool] | None = None, hurry_s: float = 5.0) -> T:
        """What the work returns, or raises. Raises Overdue after `limit_s`; then it is given up.

        Once `hurry` says so, `hurry_s` more seconds are waited at most.
        """
        deadline, hurried = time.monotonic() + limit_s, False
        while (left := deadline - time.monotonic()) > 0 and self._thread.is_alive():
            self._thread.join(min(left, _LOOK_EVERY_S))
            if hurry is not None and not hurried and hurry():
                hurried, deadline = True, min(deadline, time.monotonic() + hurry_s)
        with self._lock:
            if not self._over:
                self._given_up = True
                raise Overdue(t("not done after {limit_s:g} s", limit_s=limit_s))
        if self._error:
            raise self._error[0]
        return self._result[0]
