"""The runs that were kept: their index, what differs between two, what is removed, and where each failure mode stands."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # words of a list
    "unfinished": "未完了",
    "damaged": "破損",
    "evidence removed {when}": "証拠は{when}に削除",
    "kept on {where}": "保管場所は{where}",
    "… and {count} more; all of them: chaos history list --limit 0": (
        "ほかに{count}件（すべて表示: chaos history list --limit 0）"
    ),
    # one run
    "{run}: {mode} in {environment} was {verdict} ({because}) on {started}.": (
        "{run}: {environment}での{mode}は「{verdict}」（{because}）、開始{started}。"
    ),
    "Its evidence was removed {when}: {why}.": "証拠は{when}に削除されました: {why}。",
    "\nThis run is not as it was sealed ({file}), so it proves nothing. See: chaos history check {name}": (
        "\nこの実行は封印時のままではないため（{file}）、何の証明にもなりません。「chaos history check {name}」を実行してください。"
    ),
    # two runs
    "first": "1つ目",
    "second": "2つ目",
    "trials": "試行",
    "seed": "シード",
    "detected after": "検知まで",
    "recovered after": "復旧まで",
    "lost writes": "消失した書き込み",
    "version of {name}": "{name}のバージョン",
    "What the verdicts rest on differs in: {what}": "判定の前提で異なるもの: {what}",
    # judged again
    "REFUSED": "拒否",
    "its evidence was removed: {why}": "証拠は削除済み（{why}）",
    "not as it was sealed: {files}": "封印時のままではないファイル: {files}",
    "A newer chaos-ext kept this run. Upgrade chaos-ext here.": (
        "この実行はより新しいchaos-extの記録です。このマシンのchaos-extを更新してください。"
    ),
    "at most {schema}": "{schema}以下",
    "{file}: missing": "{file}: ありません",
    "its 'run' is no list of activities": "「run」がアクティビティの一覧ではありません",
    "{path}:{number}: not a line of a write log": "{path}:{number}: 書き込みログの行ではありません",
    "{path}:{number}: not what was read back of a flow": "{path}:{number}: フローから読み出したものではありません",
    "no files": "ファイルの記載がありません",
    "{folder}: no run": "{folder}: 実行の記録ではありません",
    # the index
    "{count} runs are in the index, read in {s:.1f} s": "索引に実行{count}件（読み込み{s:.1f}秒）",
    "Reading {count} runs for the index …": "索引のため実行{count}件を読み込んでいます",
    "{count} runs are gone from {folder}, and no tombstone says why: {ids}.": (
        "実行{count}件が{folder}からなくなり、削除の記録もありません: {ids}。"
    ),
    "The index is made again from the runs: {why}.": "実行の記録から索引を作り直します: {why}。",
    "The index could not be written: {why}.": "索引に書き込めませんでした: {why}。",
    "Without an index, every run is read: {why}.": "索引を使えないため、すべての実行を読み込みます: {why}。",
    "it cannot be written": "書き込めません",
    "its row of {run} says something else than the run": "「{run}」の行が実行の記録と異なります",
    "its row of {run} is not what was written": "「{run}」の行が書き込まれたときのままではありません",
    "it is of version {version}, not {ours}": "バージョンが{ours}ではなく{version}です",
    "the index": "索引",
    "postgresql://user@host/database or sqlite:///path": "postgresql://user@host/databaseまたはsqlite:///path",
    "an index of version {version}": "バージョン{version}の索引",
    "A newer chaos-ext made it. Upgrade chaos-ext here.": (
        "より新しいchaos-extが作ったものです。このマシンのchaos-extを更新してください。"
    ),
    # what need not be kept
    "Nothing says how long runs are kept, so all are. See docs/history.md: catalog/history.yaml": (
        "保管期間の指定がないため、すべて保管します。docs/history.md（catalog/history.yaml）を参照してください。"
    ),
    "{days:.0f} days old; {where} keeps them for {most:.0f}": "{days:.0f}日前の実行（{where}の保管期間は{most:.0f}日）",
    "would remove {run}: {why}": "削除の対象 {run}: {why}",
    "removed {run}: {why}": "削除しました {run}: {why}",
    "removed the rest of {run}": "「{run}」の残りを削除しました",
    "{count} of {all} runs would be removed": "実行{all}件のうち{count}件が削除の対象です",
    "{count} of {all} runs removed, {mb:.1f} MB": "実行{all}件のうち{count}件を削除しました（{mb:.1f} MB）",
    # where each failure mode stands
    "STATUS": "状態",
    "ENVIRONMENT": "環境",
    "TRIED (UTC)": "最終実行 (UTC)",
    "TRIALS": "試行",
    "RUN": "実行",
    "BECAUSE": "理由",
    "was {verdict}; changed: {what}": "以前は「{verdict}」、変更されたもの: {what}",
    "was {verdict}; due {days:.1f} days ago": "以前は「{verdict}」、期限を{days:.1f}日超過",
    "damaged: {file}": "破損: {file}",
    "nobody knows when it ran": "実行時刻が不明",
    "it ran in the future: a clock was wrong, then or now": "実行時刻が未来（当時または現在の時計の誤り）",
    "no failure mode can be tried there": "そこで試せる故障モードはありません",
    "{count} left something broken": "未復元{count}件",
    "Likely, but without a runbook: {ids}.": "起こりやすいのにランブックがない故障モード: {ids}。",
    "{gaps} of {all} ways in which a dependency can fail are tried by no failure mode; see: chaos catalog show --view application": (
        "依存先の故障の仕方{all}通りのうち{gaps}通りは、どの故障モードでも試されていません（chaos catalog show --view application）"
    ),
}
