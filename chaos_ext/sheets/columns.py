"""What the sheets of the workbook show, and which of it can be changed there.

A column is found by its heading, in either language, wherever it stands. Words of the catalogue (categories,
impacts) are the same in both languages, as they are in the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chaos_ext.catalog.source import Path_
from chaos_ext.model import Category, Impact


class Kind(StrEnum):
    """What a column holds."""

    ID = "id"  # says which row it is; never changed
    TEXT = "text"
    SENTENCE = "sentence"  # a text in the language of the sheet
    WORD = "word"  # one of a list
    LEVEL = "level"  # 1 to 3
    COUNT = "count"  # a whole number from 0
    DURATION = "duration"
    SHOWN = "shown"  # not read


@dataclass(frozen=True)
class Column:
    """One column. `at` is where its value stands in the YAML; `choices` are the words it may hold."""

    key: str
    en: str
    ja: str
    kind: Kind
    width: int = 14
    at: Path_ = ()
    choices: tuple[str, ...] = ()

    @property
    def read(self) -> bool:
        """Whether an import looks at it."""
        return self.kind is not Kind.SHOWN

    def heading(self, language: str) -> str:
        """Its heading in `language`."""
        return self.ja if language == "ja" else self.en


@dataclass(frozen=True)
class Layout:
    """One sheet of the workbook."""

    key: str
    en: str
    ja: str
    columns: tuple[Column, ...]

    def title(self, language: str) -> str:
        """Its name in `language`."""
        return self.ja if language == "ja" else self.en

    @property
    def ids(self) -> tuple[Column, ...]:
        """The columns that together say which row it is."""
        return tuple(column for column in self.columns if column.kind is Kind.ID)

    def column(self, key: str) -> Column:
        """The column of that key."""
        return next(column for column in self.columns if column.key == key)


def _shown(key: str, en: str, ja: str, width: int = 14) -> Column:
    return Column(key, en, ja, Kind.SHOWN, width)


_LAST = (
    _shown("verdict", "Last verdict", "直近の判定"),
    _shown("when", "Verified at (UTC)", "検証日時（UTC）", 18),
    _shown("stale", "Changed since", "その後の変更", 16),
)
_DEFAULT: Path_ = ("objectives", "default")

PRODUCT = Layout(
    "product",
    "Product view",
    "製品視点",
    (
        Column("id", "ID", "ID", Kind.ID, 30),
        Column("product", "Product", "製品", Kind.TEXT, 16, ("product",)),
        Column("title", "Title", "タイトル", Kind.SENTENCE, 34, ("title",)),
        Column("category", "Category", "分類", Kind.WORD, 24, ("category",), tuple(map(str, Category))),
        Column("event", "Event", "事象", Kind.SENTENCE, 50, ("event",)),
        Column("impact", "Impact", "影響", Kind.SENTENCE, 50, ("impact", "summary")),
        Column("severity", "Severity", "重大度", Kind.LEVEL, 10, ("severity",)),
        Column("likelihood", "Likelihood", "起こりやすさ", Kind.LEVEL, 11, ("likelihood",)),
        Column("detectability", "Detectability", "気づきにくさ", Kind.LEVEL, 13, ("detectability",)),
        _shown("priority", "Priority", "優先度", 9),
        Column("alert", "Alert", "アラート", Kind.WORD, 26, ("detection", "alert")),
        Column("recovery", "Recovery", "復旧", Kind.WORD, 11, ("recovery",), ("runbook", "self")),
        Column("runbook", "Runbook", "ランブック", Kind.WORD, 38, ("runbook",)),
        Column("detect", "Detect within", "検知の目標", Kind.DURATION, 13, (*_DEFAULT, "detect_within")),
        Column("recover", "Recover within", "復旧の目標", Kind.DURATION, 14, (*_DEFAULT, "recover_within")),
        Column(
            "lost",
            "Lost writes allowed",
            "許容する消失",
            Kind.COUNT,
            12,
            (*_DEFAULT, "lost_acknowledged_writes"),
        ),
        _shown("here", "Objectives of the environment", "この環境での目標", 32),
        Column("owner", "Owner", "担当", Kind.TEXT, 14, ("owner",)),
        *_LAST,
    ),
)
APPLICATION = Layout(
    "application",
    "Application view",
    "アプリケーション視点",
    (
        Column("service", "Service", "サービス", Kind.ID, 16),
        Column("mode", "Failure mode", "故障モード", Kind.ID, 32),
        Column("flow", "User flow", "ユーザーフロー", Kind.ID, 16),
        Column("expected", "Expected impact", "想定する影響", Kind.WORD, 16, choices=tuple(map(str, Impact))),
        _shown("possible", "Possible instead", "代わりにあり得る影響", 16),
        _shown("measured", "Measured impact", "計測された影響", 16),
        _shown("as_expected", "As expected", "想定どおり", 12),
        _shown("reactions", "What the service does", "サービスの振る舞い", 50),
        *_LAST,
    ),
)
DEPENDENCIES = Layout(
    "dependencies",
    "Dependencies",
    "依存先",
    (
        Column("service", "Service", "サービス", Kind.ID, 16),
        Column("dependency", "Dependency", "依存先", Kind.ID, 16),
        Column("down", "When it is down", "停止したとき", Kind.SENTENCE, 44, ("down",)),
        Column("slow", "When it is slow", "遅いとき", Kind.SENTENCE, 44, ("slow",)),
        Column("wrong", "When it is wrong", "誤っているとき", Kind.SENTENCE, 44, ("wrong",)),
        _shown("down_modes", "Tried: down", "検証: 停止", 30),
        _shown("slow_modes", "Tried: slow", "検証: 遅い", 30),
        _shown("wrong_modes", "Tried: wrong", "検証: 誤り", 30),
    ),
)
LAYOUTS = (PRODUCT, APPLICATION, DEPENDENCIES)
