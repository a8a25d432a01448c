"""A run told as it happens: each event becomes lines."""

from __future__ import annotations

from chaos_ext.language import t
from chaos_ext.model import Event
from chaos_ext.report.chapters import TELLERS
from chaos_ext.report.line import Line
from chaos_ext.report.story import Story
from chaos_ext.report.waiting import WAITING


def tell(story: Story, event: Event) -> list[Line]:
    """The lines that `event` adds. An event of an unknown kind, or one that lacks something, adds none or less."""
    kind = str(event.get("kind"))
    if kind == "lab-says":
        if story.in_lab:
            story.now(event, t("lab: {line}", line=event.get("line", "")))
        return []
    story.in_lab = kind == "lab-starting"
    teller = TELLERS.get(kind)
    lines = list(teller(story, event)) if teller else []
    waiting = WAITING.get(kind)
    if waiting is not None:
        story.now(event, waiting(event))
    return lines
