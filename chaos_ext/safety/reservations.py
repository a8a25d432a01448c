"""Windows of time in which an environment is somebody's: load tests, security tests and failures share one place."""

from __future__ import annotations

import getpass
import os
import time
import uuid
from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from chaos_ext.errors import Blocked, Problem, UsageError, did_you_mean
from chaos_ext.language import Said, t
from chaos_ext.safety.book import Book, Reservation
from chaos_ext.safety.ledger import Ledger

_SHOWN = "%Y-%m-%d %H:%M"
WHO = "CHAOS_BY"  # the variable that says for whom a command runs


def me() -> str:
    """For whom this process runs: $CHAOS_BY, or the user's name."""
    if told := os.environ.get(WHO):
        return told
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as containers have
        return f"uid {os.getuid()}"


def ledger_of(directory_ledger: Ledger) -> Ledger:
    """Where the windows of that ledger's environment stand: under the environment's own name."""
    each = directory_ledger
    return Ledger(each.directory, each.environment, each.environment, each.url)


def book_of(ledger: Ledger, book: Book) -> Book:
    """The book with the windows: the one at hand, when the place has only one instance."""
    return book if ledger.instance == ledger.environment else ledger_of(ledger).book()


def refuse_if_reserved(book: Book, environment: str, now: float | None = None) -> None:
    """Raise Blocked inside somebody else's window."""
    now = time.time() - book.ahead_s if now is None else now
    for each in book.reservations.values():
        if each.starts <= now < each.ends and each.by != me():
            raise Blocked(
                t(
                    "{where}: got '{environment}' reserved: {said}; expected it free, or yours (you are '{me}'). Wait, "
                    "or ask them to: chaos env release {environment}",
                    where=book.where,
                    environment=environment,
                    said=told(each),
                    me=me(),
                )
            )


def reserve(ledger: Ledger, starts: float, ends: float, zone: str, purpose: str, by: str) -> Reservation:
    """Write a window down. Raises Blocked when it overlaps another one, and names that."""
    made = Reservation(uuid.uuid4().hex[:12], starts, ends, zone, purpose, by, "")

    def unless(book: Book, _: float) -> None:
        for other in book.reservations.values():
            if made.starts < other.ends and other.starts < made.ends:
                raise Blocked(
                    t(
                        "{where}: got a window that overlaps another: {said}; expected '{environment}' free for all of "
                        "it. Take another time, or ask them to: chaos env release {environment}",
                        where=ledger.where,
                        said=told(other),
                        environment=ledger.environment,
                    )
                )

    fields = {key: value for key, value in vars(made).items() if key not in ("id", "wall")}
    ledger.append(made.id, "reserved", fields, unless=unless)
    return made


def release(ledger: Ledger, which: Reservation, by: str) -> None:
    """Write down that a window is given back. Raises Blocked."""
    ledger.append(which.id, "released", {"by": by})


def told(each: Reservation) -> Said:
    """A window, for people, in the zone in which it was said."""
    return t(
        "{starts} - {ends} {zone} for '{purpose}' by {by}",
        starts=shown(each.starts, each.zone),
        ends=shown(each.ends, each.zone),
        zone=each.zone,
        purpose=each.purpose,
        by=each.by,
    )


def shown(seconds: float, zone: str) -> str:
    """A moment in `zone`; the bare number when it is no date."""
    try:
        return datetime.fromtimestamp(seconds, _zone(zone)).strftime(_SHOWN)
    except (ValueError, OverflowError, OSError, KeyError):
        return f"{seconds:g}"


def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name if name in available_timezones() else "UTC")


def moment(option: str, text: str, zone: str | None) -> tuple[float, str]:
    """What a person wrote (``2026-12-01 10:00 Asia/Tokyo``, ``2026-12-01T10:00+09:00``), and its zone.

    `zone` is taken when the text names none. Raises UsageError: no moment, no zone, one that does not exist there
    or exists twice because clocks are set.
    """
    words = text.replace("T", " ", 1).split() if text[10:11] == "T" else text.split()
    named = zone
    if words and not words[-1][:1].isdigit():
        named = words.pop()
    expected = t("a moment with its zone, such as '2026-12-01 10:00 Asia/Tokyo'")
    try:
        read = datetime.fromisoformat("T".join(words))
    except ValueError:
        raise UsageError([Problem(option, "", f"'{text}'", expected)]) from None
    if read.tzinfo is not None:
        return read.timestamp(), named if named in available_timezones() else "UTC"
    if named is None:
        say_it = t("Write the zone after it, or give --zone.")
        raise UsageError([Problem(option, "", f"'{text}'", expected, say_it)])
    if named not in available_timezones():
        hint = did_you_mean(named, available_timezones())
        raise UsageError([Problem(option, "", f"'{named}'", t("a time zone, such as Asia/Tokyo"), hint)])
    early, late = (read.replace(tzinfo=ZoneInfo(named), fold=fold).timestamp() for fold in (0, 1))
    if early != late:
        twice = t("Clocks are set there at that time. Write it with its offset: 2026-12-01T10:00+09:00")
        raise UsageError([Problem(option, "", f"'{text}'", t("a time that is there once"), twice)])
    return early, named
