"""What commands print around what they found."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "Interrupted.": "中断しました。",
    "{prefix}: got no Python package '{name}', expected everything that set-up installs. Try: make clean, then the "
    "same command again.": (
        "{prefix}: Pythonパッケージ「{name}」がありません。「make clean」の後、同じコマンドをもう一度実行してください。"
    ),
    "The disk is full while writing {file}: {why}. Free some space and run the command again.": (
        "{file}の書き込み中にディスクがいっぱいになりました（{why}）。空きを作ってもう一度実行してください。"
    ),
    "The disk is full: {why}. Free some space and run the command again.": (
        "ディスクがいっぱいです（{why}）。空きを作ってもう一度実行してください。"
    ),
    "{file}: {why}. Check who owns it and whether it may be written.": (
        "{file}: {why}。所有者と書き込み権限を確認してください。"
    ),
    "This is a bug in chaos-ext, not in what you wrote: {short}{at}": (
        "あなたの書いたものではなく、chaos-extの不具合です: {short}{at}"
    ),
    "The full report is in {path}; paste it into an issue.": "詳しい報告は{path}にあります。イシューに貼り付けてください。",
    "The full report could not be saved ({why}); paste these lines into an issue:": (
        "詳しい報告を保存できませんでした（{why}）。次の行をイシューに貼り付けてください:"
    ),
    "no folder takes it": "書き込めるフォルダなし",
    "--events goes with one failure mode.": "--eventsは故障モード1つのときだけ使えます。",
    # chaos catalog
    "ID": "ID",
    "PRIORITY": "優先度",
    "PRODUCT": "製品",
    "IN": "実行先",
    "TITLE": "タイトル",
    "file": "ファイル",
    "product": "製品",
    "category": "分類",
    "event": "事象",
    "impact": "影響",
    "priority": "優先度",
    "objectives": "目標",
    "reproduce": "再現方法",
    "leaves": "残るもの",
    "owner": "担当",
    "reference": "参考",
    "{flow}: {impact}": "{flow}: {impact}",
    "{flow}: possibly {impact}": "{flow}: {impact}もありうる",
    "no flow": "影響するフローなし",
    "{summary} ({flows})": "{summary}（{flows}）",
    "{priority} of 27 (severity {severity} x likelihood {likelihood} x detectability {detectability})": (
        "{priority}/27（重大度{severity}、起こりやすさ{likelihood}、気づきにくさ{detectability}の積）"
    ),
    "by itself": "自然に復旧",
    "by the runbook": "ランブックで復旧",
    "{name}: detect within {detect:g} s, recover within {recover:g} s, lose at most {lost} writes": (
        "{name}: 検知{detect:g}秒以内、復旧{recover:g}秒以内、書き込みの消失{lost}件まで"
    ),
    "Give the ID of a failure mode, or --view application, or --view product.": (
        "故障モードのID、「--view application」、「--view product」のいずれかを指定してください。"
    ),
    "--format {form} is for a table: add --view product, and leave ID out.": (
        "「--format {form}」は一覧表用です。IDを外して「--view product」を付けてください。"
    ),
    "--format xlsx needs --output FILE.xlsx.": "「--format xlsx」には「--output FILE.xlsx」が必要です。",
    "{n} failure mode": "故障モード{n}件",
    "{n} failure modes": "故障モード{n}件",
    "{n} environment": "環境{n}件",
    "{n} environments": "環境{n}件",
    "{n} problem": "問題が{n}件",
    "{n} problems": "問題が{n}件",
    "{modes} and {environments}": "{modes}と{environments}",
    "{looked_at}: nothing wrong.": "{looked_at}: 問題ありません。",
    "{looked_at} understood: {problems}.": "{looked_at}を読み取りました。{problems}あります。",
    "wrote {path}": "{path}を書き込みました",
    "removed {path}": "{path}を削除しました",
    "{written} written, {removed} removed, {same} up to date already.": (
        "書き込み{written}件、削除{removed}件、すでに最新{same}件。"
    ),
    "Say which: {kinds}; or --write for all.": "どれかを指定してください: {kinds}。--writeですべてを書き込みます。",
    "{values} values changed, {modes} failure modes new, {files} files written.": (
        "値の変更{values}件、新しい故障モード{modes}件、書き込んだファイル{files}件。"
    ),
    "dry run: nothing was written": "ドライラン: 何も書き込んでいません",
    "'{file}', which is there": "すでにある「{file}」",
    "a file that is not there yet": "まだないファイル",
    "Take another name, or add --force to write over it.": "別の名前にするか、上書きするなら「--force」を付けてください。",
    "a name that ends in '{suffix}'": "「{suffix}」で終わる名前",
    "What to fill in:": "記入するところ:",
    "  {mark}": "  {mark}",
    "Then: make compile, and {command}": "その後: 「make compile」、続いて「{command}」",
    # chaos history, chaos ledger
    "started (UTC)": "開始（UTC）",
    "verdict": "判定",
    "mode": "故障モード",
    "run": "実行",
    "was": "以前",
    "is": "現在",
    "same": "同じ",
    "DIFFERS": "相違",
    "No run is kept. Try: chaos verify ID": "実行の記録がありません。「chaos verify ID」を実行してください。",
    "\nThis run was never judged. Try: chaos history rejudge {name}": (
        "\nこの実行は判定されていません。「chaos history rejudge {name}」を実行してください。"
    ),
    "the file as it was sealed": "封印時のままのファイル",
    "{count} run is as it was sealed": "実行{count}件は封印時のままです",
    "{count} runs are as they were sealed": "実行{count}件は封印時のままです",
    "state": "状態",
    "name": "名前",
    "instance": "インスタンス",
    "intended": "注入予定",
    "runner": "実行プロセス",
    "why": "理由",
    "{pid} alive": "{pid} 動作中",
    "{pid} dead": "{pid} 終了済み",
    "left {name} in {instance}: its run (pid {pid}) is alive": (
        "{instance}の{name}は、実行（pid {pid}）が動作中のため、そのままにしました"
    ),
    "nothing to heal": "復元するものはありません",
    "nothing was ever injected": "これまでに何も注入されていません",
    "nothing is open": "未完了のものはありません",
    # chaos lab
    "the lab is down": "ラボを停止しました",
    "lab {lab} is down": "ラボ{lab}を停止しました",
    "healthy": "正常",
    "not healthy": "異常あり",
    "usable": "利用可能",
    " (primary)": "（プライマリ）",
    "lab {name}: {healthy}. {why}": "ラボ{name}: {healthy}。{why}",
    "no lab is up; 'chaos lab up' starts one": "起動中のラボはありません。「chaos lab up」で起動します",
    "left over: {left_over}": "残骸: {left_over}",
    "dashboard": "ダッシュボード",
    "responses": "回答",
    "alerts": "アラート",
    "fault proxies": "障害注入プロキシ",
    "parts": "構成要素",
    "tools": "ツール",
    "logs": "ログ",
    "data": "データ",
    "exit code {code}": "終了コード{code}",
    # chaos runbook
    "{heading}: done?": "{heading}: 完了しましたか？",
    "{file}: ok: {numbered} steps, platforms {on}": "{file}: 問題ありません（{numbered}手順、プラットフォーム {on}）",
    "to take back what was done: chaos runbook follow {file} --step {key}": (
        "取り消すには: chaos runbook follow {file} --step {key}"
    ),
    "{heading}  [{role}, at most {timeout_s:g} s]": "{heading}  [{role}、最長{timeout_s:g}秒]",
    "dry run on {platform}: nothing was run": "{platform}でのドライラン: 何も実行していません",
}
