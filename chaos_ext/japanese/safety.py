"""What keeps a run safe: the guard, the lock, the ledger, the janitor; and the environment it is in."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # the guard
    "identity: got nothing to prove, expected at least one kind. Nothing is injected.": (
        "identity: 証明するものがありません（1種類以上が必要です）。何も注入しません。"
    ),
    "identity.{kind}: got a kind that cannot be proven, expected one of {provers}.": (
        "identity.{kind}: 証明できない種類です（証明できるのは{provers}）。"
    ),
    "identity.{kind}: got {name}: {error}, expected a proof.": "identity.{kind}: 証明できませんでした（{name}: {error}）。",
    "{kind}: got '{got}', expected '{expected}'": "{kind}: 実際は「{got}」、期待は「{expected}」",
    "no proof": "証明なし",
    "{said}. This is not the place; nothing is touched.": "{said}。目的の環境ではないため、何にも触れません。",
    "lab marker": "ラボの目印",
    "lab directory by its facts": "ラボの申告によるフォルダ",
    "lab marker by its facts": "ラボの申告による目印",
    "lab socket by its facts": "ラボの申告によるソケット",
    "{path}: got {strerror}, expected the lab's supervisor. Is the lab up?": (
        "{path}: ラボのsupervisorに接続できません（{strerror}）。ラボは起動していますか？"
    ),
    "{path}: got something that is not our socket, expected the lab's supervisor.": (
        "{path}: ラボのsupervisorのソケットではありません。"
    ),
    "{socket_path}: {method}: got {got}, expected an answer.": "{socket_path}: {method}: 応答がありません（{got}）。",
    # the lock and the ledger
    "{path}: got {strerror}, expected to lock it.": "{path}: ロックできません（{strerror}）。",
    "{subject}: got taken by {who}, expected free. Wait for it or stop it.": (
        "{subject}: {who}が使用中です。終わるのを待つか、止めてください。"
    ),
    "{what} of {who} on {host} (pid {pid}, since {since})": "{host}の{who}による{what}（pid {pid}、{since}から）",
    "somebody who has just taken it": "たった今取得した誰か",
    "{path}: got {strerror}, expected to write down '{state}' durably. Make room or mend the directory; nothing is "
    "injected without it.": (
        "{path}: 「{state}」を確実に書き込めません（{strerror}）。空きを作るかフォルダを直してください。"
        "書けなければ何も注入しません。"
    ),
    "{path}: got {strerror}, expected to read what is open.": "{path}: 未完了の記録を読めません（{strerror}）。",
    "{path}: got {unhealed} unhealed: {names}; expected none before anything new is broken. Run 'chaos heal'.": (
        "{path}: 復元されていない障害が{unhealed}件あります: {names}。新しく何かを壊す前に「chaos heal」を実行してください。"
    ),
    "schema {schema}, this version reads {ours}": "スキーマ{schema}です（この版が読めるのは{ours}）",
    # what killed runs left
    "ended {count} processes of a dead run's runbook": "終了した実行のランブックが動かしていたプロセスを{count}個終了しました",
    "lab {name} is down: {why}": "ラボ{name}を停止しました: {why}",
    "its process (pid {pid}) was killed": "プロセス（pid {pid}）が強制終了されました",
    "sealed {run}: {word}, {why}": "{run}を封印しました: {word}（{why}）",
    "{name} is still broken in {instance}": "{instance}の{name}は壊れたままです",
    # putting back
    "{state} {name} in {instance}: {why}": "{instance}の{name}: {state}（{why}）",
    "injected": "注入済み",
    "already": "すでに取り消し済み",
    "{state} before: {why}": "以前に{state}: {why}",
    "{why}; its ledger is gone": "{why}（台帳はなくなっています）",
    "the place is gone": "環境そのものがなくなっています",
    "not touched: {error}": "手を付けていません: {error}",
    "it has no undo": "取り消し方がありません",
    "still in force, and cannot be undone: {reason}": "発生中ですが、取り消せません: {reason}",
    "no longer in force by itself": "自然に終わっています",
    "the undo returned ({why}), but the fault is still in force": "取り消しは終わりましたが（{why}）、障害が続いています",
    "the undo returned": "取り消しが終わりました",
    "the undo said {word!r}, expected undone, superseded or already": (
        "取り消しの結果が{word!r}です（undone、superseded、alreadyのいずれかが必要です）"
    ),
    "not done after {limit_s:g} s": "{limit_s:g}秒たっても終わりません",
    "{probe}: got {seen!r}, expected an object with a boolean 'holds'": (
        "{probe}: 結果が{seen!r}です（真偽値「holds」を持つオブジェクトが必要です）"
    ),
    # the janitor
    "janitor: {text}": "後片付け役: {text}",
    "{because}: {text}": "{because}: {text}",
    "the runner died": "実行プロセスが異常終了しました",
    "the runner died: {key}: {result}": "実行プロセスが異常終了しました: {key}: {result}",
    "the runner died: ended {count} processes of its runbook's block": (
        "実行プロセスが異常終了しました: ランブックのブロックのプロセスを{count}個終了させました"
    ),
    "the runner ended without undoing it": "実行プロセスが取り消さずに終わりました",
    "its lease ran out although the runner lives": "実行プロセスは動いていますが、障害の期限が過ぎました",
    "done": "完了",
    "exit {code}: {tail}": "終了コード{code}: {tail}",
    "janitor: got {error}, expected to start it. Nothing is injected.": (
        "後片付け役を起動できません（{error}）。何も注入しません。"
    ),
    "janitor: got {error}, expected to be able to undo. Nothing is injected.": (
        "後片付け役が取り消しの準備をできません（{error}）。何も注入しません。"
    ),
    "janitor (pid {pid}): got {error}, expected an answer within {s:g} s. Without a janitor nothing more is injected.": (
        "後片付け役（pid {pid}）から{s:g}秒以内に応答がありません（{error}）。後片付け役なしでは、これ以上注入しません。"
    ),
    # the environment
    "a folder that holds catalog/ and environments/": "catalog/とenvironments/のあるフォルダ",
    "Go to your project, or set CHAOS_PROJECT to its path.": (
        "プロジェクトのフォルダに移るか、CHAOS_PROJECTにそのパスを設定してください。"
    ),
    "There is nothing in {folder}/ yet.": "{folder}/にはまだ何もありません。",
    "the name of an environment": "環境の名前",
    "Rename the file to {name}.yaml, or write 'name: {stem}'.": (
        "ファイル名を{name}.yamlに変えるか、「name: {stem}」と書いてください。"
    ),
    "the file's stem, '{name}'": "拡張子を除いたファイル名「{name}」",
    "a placeholder that has a value": "値のあるプレースホルダー",
    "Set the variable {variable}.": "変数{variable}を設定してください。",
    "No lab was asked; only an environment of platform 'lab' has facts.": (
        "ラボに問い合わせていません。ラボの情報を使えるのはプラットフォームが「lab」の環境だけです。"
    ),
    "The lab says that it has none.": "ラボによれば、ありません。",
    "It holds more than one value: {values}.": "値が複数あります: {values}。",
    # a trial
    "asked to stop: nothing more is started": "中断の指示を受けたため、これ以上何も始めません",
    "{why}, before the trial began": "試行が始まる前: {why}",
    "{why}, before all trials had run": "すべての試行が終わる前: {why}",
    # why a trial is aborted
    "somebody pressed Ctrl-C (SIGINT)": "Ctrl-Cが押されました（SIGINT）",
    "somebody ended the process (SIGTERM)": "プロセスの終了を指示されました（SIGTERM）",
    "the terminal is gone (SIGHUP)": "端末が切断されました（SIGHUP）",
    "the terminal is gone": "端末が切断されました",
    "nobody reads the output any more": "出力の読み手がいなくなりました",
    "the campaign that started it is gone": "これを開始したキャンペーンがなくなりました",
    "the record cannot be written: {why}": "記録を書き込めません: {why}",
    "the conditions that stop a run cannot be looked at any more: {why}": "実行を止める条件を確認できなくなりました: {why}",
    "waiting for {who}": "{who}を待っています",
    "undo {name}": "{name}の取り消し",
    "the record is closed": "記録は閉じられています",
    "undo in '{instance}': got one of this process that was given up and goes on, expected it to end. End this process, "
    "then run 'chaos heal'.": (
        "「{instance}」の取り消し: このプロセスで打ち切られた取り消しがまだ続いています。このプロセスを終わらせてから"
        "「chaos heal」を実行してください。"
    ),
    "nothing is measured any more: {why}": "計測できなくなりました: {why}",
    "{flow} is hurt, which the failure mode claims not to touch: {failed} of {operations} operations failed in the last "
    "{s:g} s": (
        "故障モードが影響しないとしている{flow}に影響が出ています: 直近{s:g}秒で{operations}件中{failed}件の操作が失敗"
    ),
    "{flow} is hurt, which the failure mode claims not to touch: slower than promised for the last {s:g} s": (
        "故障モードが影響しないとしている{flow}に影響が出ています: 直近{s:g}秒、SLOより遅くなっています"
    ),
    "users are still hurt ({flows}) {age_s:.0f} s after the fault; the objective is {within_s:g} s": (
        "障害から{age_s:.0f}秒たっても利用者への影響が続いています（{flows}）。目標は{within_s:g}秒です"
    ),
    "the fault is older than limits.longest_fault allows ({s:g} s)": (
        "障害がlimits.longest_faultの上限（{s:g}秒）を超えて続いています"
    ),
    "{number} targets are broken at once ({broken}), and limits.targets allows {most}": (
        "同時に壊れている対象が{number}個あり（{broken}）、limits.targetsの上限（{most}個）を超えています"
    ),
    "Labs of this run could not be taken down. Try: {again}": "この実行のラボを片付けられませんでした。実行してください: {again}",
    "lab {name}: {error}": "ラボ{name}: {error}",
    "the alerts cannot be read: {error}": "アラートを取得できません: {error}",
    "the alert {alert} fires before anything is broken": "何も壊していないのにアラート{alert}が発報しています",
    "{url}: the answer is not Alertmanager's: {error!r}": "{url}: Alertmanagerの応答ではありません: {error!r}",
    "the writes could not be read back: {why}": "書き込みを読み戻せませんでした: {why}",
    "{lost} acknowledged writes are lost": "受け付け済みの書き込みが{lost}件消失しました",
    "{flow}: {failed} of {operations} failed": "{flow}: {operations}件中{failed}件失敗",
    "no fault was injected": "障害が注入されていません",
    "no fault is in: the runbook is not followed": "障害が入っていないため、ランブックを実行しません",
    "this failure mode has no runbook": "この故障モードにはランブックがありません",
    # the meter
    "the meter cannot record in {directory}: {why}": "計測器が{directory}に記録できません: {why}",
    "the meter broke: {kind}: {error}": "計測器が異常終了しました: {kind}: {error}",
    "{name}: GET {url}: {error}": "{name}: GET {url}: {error}",
    "no answer in time": "時間内に応答なし",
    "status {status}, expected 200": "ステータス{status}（期待は200）",
    "not JSON: {text!r}": "JSONではありません: {text!r}",
    "no {list_at!r} in the answer: {text!r}": "応答に{list_at!r}がありません: {text!r}",
    "{what} is not a list: {text!r}": "{what}がリストではありません: {text!r}",
    "the answer": "応答",
    "certificates in PEM": "PEM形式の証明書",
    # the door to a fault
    "the activity failed: {error}": "アクティビティが失敗しました: {error}",
    "the activity returned, but its effect does not show: {evidence}": "アクティビティは終わりましたが、効果が現れていません: {evidence}",
    "the verdict's rules": "判定の規則",
    "nothing was injected": "何も注入されていません",
    "{name}: {why}. Run 'chaos heal'.": "{name}: {why}。「chaos heal」を実行してください。",
    "{name}: {why}": "{name}: {why}",
    "the activity has not returned ({error}); what it does from now on is undone": (
        "アクティビティが戻りません（{error}）。これから行うことは取り消します"
    ),
    "{name}: got an in_force that is no probe, expected one: it only looks.": (
        "{name}: in_forceがprobeではありません。in_forceは見るだけのprobeにしてください。"
    ),
    "{name}: got no undo, expected one, or cannot_be_undone_because.": (
        "{name}: 取り消し（undo）もcannot_be_undone_becauseもありません。"
    ),
    "{name}: got an undo that needs secrets; the janitor has none to run it with.": (
        "{name}: 取り消しにシークレットが必要ですが、後片付け役は持っていません。"
    ),
    "{name}: got {error}, expected to see whether it is in force already.": (
        "{name}: すでに発生しているか確かめられません（{error}）。"
    ),
    "{name}: got in force before anything was done ({before}), expected not.": (
        "{name}: 何もしないうちから発生しています（{before}）。"
    ),
    "{name}: got {number} targets at once ({hit}), expected at most {most}: limits.targets in "
    "environments/{environment}.yaml.": (
        "{name}: 同時に{number}個の対象です（{hit}）。上限は{most}個です（environments/{environment}.yamlのlimits.targets）。"
    ),
    "{name}: got {error}, expected to record it. Nothing was injected.": (
        "{name}: 記録できません（{error}）。何も注入していません。"
    ),
    # history
    "{folder}: this run is sealed": "{folder}: この実行は封印済みです",
    "a verdict": "判定",
    "{name!r}, which fits {fits} runs": "{name!r}（{fits}件の実行に一致します）",
    "a run, and none is kept yet": "実行（まだ1つも保存されていません）",
    "Make one with: chaos verify ID": "「chaos verify ID」で作れます",
    "the id of one run, or 'last'": "1つの実行のID、または「last」",
    "Try: chaos history list": "「chaos history list」で確認してください。",
    "missing": "ファイルなし",
    "missing: the run did not come to its end, or was never sealed": (
        "ファイルなし（実行が最後まで終わっていないか、封印されていません）"
    ),
    "damaged: {error}": "破損: {error}",
    "added after the run was sealed": "封印後に追加",
    "changed after the run was sealed": "封印後に変更",
    "not an object": "オブジェクトではありません",
    "no such file": "そのようなファイルなし",
    "the directory of a run": "実行のフォルダ",
    "a damaged file ({error})": "壊れたファイル（{error}）",
    "no object": "オブジェクトなし",
    "the facts of a run": "実行の情報",
    "{path}:{number}: not a whole JSON object": "{path}:{number}: JSONオブジェクトが途中で切れています",
}
