"""What an alert's link points at: a runbook, and for which revision of it the link was made.

A revision is the beginning of the SHA-256 of the runbook's text, the same digest by which verdicts become stale. A
commit would not do: a runbook that somebody writes right now has none.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from chaos_ext.model import Alerts

DIGITS = 12  # of a digest, in a link
_LEAST = 7  # digits that say which revision is meant
_PARAMETER = "revision"


def link(alerts: Alerts, runbook: str, digest: str | None) -> str:
    """The link that an alert for `runbook` (a path below catalog/) must carry; `digest`: of its text, if known."""
    url = alerts.runbook_base_url + runbook
    if not alerts.link_revision or not digest:
        return url
    return f"{url}{'&' if '?' in url else '?'}{_PARAMETER}={digest[:DIGITS]}"


def without_revision(url: str) -> str:
    """The link less what it says of a revision."""
    return re.sub(rf"[?&]{_PARAMETER}=[^&#]*", "", url)


def revision(url: str) -> str:
    """The revision that a link names, lower case; empty when it names none."""
    try:
        named = parse_qs(urlsplit(url).query).get(_PARAMETER, [""])[0].lower()
    except ValueError:  # no URL at all
        return ""
    return named if re.fullmatch(rf"[0-9a-f]{{{_LEAST},64}}", named) else ""


def is_of(named: str, digest: str) -> bool:
    """Whether a link that names this revision was made for the text with this digest."""
    return bool(named) and digest.startswith(named)


def digest_of(root: Path, runbook: str) -> str | None:
    """The digest of a runbook's text in the project `root`; None when it cannot be read."""
    try:
        return hashlib.sha256((root / "catalog" / runbook).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return None
