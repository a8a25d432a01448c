"""Hides secrets in the log records of every library of this process, whoever writes them where."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

_before: Callable[..., logging.LogRecord] | None = None


def install(hide: Callable[[str], str]) -> None:
    """From now on no record holds what `hide` takes out: in its message, its exception, its stack."""
    global _before
    if _before is not None:
        return
    make = _before = logging.getLogRecordFactory()
    formatter = logging.Formatter()

    def masked(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - whoever handles the record says what is wrong with its arguments
            message = str(record.msg)
        record.msg, record.args = hide(message), None
        if record.exc_info:
            record.exc_text = hide(formatter.formatException(record.exc_info))
            record.exc_info = None  # a handler would format the exception by itself
        if record.stack_info:
            record.stack_info = hide(record.stack_info)
        return record

    logging.setLogRecordFactory(masked)


def uninstall() -> None:
    """Make records as before `install`."""
    global _before
    if _before is not None:
        logging.setLogRecordFactory(_before)
        _before = None
