"""What people read, in English and Japanese.

A sentence is written in English where it is needed, as a template: ``t("{flow} was hurt", flow=name)``. The
result is that English text, and it remembers its template and values, so that whoever shows it to a person can
say the same in Japanese. Nothing but the last step before a screen knows which language it is.

What went through a file on its way (an event, a verdict) has forgotten its template; such a sentence is
recognised again by its words.
"""

from __future__ import annotations

import os
import re
import string
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, TextIO

Language = Literal["en", "ja"]

CHOICE = "CHAOS_LANG"  # what `--lang` sets, so that processes which are started from here speak the same
_BETWEEN = {
    ", ": "、",
    " or ": "または",
    ". ": "。",
    " and no ": "、",
    " · ": "・",
}  # what separates the parts of a list in Japanese
_ALONE = frozenset(
    ("outage", "degraded", "late", "stale", "wrong", "none")
)  # what a flow feels, as a verdict has it
_SECONDS = re.compile(r"(\d[\d.]*)(?:–(\d[\d.]*))? s")
_FEWEST_WORDS = 2  # a template with fewer words of its own is not looked for in plain text


class Said(str):
    """An English sentence that can be said in Japanese. A `str` in every other way.

    `str()` leaves it as it is, so it survives as an exception's message; so do copying and pickling. Slicing,
    joining and f-strings do not keep it: put sentences together with `t` and `listed`.
    """

    template: str
    values: dict[str, Any]

    def __str__(self) -> str:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _said, (str.__str__(self), self.template, self.values)


class Listed(Said):
    """Several texts with a separator between them, each of which can be said in Japanese."""

    parts: tuple[str, ...]
    separator: str

    def __reduce__(self) -> tuple[Any, ...]:
        return listed, (self.parts, self.separator)


class Both(Said):
    """A text that somebody wrote in both languages; it is its English, and knows its Japanese."""

    japanese: str

    def __reduce__(self) -> tuple[Any, ...]:
        return both, (str.__str__(self), self.japanese)


def t(template: str, /, **values: Any) -> Said:
    """`template` filled in as `str.format` does; values may be sentences, or errors that carry one."""
    return _said(template.format(**values) if values else template, template, values)


def listed(parts: Iterable[object], separator: str = ", ") -> Said:
    """`parts` one after the other; in Japanese with a Japanese comma."""
    texts = tuple(map(str, parts))
    found = Listed(separator.join(texts))
    found.template, found.values, found.parts, found.separator = "", {}, texts, separator
    return found


def both(english: str, japanese: str) -> Both:
    """A text in both languages, to be put into a sentence."""
    found = Both(english)
    found.template, found.values, found.japanese = "", {}, japanese
    return found


def printable(text: str, most: int = 300) -> str:
    """`text` as a message may repeat it: of what people wrote at most `most` characters, nothing that moves a cursor,
    turns the line round or cannot be encoded. A sentence of ours stays one."""
    if len(text) <= most and text.isprintable():
        return text
    if isinstance(text, Listed):
        return listed((printable(part, most) for part in text.parts), text.separator)
    if isinstance(text, Both):
        return both(_plain(text, most), _plain(text.japanese, most))
    if isinstance(text, Said):
        values = {name: _printable_value(value, most) for name, value in text.values.items()}
        return _said(text.template.format(**values), text.template, values)
    return _plain(text, most)


def _plain(text: str, most: int) -> str:
    if len(text) > most:
        text = f"{text[: most - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _printable_value(value: Any, most: int) -> Any:
    if isinstance(value, BaseException):
        value = str(value)
    return printable(value, most) if isinstance(value, str) else value


def _said(text: str, template: str, values: dict[str, Any]) -> Said:
    said = Said(text)
    said.template, said.values = template, values
    return said


# --- which language ---


def chosen(asked: str | None = None, environ: Mapping[str, str] = os.environ) -> Language:
    """The language to show: `asked` or ``--lang``, else the locale of LC_ALL, LC_MESSAGES or LANG, else English."""
    names = (CHOICE, "LC_ALL", "LC_MESSAGES", "LANG")
    told = asked or next((value for value in map(environ.get, names) if value), "")
    return "ja" if told.lower().startswith("ja") else "en"


def choose(language: str) -> None:
    """Speak `language` from now on, here and in every process that is started from here."""
    os.environ[CHOICE] = language


