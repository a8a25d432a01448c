"""One question to an alerting over HTTP: its answer, and when on our clock and on its own it was given."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import requests

from chaos_ext.alerts.clock import DATE_S, of_date
from chaos_ext.language import t

TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Answer:
    """What came back. `asked` and `answered` are monotonic seconds."""

    content: Any
    asked: float
    answered: float
    said: float | None  # what time it was there, seconds since 1970; None: it did not say
    resolution_s: float = DATE_S


def ask(url: str, params: dict[str, str] | None = None, timeout_s: float = TIMEOUT_S) -> Answer:
    """GET some JSON. Raises OSError when it cannot be had (the errors of `requests` are OSErrors)."""
    asked = time.monotonic()
    got = requests.get(url, params=params, timeout=timeout_s)
    answered = time.monotonic()
    got.raise_for_status()
    try:
        content = got.json()
    except ValueError as error:
        raise not_understood(url, error) from error
    return Answer(content, asked, answered, of_date(got.headers.get("Date", "")))


def not_understood(url: str, error: object) -> OSError:
    """An answer that is not what it should be."""
    return OSError(t("{url}: the answer is not what was asked for: {error}", url=url, error=repr(error)))
