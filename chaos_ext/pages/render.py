"""Templates into text. Everything that a template prints is cleaned, masked and escaped, whoever wrote it.

The order matters: a sentence of ours is said in the page's language, secrets are hidden while they still look like
themselves, then what a terminal would obey is taken out, and only then HTML's own characters are escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from chaos_ext.language import Language, Said, say, t
from chaos_ext.masking.register import hide
from chaos_ext.model import Interval, text_in
from chaos_ext.pages import words as page_words
from chaos_ext.report import words
from chaos_ext.report.arms import MUTATIONS
from chaos_ext.report.clean import clean
from chaos_ext.report.steps import ROLES
from chaos_ext.verdict.words import VERDICTS

TEMPLATES = Path(__file__).parent / "templates"
# What stands for a verdict besides its colour.
LANGUAGES = {"en": "English", "ja": "日本語"}
MARKS = {
    "verified": "✓",
    "reproduced": "✓",
    "rehearsed": "○",
    "refuted": "✗",
    "unknown": "?",
    "stale": "!",
    "never": "–",
    "overdue": "!",
}


def page(template: str, language: Language, *, scripts: Sequence[str] = (), **values: Any) -> str:
    """The page that `template` makes of `values`; it may run `scripts`, which are files beside it, and no others."""
    style = _source("style.css")
    sources = [_source(name) for name in scripts]
    policy = f"default-src 'none'; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    if sources:
        policy += f"; script-src {' '.join(map(_hash, sources))}"
    return _environment(language).get_template(template).render(
        policy=policy, style=Markup(style), scripts=[Markup(source) for source in sources], language=language, **values
    )  # fmt: skip


@lru_cache(maxsize=2)
def _environment(language: Language) -> Environment:
    def shown(value: Any) -> Any:
        if not isinstance(value, str) or isinstance(value, Markup):
            return value
        return clean(hide(say(value, language) if isinstance(value, Said) else value))

    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    found.globals.update(t=t, MARKS=MARKS, LANGUAGES=LANGUAGES, words=page_words, MUTATIONS=MUTATIONS)
    found.filters.update(
        said=lambda sentence: hide(say(sentence, language)),  # also what went through a file
        seconds=words.seconds,
        milliseconds=words.milliseconds,
        span=_span,
        impact=words.impact,
        plainly=words.plainly,
        verdict=lambda word: page_words.WORDS.get(str(word), VERDICTS.get(str(word), str(word))),
        role=lambda role: ROLES.get(role, role),
        text=lambda text: text_in(text, language),
        sentences=lambda text: _sentences(str(text)),
        minute=lambda at: str(at)[:16].replace("T", " "),
        size=_size,
    )
    return found


@lru_cache(maxsize=8)
def _source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _span(interval: Interval | None) -> Said:
    return t("-") if interval is None else words.span(interval)


def _sentences(text: str) -> list[str]:
    """What a verdict is worth, a sentence at a time and without its full stop, so that each is recognised by itself."""
    return text.removesuffix(".").split(". ")


def _size(many: object) -> str:
    if not isinstance(many, int):
        return ""
    return f"{many:,} B" if many < 10_000 else f"{many / 1000:,.0f} kB"