def chosen_for(stream: TextIO) -> Language:
    """The chosen language, or English where `stream` cannot show Japanese."""
    language = chosen()
    if language == "ja":
        try:
            "日本語".encode(getattr(stream, "encoding", None) or "utf-8")
        except (UnicodeEncodeError, LookupError):
            return "en"
    return language


# --- saying it ---


def say(text: object, language: Language) -> str:
    """`text` in `language`. What has no translation is shown as it is, with what it holds translated."""
    told = str(text)
    if language == "en" or not told:
        return told
    if isinstance(told, Listed):
        return _BETWEEN.get(told.separator, told.separator).join(say(part, language) for part in told.parts)
    if isinstance(told, Both):
        return told.japanese
    if isinstance(told, Said):
        return _filled(_translations().get(told.template, told.template), told.values, language)
    return _recognised(told, language)


def spoken(text: object) -> str:
    """`text` in the chosen language."""
    return say(text, chosen())


def _translations() -> Mapping[str, str]:
    from chaos_ext.japanese import TRANSLATIONS  # only who speaks Japanese pays for it

    return TRANSLATIONS


class _Filling(string.Formatter):
    """Fills in a template with values in a language; a number that is only known as text is put in as it is."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec and not isinstance(value, str):
            return format(value, format_spec)
        return say(value, self.language)

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return value if isinstance(value, _Found) else super().convert_field(value, conversion)


class _Found(str):
    """A value that was found in a text, as it was formatted there."""


def _filled(template: str, values: Mapping[str, Any], language: Language) -> str:
    return _Filling(language).vformat(template, (), values) if values else template


# --- sentences that went through a file ---


def _matched(text: str, language: Language) -> str | None:
    for fragment, pattern, template in _patterns():
        if fragment in text and (match := pattern.fullmatch(text)):
            found = {name: _Found(value) for name, value in match.groupdict().items()}
            return _filled(_translations()[template], found, language)
    return None


@lru_cache(maxsize=4096)
def _recognised(text: str, language: Language) -> str:
    """A plain English text in `language`, when it is one of our sentences; otherwise as it is."""
    if text.isspace() or not any(map(str.isalpha, text)):
        return text
    if text in _ALONE:
        return _translations().get(text, text)
    if seconds := _SECONDS.fullmatch(text):
        return "〜".join(filter(None, seconds.groups())) + "秒"
    parts = text.removesuffix(".").split(". ")
    if len(parts) > 1 and None not in (said := [_matched(part, language) for part in parts]):
        return "。".join(map(str, said)) + "。"
    parts = text.split("; ")
    if len(parts) > 1 and None not in (said := [_about(part, language) for part in parts]):
        return "; ".join(map(str, said))
    if (told := _matched(text, language)) is not None:
        return told
    if "\n" in text:
        return "\n".join(_recognised(line, language) for line in text.split("\n"))
    return _about(text, language) or text


def _about(text: str, language: Language) -> str | None:
    """A sentence of ours that goes on after what it is about; None when it is none."""
    for cut in _after_a_subject(text):
        if (rest := _matched(text[cut:], language)) is not None:
            return f"{text[:cut].rstrip(': ')}: {rest}"
    return None


def _after_a_subject(text: str) -> Iterator[int]:
    """Where a sentence may begin that goes on after what it is about: the first word, or anything with a colon."""
    if " " in text:
        yield text.index(" ") + 1
    yield from (match.end() for match in re.finditer(": ", text))


def _pieces(template: str) -> list[tuple[str, str | None]]:
    """The template's own words, each with the name of the value after it. Braces that hold no name are words."""
    try:
        parsed = [(literal, name) for literal, name, _, _ in string.Formatter().parse(template)]
    except ValueError:
        return [(template, None)]
    return parsed if all(name is None or name.isidentifier() for _, name in parsed) else [(template, None)]


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, re.Pattern[str], str]]:
    """For each template: its longest own words, what it looks like filled in, itself. The longest first."""
    found = []
    for template in _translations():
        pieces = _pieces(template)
        own = " ".join(literal for literal, _ in pieces)
        if len(re.findall(r"[A-Za-z]{2,}", own)) < _FEWEST_WORDS:
            continue
        seen: set[str] = set()
        looks = ""
        for literal, name in pieces:
            looks += re.escape(literal)
            if name:
                looks += f"(?P={name})" if name in seen else f"(?P<{name}>.*?)"
                seen.add(name)
        longest = max((literal for literal, _ in pieces), key=len)
        found.append((longest, re.compile(looks, re.DOTALL), template))
    return sorted(found, key=lambda each: -len(re.sub(r"\{[^}]*\}", "", each[2])))
