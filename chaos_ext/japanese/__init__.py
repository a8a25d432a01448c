"""Every sentence that people read, in Japanese: English template → Japanese template, one module a room, found by itself.

Style: です・ます in sentences that tell a person something, bare nouns in labels and tables. No blank between
Japanese and Latin letters or figures; only a label and its value stand apart (環境 lab). Figures are Arabic; %
and : are half-width, brackets full-width. A value stands in 「」 or where a particle fits whatever it is, and so does what is
typed (「chaos heal」). Long vowels: サーバー, ユーザー, but プライマリ, メモリ, プロキシ, フォルダ, パラメータ, ブラウザ.

The same word for the same thing, everywhere (screens, catalogue, sheets, README.ja.md). `tests/test_japanese_words.py`
hunts for the forms that are not used; add one there when you decide between two words here.

=====================  ======================
failure mode           故障モード
fault                  障害
inject                 注入する
in force               発生中
event                  事象
severity               重大度
likelihood             起こりやすさ
detectability          気づきにくさ
runbook                ランブック
verdict                判定
verified               検証済み
refuted                反証
unknown                判定不能
reproduced             再現のみ
gap                    未検証
steady state           定常状態
baseline               ベースライン
blast radius           影響範囲
recovery               復旧
user flow              ユーザーフロー
impact                 影響
outage, degraded       停止、劣化
late, stale, wrong     遅延、古い、誤り
none (impact)          なし
objective              目標
acknowledged write     受け付け済みの書き込み
lost                   消失
arm                    アーム
treatment              対処あり
no-action              対処なし
trial                  試行
run                    実行
environment            環境
lab                    ラボ
part (of the lab)      構成要素
fault proxy            障害注入プロキシ
meter                  計測器
evidence               証拠
undo                   取り消し
ledger                 台帳
janitor                後片付け役
bundle                 記録一式
alert                  アラート
diagnose, mitigate     診断、対処
Verification           確認
step, decision         手順、判断
title                  タイトル
export                 エクスポート
primary, standby       プライマリ、スタンバイ
outbox                 アウトボックス
folder, machine, tool  フォルダ、マシン、ツール
=====================  ======================
"""

from __future__ import annotations

import importlib
import pkgutil

TRANSLATIONS: dict[str, str] = {
    english: japanese
    for room in pkgutil.iter_modules(__path__)
    for english, japanese in importlib.import_module(f"{__name__}.{room.name}").WORDS.items()
}
