"""One run at a time in an environment that several machines share: a row with a lease that is renewed.

On one machine the kernel's lock does (`lock.py`). Between machines a run says every 20 s that it is there; one that
was not heard of for 90 s, by the ledger's clock, has lost the place, and others may have it. It stops itself: by its
own clock it is no later. Nobody's wall clock is asked.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.record import wall_now
from chaos_ext.safety import clocks, lock, processes, reservations
from chaos_ext.safety.book import Book, Hold
from chaos_ext.safety.ledger import Ledger

LEASE_S = 90.0
RENEW_EVERY_S = 20.0
_LOOK_EVERY_S = 1.0  # at the clock: a machine that slept is not to find out by its next renewal only

Lost = Callable[[str], None]  # why; called in another thread


class NotOurs(Blocked):
    """The place is somebody else's, or may be."""


@contextmanager
def hold(ledger: Ledger, holder: str, lost: Lost | None = None) -> Iterator[None]:
    """Be the only run in the ledger's instance for the time of the block, on every machine that shares it.

    `holder` says what holds it. `lost` is called when it could not be kept: nothing more may be broken then, and
    `ledger` takes no fault any more. Raises Blocked naming who holds it, where, and since when.
    """
    with lock.hold(ledger.directory, ledger.instance, holder):
        if not ledger.url:
            yield
            return
        mine = _Mine(ledger, holder, lost or (lambda _: None))
        mine.take()
        ledger.held = mine
        try:
            yield
        finally:
            ledger.held = None
            mine.let_go()


def living(book: Book, now: float) -> list[Hold]:
    """Who holds it by the ledger's own time."""
    return [each for each in book.holds.values() if now < each.lease_until]


class _Mine:
    def __init__(self, ledger: Ledger, what: str, lost: Lost) -> None:
        pid, started = processes.myself()
        self._ledger, self._lost, self._id = ledger, lost, uuid.uuid4().hex[:12]
        self._runner = {"pid": pid, "started": started, "host": processes.host()}
        self._label = {"what": what, "who": reservations.me(), "since": wall_now()}
        self._good_until = 0.0  # by our clock, and no later than by the ledger's
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="hold", daemon=True)

    def take(self) -> None:
        self._say(self._refuse_if_taken)
        self._thread.start()

    def let_go(self) -> None:
        self._over.set()
        self._thread.join(LEASE_S)
        with suppress(Blocked):  # neither there nor here: its lease runs out
            self._ledger.append(self._id, "let-go", {}, later=True)

    def refuse_unless_ours(self, book: Book, now: float) -> None:
        self._refuse_if_taken(book, now)
        if not any(each.id == self._id for each in living(book, now)):
            raise self._ran_out()

    def refuse_if_over(self) -> None:
        if clocks.steady() >= self._good_until:
            raise self._ran_out()

    def _refuse_if_taken(self, book: Book, now: float) -> None:
        for other in living(book, now):
            if other.id != self._id:
                raise _taken(self._ledger, other)

    def _ran_out(self) -> NotOurs:
        return NotOurs(
            t(
                "{subject}: got no word of this run for {s:g} s, so that others may have the place now; expected one "
                "every {every_s:g} s. Nothing more is injected.",
                subject=f"{self._ledger.url} '{self._ledger.instance}'",
                s=LEASE_S,
                every_s=RENEW_EVERY_S,
            )
        )

    def _say(self, refuse: Callable[[Book, float], None]) -> None:
        """Say that we are there, for LEASE_S from now by the ledger's clock."""
        more = {**self._label, "runner": self._runner}
        began = clocks.steady()

        def unless(book: Book, now: float) -> dict[str, float]:
            refuse(book, now)
            return {"lease_until": now + LEASE_S}

        self._ledger.append(self._id, "taken", more, unless=unless)
        self._good_until = began + LEASE_S

    def _renew(self) -> None:
        due = clocks.steady() + RENEW_EVERY_S
        while not self._over.wait(min(_LOOK_EVERY_S, RENEW_EVERY_S)):
            try:
                self.refuse_if_over()
                if clocks.steady() >= due:
                    due = clocks.steady() + RENEW_EVERY_S
                    self._say(self.refuse_unless_ours)
            except NotOurs as error:
                self._lost(str(error))
                return
            except Exception as error:  # noqa: BLE001 - whatever it is: that it was not said is what counts
                if due > self._good_until:
                    self._lost(str(error))
                    return


def _taken(ledger: Ledger, other: Hold) -> NotOurs:
    who = t(
        "{what} of {who} on {host} (pid {pid}, since {since})",
        what=other.what,
        who=other.who,
        host=other.runner.host,
        pid=other.runner.pid,
        since=other.since,
    )
    return NotOurs(
        t(
            "{subject}: got taken by {who}, expected free. Wait for it or stop it.",
            subject=f"{ledger.url} '{ledger.instance}'",
            who=who,
        )
    )
