"""Whether the probes of failure modes tell a fault from its absence, and what became of their mutants."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # while it goes on
    "{mode}: {what}": "{mode}: {what}",
    "a lab starts": "ラボを起動中",
    "before the fault": "障害の前",
    "{fault} goes in": "{fault}を注入中",
    "the runbook is followed": "ランブックを実行中",
    "after its undo": "取り消しの後",
    "{why}: nothing more is started": "{why}。新しいことは始めません",
    "Stopped and undone, so nothing is proven: {why}.": "中止して取り消したため、何も証明できません: {why}。",
    # headings
    "PROBE": "プローブ",
    "MUTANT": "変異",
    "RESULT": "結果",
    # states and answers
    "with its source cut off": "情報源に届かないとき",
    "says yes": "「はい」と答える",
    "says no": "「いいえ」と答える",
    "says nothing": "答えない",
    # mutants
    "original": "原本",
    "constant true": "常に真",
    "constant false": "常に偽",
    "empty data": "空のデータ",
    "swallowed exception": "例外の握りつぶし",
    "always another": "常に差異あり",
    "always as before": "常に以前のまま",
    "every address is another service's": "すべての接続先が別のサービス",
    "alert: {one} -> {other}": "アラート: {one} -> {other}",
    "runbook: {one} -> {other}": "ランブック: {one} -> {other}",
    "{flows} -> {other}": "{flows} -> {other}",
    "{flows}: only {others} is looked at": "{flows}: {others}だけを見る",
    # what probes are for
    "steady state": "定常状態",
    "look": "状態の確認",
    "{kind} {probe}": "{kind} {probe}",
    "{mutant} ({what})": "{mutant}（{what}）",
    # what became of them
    "{killed} of {all} mutants killed, {survived} survived, {unproven} unproven; {wrong} probes do not discriminate": (
        "変異{all}件のうち検出{killed}件、見逃し{survived}件、未証明{unproven}件。障害の有無を見分けられないプローブ{wrong}件"
    ),
    "{killed} of {all} mutants killed, {s:.0f} s": "変異{all}件のうち検出{killed}件、{s:.0f}秒",
    "killed: {state} it {says} ({word})": "検出: {state}に{says}（{word}）",
    "SURVIVED: nobody would notice": "見逃し: 誰も気づかない",
    "DOES NOT DISCRIMINATE: {state} it {says} ({word}): {told}": "見分けられない: {state}に{says}（{word}）: {told}",
    "unproven: {why}": "未証明: {why}",
    "it could not be asked: {states}": "尋ねられませんでした: {states}",
    "it gave no answer: {states}: {told}": "答えがありませんでした: {states}: {told}",
    "the evidence does not say no before the fault, so nothing was broken": (
        "障害の前に証拠が「いいえ」と答えないため、何も壊していません"
    ),
    "the place is not well before anything is broken: {why}": "何も壊す前から環境が正常ではありません: {why}",
    "this machine was too busy to measure: run it again with less beside it": (
        "このマシンの負荷が高く計測できません。ほかの処理を減らして、もう一度実行してください"
    ),
    "the place is not as it was: {paths}": "環境が元どおりではありません: {paths}",
    "{mode}: left broken: {why}.": "{mode}: 壊れたまま残りました: {why}。",
    "{mode}: not proven: {why}.": "{mode}: 証明できません: {why}。",
    "{mode}: {note}.": "{mode}: {note}。",
    "no flow is claimed to be hurt: impact, recovery and steady state say nothing about it": (
        "影響を受けるとされるフローがないため、影響、復旧、定常状態では判断できません"
    ),
    "its alert still fires after the undo: it tells of an event, not of a state": (
        "取り消しの後もアラートが鳴っています。状態ではなく出来事を知らせるアラートです"
    ),
    "its Verification asks for what only the runbook makes: the runbook was followed": (
        "ランブックの「確認」は、ランブックだけが作るものを求めるため、ランブックを実行しました"
    ),
    "its Verification does not hold after the undo alone: it was tried again with the runbook": (
        "取り消しだけではランブックの「確認」が成立しないため、ランブックを実行してもう一度試しました"
    ),
    "Looks in which no fault of these modes shows, so nothing is said of them: {names}.": (
        "これらの故障モードの障害が現れないため、判断していない状態の確認: {names}。"
    ),
    # probes that know when they know nothing
    "{node}: got a standby, expected the primary": "{node}はスタンバイです。プライマリが必要です",
    "{folder}: got no certificate, expected the lab's": "{folder}に証明書がありません。ラボの証明書が必要です",
    "postgresql: got no answer from any of {nodes}": "postgresql: {nodes}のどれからも応答がありません",
}
