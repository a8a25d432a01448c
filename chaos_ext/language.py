"""What people read, in English and Japanese.

A sentence is written in English where it is needed, as a template: ``t("{flow} was hurt", flow=name)``. The
result is that English text, and it remembers its template and values, so that whoever shows it to a person can
say the same in Japanese. Nothing but the last step before a screen knows which language it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

Language = Literal["en", "ja"]


class Said(str):
    """An English sentence that can be said in Japanese. A `str` in every other way."""

    template: str
    values: dict[str, Any]


def t(template: str, /, **values: Any) -> Said:
    """`template` filled in as `str.format` does; values may be sentences themselves."""
    said = Said(template.format(**values) if values else template)
    said.template, said.values = template, values
    return said


def chosen(asked: str | None = None, environ: Mapping[str, str] = os.environ) -> Language:
    """The language to show: `asked` (``--lang``), else the locale of LC_ALL, LC_MESSAGES or LANG, else English."""
    told = asked or next((v for v in map(environ.get, ("LC_ALL", "LC_MESSAGES", "LANG")) if v), "")
    return "ja" if told.lower().startswith("ja") else "en"


def say(text: str, language: Language) -> str:
    """`text` in `language`. What was not made by `t`, or has no translation, is shown as it is."""
    if language == "en":
        return text
    from chaos_ext.japanese import TRANSLATIONS

    template, values = (text.template, text.values) if isinstance(text, Said) else (text, {})
    translated = TRANSLATIONS.get(template)
    if translated is None:
        return text
    return translated.format(**{k: _value(v, language) for k, v in values.items()}) if values else translated


def _value(value: Any, language: Language) -> Any:
    return say(value, language) if isinstance(value, str) else value
