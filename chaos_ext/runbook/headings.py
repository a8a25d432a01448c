"""What a runbook's headings are called, in English and in Japanese, and the anchors they get. Pure."""

from __future__ import annotations

import re

from chaos_ext.runbook.model import SectionName

IN_JAPANESE = {
    SectionName.MEANING: "意味",
    SectionName.IMPACT: "影響",
    SectionName.PARAMETERS: "パラメータ",
    SectionName.DIAGNOSIS: "診断",
    SectionName.MITIGATION: "対処",
    SectionName.VERIFICATION: "確認",
    SectionName.ESCALATION: "エスカレーション",
}
SECTIONS = {**{name.value: name for name in SectionName}, **{ja: name for name, ja in IN_JAPANESE.items()}}
STEP = re.compile(r"(?:Step|手順)\s*(\d{1,4})\s*[:：]\s*(\S.*)")
DECISION = re.compile(r"(?:Decision|判断)\s*(\d{1,4})\s*[:：]\s*(\S.*)")
UNDO = re.compile(r"(?:Undo\s+Step\s*(\d{1,4})|手順\s*(\d{1,4})\s*の取り消し)(?:\s*[:：].*)?")


def slug(heading: str) -> str:
    """The anchor that GitHub and Runme give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
