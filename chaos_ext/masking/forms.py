"""The ways in which programs write a value: a secret is hidden in each of them.

White space does not count: a value that is wrapped (`base64` breaks its lines after 76 characters, a terminal where
it is full) is the same value.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, urlsplit

SHORTEST = 4  # characters of a secret; hiding less would hide what everybody may see
# A setting that came in among the secrets; hidden, it would take the word out of every record.
_SETTINGS = {"true", "false", "null", "none"}
SHORTEST_LINE = 8  # a shorter line of a secret, such as a brace, is not worth hiding
_KEYS = re.compile(r"(?i)pass|pwd|secret|token|key|credential|private|dsn|url|uri")

_DOLLAR_QUOTED = {ord(c): f"\\{to}" for c, to in zip("\\'\n\r\t", "\\'nrt", strict=True)}


def squeezed(text: str) -> str:
    """`text` without its white space."""
    return "".join(text.split())


def is_too_short(secret: str) -> bool:
    """Whether a value cannot be a secret: it would be hidden in words that have nothing to do with it."""
    return len(squeezed(secret)) < SHORTEST


def is_a_setting(value: str) -> bool:
    """Whether a value that stands among secrets is none of them, such as the word for a switch."""
    return value.strip().lower() in _SETTINGS


def forms(secret: str) -> dict[str, bool]:
    """Every form of a secret without white space → whether it may be broken up by some in a text.

    A short one may not: in prose, two words would make it up.
    """
    found: dict[str, bool] = {}
    for part in _parts(secret):
        for form in _written(part):
            tight = squeezed(form)
            if len(tight) >= SHORTEST:
                found[tight] = found.get(tight, False) or len(tight) >= SHORTEST_LINE or tight != form
    return found


def _parts(secret: str) -> Iterator[str]:
    """The value, its lines when it has several, and what is secret inside of JSON or a URL."""
    yield secret
    yield secret.strip()
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:
        # What stands around a key in PEM stands around every other one too.
        yield from (line for line in lines if len(line) >= SHORTEST_LINE and not line.startswith("-----"))
    yield from _inside(secret)


def _inside(secret: str) -> Iterator[str]:
    if secret.lstrip().startswith("{"):
        try:
            yield from _leaves(json.loads(secret))
        except (ValueError, RecursionError):
            return
    elif "://" in secret:
        try:
            password = urlsplit(secret).password
        except ValueError:
            return
        if password:
            yield password


def _leaves(value: object, key: str = "") -> Iterator[str]:
    """The texts of an object that its keys call secret: a user's name is none."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, key)
    elif isinstance(value, str) and _KEYS.search(key):
        yield value
        yield from _inside(value)


def _written(text: str) -> Iterator[str]:
    as_json = json.dumps(text, ensure_ascii=False)[1:-1]
    in_ascii = json.dumps(text)[1:-1]
    yield from (text, as_json, in_ascii)
    yield from (
        json.dumps(as_json, ensure_ascii=False)[1:-1],
        json.dumps(as_json)[1:-1],
        json.dumps(in_ascii)[1:-1],
    )
    for quoted in (quote(text, safe="", errors="replace"), quote(text, errors="replace")):
        yield quoted
        yield re.sub("%..", lambda match: match[0].lower(), quoted)
    yield quote_plus(text, errors="replace")
    yield from (html.escape(text), html.escape(text, quote=False))
    yield repr(text)[1:-1]
    yield from _in_bash(text)
    data = text.encode("utf-8", "surrogateescape")
    yield from (data.hex(), data.hex().upper())
    yield from _base64(data)


def _in_bash(text: str) -> Iterator[str]:
    """As shlex.quote, ${x@Q} and printf %q have it: quotes closed around a quote, backslashes, $'…' for lines."""
    yield text.replace("'", "'\"'\"'")
    yield text.replace("'", "'\\''")
    yield re.sub(r"([^\w./:=@%+~#-])", r"\\\1", text)
    yield text.translate(_DOLLAR_QUOTED)


def _base64(data: bytes) -> Iterator[str]:
    """What base64 makes of `data` wherever it stands in what is encoded: without the characters shared with others."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode()
        first, end = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        core = encoded[first:end]
        yield from (core, core.translate(str.maketrans("+/", "-_")))
