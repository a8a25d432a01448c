"""Every sentence that people read, in Japanese: English template → Japanese template, one module a room."""

from __future__ import annotations

TRANSLATIONS: dict[str, str] = {}
