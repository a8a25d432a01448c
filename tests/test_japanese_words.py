"""One word, one form: no Japanese text uses a form that the glossary of `chaos_ext.japanese` does not."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# What people read in Japanese. The glossary itself is no text; a runbook's headings are accepted as people write them.
TEXTS = sorted(
    path
    for pattern in (
        "README.ja.md", "catalog/**/*.yaml", "catalog/**/*.md", "environments/*.yaml", "docs/*.md",
        "examples/**/*.yaml", "examples/**/*.md",
        "chaos_ext/japanese/[!_]*.py", "chaos_ext/sheets/*.py", "chaos_ext/catalog/*.py", "chaos_lab/page/words.py",
    )
    for path in ROOT.glob(pattern)
)  # fmt: skip

_JAPANESE = "ぁ-んァ-ヶ一-龠々ー"
INSTEAD = {
    r"書き出": "エクスポート",
    r"深刻[さ度]": "重大度",
    r"(?:起き|発生し)やす": "起こりやす",
    r"起きること": "事象",
    r"題名": "タイトル",
    r"(?:プライマリ|メモリ|プロキシ|フォルダ|パラメータ|ブラウザ)ー": "the same without ー",
    r"(?:サーバ|ユーザ)(?!ー)": "the same with ー",
    r"ディレクトリ": "フォルダ",
    r"部品": "構成要素",
    r"(?:障害|フォールト)プロキシ": "障害注入プロキシ",
    r"秘密(?!鍵)": "シークレット",
    r"(?:クラスタ|プレースホルダ)(?!ー)": "the same with ー",
    r"送信箱": "アウトボックス",
    r"計算機": "マシン",
    r"道具": "ツール",
    r"既に": "すでに",
    r"[一二三四五六七八九百](?:つ|秒|件|回|個|本|通|台|行|週間|か月|年|時間)": "Arabic figures",
    r"[二三四五六七八九十百]日": "Arabic figures",
    r"[：％０-９Ａ-Ｚａ-ｚ]": "the half-width character",
    r"\d %": "no blank before %",
    rf"[{_JAPANESE}、。」）] [A-Za-z0-9「]|[A-Za-z0-9%」] [{_JAPANESE}「（]": "no blank around Latin letters",
}  # fmt: skip


def _wrong(text: str) -> list[str]:
    return [f"{found[0]!r}: {use}" for form, use in INSTEAD.items() if (found := re.search(form, text))]


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """The Japanese of a file, with line numbers: of Python the literals, of anything else the lines."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        pieces = [
            (token.start[0], token.string)
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type in (tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", None))
        ]
    else:
        # In Markdown what is indented shows a screen, whose columns stand apart by blanks.
        pieces = [
            (number, line)
            for number, line in enumerate(source.splitlines(), start=1)
            if not (path.name == "README.ja.md" and line.startswith("    "))
        ]
    for number, piece in pieces:
        if re.search("[ぁ-んァ-ヶ一-龠]", piece):
            yield number, piece


def test_no_text_uses_a_form_that_the_glossary_does_not():
    read = [(f"{path.relative_to(ROOT)}:{number}", text) for path in TEXTS for number, text in _texts(path)]
    assert len(read) > 900  # or it was not the texts that were read
    assert {place: wrong for place, text in read if (wrong := _wrong(text))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "experiments/に書き出します", "深刻さ", "起きやすいもの", "起きること", "題名", "メモリー不足",
        "プライマリーの停止", "サーバが停止", "ディレクトリ", "部品", "障害プロキシ", "フォールトプロキシ",
        "送信箱に残る", "計算機", "運用者の道具", "既にある", "九十日より古い", "五件に一件", "二秒まで待つ", "二つ",
        "cache：なし", "約5 %", "PostgreSQL の停止", "「確認」 の節", "その後 503", "「a」を 「b」に",
    ],
)  # fmt: skip
def test_such_a_form_is_found(text: str):
    assert _wrong(text)


@pytest.mark.parametrize(
    "text",
    [
        "エクスポート", "もう一度", "一部のリクエスト", "十分", "一覧", "日本語", "環境 {environment}・{arms}", "5%",
        "理由: PostgreSQLが停止", "障害注入プロキシ", "サーバー", "ユーザーフロー", "既知の語",
        "「make」と「chaos heal」", "Python 3.11以降",
    ],
)  # fmt: skip
def test_a_good_form_is_let_be(text: str):
    assert _wrong(text) == []
