"""Many failure modes at once: choosing, the table, the summary."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # the table
    "begins": "開始しました",
    "ends": "終了しています",
    "waits for its turn": "順番待ちです",
    "is asked to stop": "停止を求められています",
    "not run": "未実行",
    "no verdict": "判定なし",
    "decided before": "判定済み",
    "{word}, decided before": "{word}（判定済み）",
    "{word} after {s:.1f} s": "{word}（{s:.1f}秒）",
    "{s:.0f} s": "{s:.0f}秒",
    "… {what}, {s:.0f} s so far": ".. {what}、ここまで{s:.0f}秒",
    "… and {count} more, {waiting} of them wait": ".. ほか{count}件、うち順番待ち{waiting}件",
    # the summary
    "verdicts: {counts}": "判定: {counts}",
    "{count} {word}": "{word}{count}件",
    "{count} with something left behind": "後片付けが残るもの{count}件",
    "{count} of them decided before": "うち判定済み{count}件",
    "{minutes} min {seconds} s": "{minutes}分{seconds}秒",
    "Nothing that this verdict rests on has changed since {when}.": "この判定の根拠は{when}から変わっていません。",
    # signals and deaths
    "Stopping: {modes} undo what they broke and end. Nothing new starts.": (
        "停止します。{modes}は壊したものを元に戻して終了します。新しい実行は始めません。"
    ),
    "Still waiting for {modes}: what was broken is being undone, and a lab is taken down. That ends by itself.": (
        "{modes}の終了を待っています。壊したものを元に戻し、ラボを片付けています。自動的に終わります。"
    ),
    "Somebody asked to stop before its turn came.": "順番が来る前に停止を求められました。",
    "Another one was not good before its turn came, and --fail-fast was given.": (
        "順番が来る前に別の故障モードが良い結果になりませんでした（--fail-fast指定）。"
    ),
    "was killed by {signal}": "{signal}で強制終了されました",
    "was killed by signal {number}": "シグナル{number}で強制終了されました",
    "Its process ended with exit code {code}.": "実行プロセスが終了コード{code}で終了しました。",
    "Its process {how}.": "実行プロセスが{how}。",
    "{how} Waiting for its janitor, which undoes what it broke.": (
        "{how}壊したものを元に戻す後片付け役の終了を待っています。"
    ),
    # what cannot be
    "Try: chaos catalog list": "次を試してください: chaos catalog list",
    "'{id}' {times} times": "「{id}」が{times}回",
    "Name each failure mode once.": "故障モードは1回ずつ指定してください。",
    "'{pattern}', which no id matches": "「{pattern}」（一致するIDがありません）",
    "There is nothing below {folder}/ yet.": "{folder}/の下にはまだ何もありません。",
    "'{pattern}', which matches only modes that have no fault for platform '{platform}' ({ids})": (
        "「{pattern}」（プラットフォーム「{platform}」の障害を持たない故障モードにしか一致しません: {ids}）"
    ),
    "ids of failure modes, 'all', or a pattern such as 'redis-*'": (
        "故障モードのID、「all」、または「redis-*」のようなパターン"
    ),
    "{mode}: left out, it has no fault for platform '{platform}'.": (
        "{mode}: プラットフォーム「{platform}」の障害がないため、除きました。"
    ),
    "Leave JOBS away.": "JOBSを指定しないでください。",
    "1: a place of its own for every run is what only the lab has": (
        "1（実行ごとに専用の環境を持てるのはラボだけです）"
    ),
    "at most {most}: every lab needs a processor core, or what is measured is the machine and not the "
    "service, and {cores} can be used here": (
        "最大{most}（ラボごとにCPUコアが1つ必要です。足りないとサービスではなくマシンを計測してしまいます。"
        "ここで使えるコアは{cores}です）"
    ),
    "at most {most}: every lab needs about {lab} GB of memory, and {free} GB are free": (
        "最大{most}（ラボごとに約{lab}GBのメモリが必要で、空きは{free}GBです）"
    ),
    "Try: JOBS={most}": "次を試してください: JOBS={most}",
    "a file in a folder that is there and may be written": "書き込めるフォルダにあるファイル",
    "--events: got {fd}, expected a connected socket.": (
        "--events: {fd}が指定されましたが、接続済みのソケットが必要です。"
    ),
}
