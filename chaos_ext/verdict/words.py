"""What a flow feels and what a run proves, as words that can be said in Japanese."""

from __future__ import annotations

from chaos_ext.language import Said, t
from chaos_ext.model import Impact, VerdictWord

IMPACTS: dict[str, Said] = {
    Impact.OUTAGE: t("outage"),
    Impact.DEGRADED: t("degraded"),
    Impact.LATE: t("late"),
    Impact.STALE: t("stale"),
    Impact.WRONG: t("wrong"),
    Impact.NONE: t("none"),
}
VERDICTS: dict[str, Said] = {
    VerdictWord.VERIFIED: t("verified"),
    VerdictWord.REPRODUCED: t("reproduced"),
    VerdictWord.REHEARSED: t("rehearsed"),
    VerdictWord.REFUTED: t("refuted"),
    VerdictWord.UNKNOWN: t("unknown"),
}


def impact(value: object) -> str:
    """What a flow feels; ``no data`` when it is not known."""
    return t("no data") if value is None else IMPACTS.get(str(value), str(value))
