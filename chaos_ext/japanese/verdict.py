"""Verdicts: their reasons, and what they are worth. Most sentences go on after a trial's name and a colon."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "{trial} {sentence}": "{trial}: {sentence}",
    "{flow}: {figures}": "{flow}: {figures}",
    "{names} and {count} more": "{names}ほか{count}件",
    "{failed} of {operations} operations failed": "{operations}件中{failed}件の操作が失敗",
    "{failed} of {operations} operations failed, {latency_s:.2f} s at the SLO's percentile": (
        "{operations}件中{failed}件の操作が失敗、SLOのパーセンタイルで{latency_s:.2f}秒"
    ),
    # is the trial valid
    "somebody asked to stop": "中断の指示がありました",
    "was stopped before its end: {why}. Run it again.": "途中で中断されました: {why}。もう一度実行してください。",
    "was stopped and undone before its end: {why}.": "途中で中断し、取り消しました: {why}。",
    "shows that {flows} was not back {age_s:.1f} s after the fault, when it was stopped and undone; the objective is "
    "{within_s:g} s.": (
        "障害から{age_s:.1f}秒後、中断して取り消した時点で{flows}は復旧していませんでした。目標は{within_s:g}秒です。"
    ),
    "was stopped before its end. Run it again.": "途中で中断されました。もう一度実行してください。",
    "was refused, nothing was injected: {why}": "開始を拒否しました。何も注入していません: {why}",
    "was refused before it began, nothing was injected: its environment could not be proven, is taken or is not "
    "healed. The trial's experiment.log says which.": (
        "開始前に拒否しました。何も注入していません。環境を証明できないか、使用中か、復元が済んでいません。"
        "どれであるかは試行のexperiment.logにあります。"
    ),
    "the user flows did not meet their SLOs": "ユーザーフローがSLOを満たしていません",
    "found the environment unwell before anything was broken: {why}. Mend it and run again.": (
        "障害を起こす前から環境が正常ではありません: {why}。直してからもう一度実行してください。"
    ),
    "its activity failed": "注入のアクティビティが失敗しました",
    "could not inject {name}: {why}": "{name}を注入できませんでした: {why}",
    "failed in {name}: {why}": "{name}で失敗しました: {why}",
    "measured {lead_s:.1f} s before the fault, fewer than {window_s:g} s.": (
        "障害前の計測が{lead_s:.1f}秒しかなく、{window_s:g}秒に足りません。"
    ),
    "measured no operation of {flow} in the {window_s:g} s before the fault.": (
        "障害前の{window_s:g}秒間に、{flow}の操作が1件も計測されていません。"
    ),
    "broke something that was not well: in the {window_s:g} s before the fault {figures} in {flow}.": (
        "正常でないものを壊しました。障害前の{window_s:g}秒間の{flow}: {figures}。"
    ),
    "has no record that {absent} went in.": "{absent}が注入された記録がありません。",
    "has no fault to judge: the mode says none for {platform}.": (
        "判定する障害がありません。故障モードに{platform}用の障害が書かれていません。"
    ),
    "after it went in": "注入直後",
    "right before the first mitigation": "最初の対処の直前",
    "the evidence": "証拠",
    "has no look at the fault {when}.": "{when}に障害を確かめた記録がありません。",
    "shows no fault {when}: {names} does not hold. What happened afterwards proves nothing; check the fault's "
    "activity and its in_force probe.": (
        "{when}に障害が発生していません（{names}が不成立）。その後に起きたことは何の証明にもなりません。"
        "障害のアクティビティとin_forceのプローブを確認してください。"
    ),
    "has evidence for {evidence} of {faults} faults {when}.": "{when}の証拠が、障害{faults}件のうち{evidence}件分しかありません。",
    "looked at the fault before it had gone in.": "障害の注入が終わる前に確かめていました。",
    "looked at the fault only after the mitigation had begun.": "対処が始まった後にしか障害を確かめていません。",
    "found {name} undone by somebody else before its own undo: what brought the service back cannot be told. Leave a "
    "run alone, or give the environment a longer limits.longest_fault.": (
        "{name}が、自身の取り消しより前に別の誰かに取り消されていました。何がサービスを復旧させたのか分かりません。"
        "実行中は手を出さないか、環境のlimits.longest_faultを長くしてください。"
    ),
    "the fault ends by itself": "障害は自然に終わります",
    "Give the fault a longer expires_after.": "障害のexpires_afterを長くしてください。",
    "the janitor undoes it": "後片付け役が障害を取り消します",
    "Give the environment a longer limits.longest_fault.": "環境のlimits.longest_faultを長くしてください。",
    "went on for {lasted_s:.1f} s, but {who} after {ends_s:g} s: what brought the service back cannot be told. "
    "{longer}": (
        "{lasted_s:.1f}秒続きましたが、{ends_s:g}秒で{who}。何がサービスを復旧させたのか分かりません。{longer}"
    ),
    "cannot measure {other}: services.yaml has no such user flow.": (
        "{other}を計測できません。services.yamlにそのようなユーザーフローはありません。"
    ),
    "cannot measure the claimed impact on {dim} with this meter.": "この計測器では、想定された影響（{dim}）を計測できません。",
    "measured no operation of {unmeasured} between the fault and the first mitigation.": (
        "障害から最初の対処までの間に、{unmeasured}の操作が1件も計測されていません。"
    ),
    "recorded that users felt the fault, but its samples say otherwise: {figures}.": (
        "利用者に影響が出たと記録されていますが、計測値は異なります: {figures}。"
    ),
    "hurt none of the flows that the mode claims to hurt ({figures}). It hurt others ({others}): is the claim about "
    "the wrong flow? Correct impact.flows.": (
        "故障モードが影響を想定するどのフローにも影響が出ていません（{figures}）。別のフローには影響が出ました（{others}）。"
        "想定するフローが違っていませんか？ impact.flowsを直してください。"
    ),
    "hurt none of the flows that the mode claims to hurt ({figures}). The fault is in force and nobody felt it: "
    "correct impact.flows, or take another fault.": (
        "故障モードが影響を想定するどのフローにも影響が出ていません（{figures}）。障害は発生していますが、誰も影響を受けていません。"
        "impact.flowsを直すか、別の障害を選んでください。"
    ),
    "see the runbook": "ランブックを参照",
    "came to what only a person can do ({why}). Give that step a standin block to have it verified unattended.": (
        "人にしかできない作業に来ました（{why}）。無人で検証するには、その手順に代行（standin）のブロックを書いてください。"
    ),
    "was watched for {watched_s:.1f} s, but the slowest treatment and its stable window took {needed_s:.1f} s: that "
    "it does not come back alone is not shown.": (
        "観測は{watched_s:.1f}秒でしたが、最も遅い対処と安定期間には{needed_s:.1f}秒かかりました。"
        "自然には復旧しないことを示せていません。"
    ),
    "{what} {measured} after the fault, around the objective of {objective_s:g} s: too coarse to judge.": (
        "{what}: 障害から{measured}後。目標の{objective_s:g}秒をまたいでおり、粗すぎて判定できません。"
    ),
    # is its record whole
    "no exception was recorded": "例外は記録されていません",
    " Activity {name} failed: {why}": "アクティビティ{name}が失敗しました: {why}",
    "failure mode": "故障モード",
    "arm": "アーム",
    "has no record of {missing}.{tail}": "{missing}の記録がありません。{tail}",
    "left no Chaos Toolkit journal: whether its rollbacks were played is not known.": (
        "Chaos Toolkitのジャーナルがなく、ロールバックが実行されたか分かりません。"
    ),
    "has damaged records: {damaged}.": "壊れた記録があります: {damaged}。",
    "has damaged files: {unreadable}.": "壊れたファイルがあります: {unreadable}。",
    "has not one measured operation.": "計測された操作が1件もありません。",
    "hurt no flow, as claimed, and has no look at the fault at the end: whether it was over then is not known.": (
        "想定どおりどのフローにも影響はありませんでしたが、最後に障害を確かめた記録がなく、終わっていたか分かりません。"
    ),
    "measured {flow}, which is no user flow of services.yaml.": "services.yamlにないユーザーフロー（{flow}）を計測しています。",
    "lacks {count} operations of {flow} that were begun.": "開始された{flow}の操作のうち{count}件の記録がありません。",
    "could not send {overloaded} of {samples} operations of {flow} in time: this machine is too busy to measure. Run "
    "it again with less beside it.": (
        "{flow}の操作{samples}件のうち{overloaded}件を時間どおりに送れませんでした。マシンが混んでいて計測できません。"
        "ほかの処理を減らしてもう一度実行してください。"
    ),
    "sent {late} of {operations} operations more than {bound_ms:.0f} ms late {when}, where half may be: this machine is "
    "too busy to measure. Run fewer labs at once (JOBS=1), or on a quieter machine.": (
        "{when}に、操作{operations}件のうち{late}件を{bound_ms:.0f}ミリ秒より遅れて送りました（許容は半数まで）。"
        "マシンが混んでいて計測できません。同時に動かすラボを減らすか（JOBS=1）、空いているマシンで実行してください。"
    ),
    "while nothing was done about the fault": "障害に何も対処していない間",
    "once something was done about the fault": "障害への対処を始めてから",
    "measured nothing of {name} for {lasted_s:.1f} s, from {since_s:+.1f} s after the fault: what users felt then is "
    "not known.": (
        "障害の{since_s:+.1f}秒後から{lasted_s:.1f}秒間、{name}が計測されていません。その間の利用者への影響は分かりません。"
    ),
    "was recorded for {what} {got}, not {expected}: it is not of this run.": (
        "記録の{what}が{expected}ではなく{got}です。この実行のものではありません。"
    ),
    "ran the runbook's Verification only after the mitigation had begun.": (
        "ランブックの「確認」が、対処が始まった後にしか実行されていません。"
    ),
    "recorded that the flows had come back, but by its samples they were not back.": (
        "フローが復旧したと記録されていますが、計測値では復旧していません。"
    ),
    "recorded that the flows had not come back, but by its samples they were back.": (
        "フローが復旧していないと記録されていますが、計測値では復旧しています。"
    ),
    "recorded a recovery without its time.": "復旧の記録に時刻がありません。",
    "recorded another time of recovery for {flow} than its samples show.": (
        "{flow}の復旧時刻の記録が、計測値と一致しません。"
    ),
    "no answer": "応答なし",
    "could not read the writes back: {why}.": "書き込みを読み戻せませんでした: {why}。",
    "has not one acknowledged write, so nothing can be said about lost ones.": (
        "受け付け済みの書き込みが1件もなく、消失について何も言えません。"
    ),
    "counted {acknowledged} acknowledged writes, but its write log has {outcomes}.": (
        "受け付け済みの書き込みを{acknowledged}件と数えましたが、書き込み記録には{outcomes}件あります。"
    ),
    "no write": "なし",
    "recorded {recorded} as {word}, but what was sent and read back says {again}.": (
        "の{word}の記録は「{recorded}」ですが、送信と読み戻しの記録によれば「{again}」です。"
    ),
    "calls {strange} lost, which its write log does not know as acknowledged.": (
        "{strange}を消失としていますが、書き込み記録では受け付け済みになっていません。"
    ),
    "has no end of {open}.": "{open}の終了の記録がありません。",
    "calls its runbook done although {bad} failed.": "{bad}が失敗したのに、ランブックを完了としています。",
    "and its record does not say why": "理由の記録なし",
    "stopped following its runbook, although no step of it failed: {why}.": (
        "どの手順も失敗していないのに、ランブックの実行が止まりました: {why}。"
    ),
    "followed its runbook to the end without one step that changes anything.": (
        "ランブックを最後まで実行しましたが、何かを変更する手順が1つもありませんでした。"
    ),
    "followed a runbook of which not one block ran.": "ランブックのブロックが1つも実行されませんでした。",
    # what it found
    "looked for alert {name}, but the mode names {claimed}.": (
        "アラート{name}を待っていましたが、故障モードが指定するのは{claimed}です。"
    ),
    "waited for alert {name} and it did not fire in {waited_s:.1f} s (objective {within_s:g} s). Check the alert's "
    "rule against what this fault really changes.": (
        "アラート{name}は{waited_s:.1f}秒待っても発報しませんでした（目標{within_s:g}秒）。"
        "この障害で実際に変わる値とアラートのルールを見比べてください。"
    ),
    "waited for alert {name} and it did not fire (objective {within_s:g} s). Check the alert's rule against what "
    "this fault really changes.": (
        "アラート{name}を待ちましたが発報しませんでした（目標{within_s:g}秒）。"
        "この障害で実際に変わる値とアラートのルールを見比べてください。"
    ),
    "recorded an alert that fired, but not when.": "アラートの発報は記録されていますが、時刻がありません。",
    "saw alert {name} fire before the fault: it says nothing about it.": (
        "アラート{name}は障害の前に発報しており、この障害を検知したことになりません。"
    ),
    "saw alert {name}": "アラート{name}の発報",
    "no runbook at all": "リンクなし",
    "saw alert {name} link {got}, expected {expected}. Correct the alert's runbook link.": (
        "アラート{name}のリンク先は「{got}」です（期待は「{expected}」）。アラートのランブックへのリンクを直してください。"
    ),
    "{claim}, or possibly {possible}": "{claim}（{possible}もありうる）",
    "measured {impact} in {flow} ({figures}), but the mode claims {claimed}. Correct impact.flows.{flow}, or find "
    "out why.": (
        "{flow}への影響は実測では「{impact}」ですが（{figures}）、故障モードの想定は「{claimed}」です。"
        "impact.flows.{flow}を直すか、原因を調べてください。"
    ),
    "measured an outage in {flow} ({figures}), but the mode claims that surely no flow is hurt. An outage that is only "
    "possible is no claim: correct impact.flows.{flow}.": (
        "{flow}で停止を実測しましたが（{figures}）、故障モードは確実に影響を受けるフローを挙げていません。"
        "停止が「ありうる」だけでは想定になりません。impact.flows.{flow}を直してください。"
    ),
    "lost {gone} of {acknowledged} writes that users were told are stored, {allowed} allowed: {ids}.{changed}{rpo}": (
        "利用者に受け付けを返した書き込み{acknowledged}件のうち{gone}件が消失しました（許容{allowed}件）: {ids}。{changed}{rpo}"
    ),
    " {count} of them are there with other content.": "うち{count}件は別の内容で残っています。",
    " Observed RPO: {rpo}.": "実測RPO: {rpo}。",
    "stored more than once": "二重に保存された",
    "stored, although nobody sent them": "誰も送っていないのに保存された",
    "found {count} writes {what}: {ids}.{where} Users see {wrong} content, which the mode does not claim.": (
        "{what}書き込みが{count}件あります: {ids}。{where}利用者への影響は「{wrong}」ですが、故障モードは想定していません。"
    ),
    "the evidence shows the fault in force": "証拠によれば障害が発生中",
    "saw the runbook's Verification pass before anything was done, while the service was broken ({broken}). Make it "
    "check what users feel.": (
        "サービスが壊れているのに（{broken}）、何もしないうちにランブックの「確認」が成功しました。"
        "利用者が受ける影響を確かめるように書いてください。"
    ),
    "it did not say why": "理由の記録なし",
    "stopped at step {failed_step}: {why}.": "手順{failed_step}で止まりました: {why}。",
    "exit {exit}": "終了コード{exit}",
    " Command: {line}": "コマンド: {line}",
    " Command: {line} …": "コマンド: {line} ..",
    ": {why}": ": {why}",
    "failed in step {step} ({heading}): got {got}, expected exit {expected}{why}.{shown}": (
        "手順{step}（{heading}）で失敗しました。実際は{got}、期待は終了コード{expected}{why}。{shown}"
    ),
    "shows no moment at which the service came back.": "サービスが復旧した時点を示せていません。",
    "shows that {flow} was back {after} after the fault; the objective is {within_s:g} s.": (
        "{flow}の復旧は障害から{after}後で、目標の{within_s:g}秒を超えています。"
    ),
    "shows that users were back {after} after the fault; the objective is {within_s:g} s.": (
        "利用者の復旧は障害から{after}後で、目標の{within_s:g}秒を超えています。"
    ),
    "shows that {flow} was back": "{flow}の復旧",
    "shows that users were back": "利用者の復旧",
    "after the whole runbook": "ランブックを最後まで実行した後",
    "when the runbook stopped": "ランブックが止まった時点",
    "the service": "サービス",
    "; in its last {s:g} s {figures}": "。最後の{s:g}秒間: {figures}",
    "shows the fault still in force {when}.": "{when}も障害が続いています。",
    "shows that {flow} was not back for a whole {stable_s:g} s {when}, {watched_s:.1f} s after the fault (objective "
    "{within_s:g} s){last}.": (
        "{when}（障害から{watched_s:.1f}秒後、目標{within_s:g}秒）、{flow}は{stable_s:g}秒間続けて正常な状態に"
        "戻っていません{last}。"
    ),
    "saw the runbook's Verification pass at the end, while the fault was still in force. Make it look at the thing "
    "itself.": (
        "障害が続いているのに、最後にランブックの「確認」が成功しました。対象そのものを確かめるように書いてください。"
    ),
    "saw the runbook's Verification pass at the end, while {flow} was still broken. Make it check what users feel.": (
        "{flow}が壊れたままなのに、最後にランブックの「確認」が成功しました。利用者が受ける影響を確かめるように書いてください。"
    ),
    "was left alone and shows the fault still in force after {watched_s:.1f} s, but the mode claims recovery: self.": (
        "誰も対処せずに{watched_s:.1f}秒たっても障害は続いていました。故障モードの想定はrecovery: selfです。"
    ),
    "was left alone and {flow} was not back after {watched_s:.1f} s, but the mode claims recovery: self.": (
        "誰も対処せずに{watched_s:.1f}秒たっても{flow}は復旧しませんでした。故障モードの想定はrecovery: selfです。"
    ),
    "was left alone and came back {after} after the fault, so it is not the runbook that brings the service back. "
    "Claim recovery: self, or choose a fault that stays.": (
        "誰も対処しなくても障害から{after}後に復旧しました。サービスを復旧させているのはランブックではありません。"
        "recovery: selfとするか、自然には消えない障害を選んでください。"
    ),
    "was left alone and came back, so it is not the runbook that brings the service back. Claim recovery: self, or "
    "choose a fault that stays.": (
        "誰も対処しなくても復旧しました。サービスを復旧させているのはランブックではありません。"
        "recovery: selfとするか、自然には消えない障害を選んでください。"
    ),
    "measured {impact} in {flow} ({figures}) once its runbook began to change something; when nobody acted, users "
    "felt nothing at that time. Take that step out: the failure heals by itself.": (
        "ランブックが変更を始めてから{flow}に「{impact}」の影響が出ました（{figures}）。誰も対処しない試行では、"
        "同じ頃に影響はありません。その手順を外してください。この故障は自然に直ります。"
    ),
    "had users back only {mine} after the fault; when nobody acted they were back after {theirs}. The runbook holds "
    "up what heals by itself.": (
        "利用者の復旧は障害から{mine}後でしたが、誰も対処しなければ{theirs}後でした。"
        "自然に直るものをランブックが遅らせています。"
    ),
    # the whole run
    "and {same} more times in this run.": "この実行でほかに{same}回。",
    "The run was stopped: {why}.": "実行が中断されました: {why}。",
    "The run has damaged files: {unreadable}.": "実行の記録に壊れたファイルがあります: {unreadable}。",
    "Planned trials are missing: {missing}.": "予定した試行がありません: {missing}。",
    "The run has no {arm} trial, so half of the claim is not tried.": (
        "{arm}の試行がなく、主張の半分が試されていません。"
    ),
    "The runbook was changed while this run went on. Run it again.": (
        "実行中にランブックが変更されました。もう一度実行してください。"
    ),
    "was to show writes within {within_s:g} s (stale_for_at_most), and nothing of it was measured. In services.yaml, "
    "give a store of a writing flow `watch`, or say of a flow that shows writes that it is `fresh`.": (
        "では、書き込みを{within_s:g}秒以内に表示すること（stale_for_at_most）が目標ですが、計測されていません。services.yamlで、"
        "書き込むフローの保存先に`watch`を指定するか、書き込みを表示するフローに`fresh`を指定してください。"
    ),
    "was to show writes within {within_s:g} s (stale_for_at_most), and nothing tells how old {where} was.": (
        "では、書き込みを{within_s:g}秒以内に表示すること（stale_for_at_most）が目標ですが、{where}の古さを示すものがありません。"
    ),
    "saw {where} lack an acknowledged write for {span}; the objective (stale_for_at_most) is {within_s:g} s.": (
        "では、受け付け済みの書き込みが{where}に{span}の間見えませんでした。目標（stale_for_at_most）は{within_s:g}秒です。"
    ),
    "cannot tell whether {where} lacked an acknowledged write for longer than the objective (stale_for_at_most) of "
    "{within_s:g} s: it was {span}, too coarse to judge. Watch it more often, or correct the objective.": (
        "では、受け付け済みの書き込みが{where}に見えない時間が目標（stale_for_at_most）の{within_s:g}秒を超えたか判定できません。"
        "計測値は{span}で、判定には粗すぎます。確認の間隔を短くするか、目標を見直してください。"
    ),
    "{flow} in {store}": "{store}の{flow}",
    "flow {flow}": "フロー{flow}",
    "{flow} in {store} {count}": "{store}の{flow} {count}件",
    "{flow} in {store} {count} (observed RPO {rpo})": "{store}の{flow} {count}件（実測RPO {rpo}）",
    " Lost: {stores}.": "消失: {stores}。",
    " They are in {stores}.": "保存先: {stores}。",
    "{flow} in {store} was not read back": "{store}の{flow}は読み戻されていません",
    "has no record of what was read back.": "には、読み戻した内容の記録がありません。",
    "kept other writes of {flow} from {store} than its last look showed.": (
        "で{store}から保存した{flow}の書き込みは、最後の確認で見えたものと異なります。"
    ),
    "Something is left.": "片付いていないものがあります。",
    "{trial} could not undo {name}: {why}. Run: chaos heal": (
        "{trial}: {name}を取り消せませんでした: {why}。「chaos heal」を実行してください。"
    ),
    "{trial} has no record that {open} was undone. Run: chaos heal": (
        "{trial}: {open}が取り消された記録がありません。「chaos heal」を実行してください。"
    ),
    "{trial} left no journal: Chaos Toolkit may not have played its rollbacks. Run: chaos heal": (
        "{trial}: ジャーナルがなく、Chaos Toolkitがロールバックを実行していない可能性があります。"
        "「chaos heal」を実行してください。"
    ),
    # what it is worth
    "no trial": "有効な試行なし",
    "{arm} {of}×": "{arm} {of}回",
    "{arm} {valid} valid of {of}": "{arm} {of}回中{valid}回有効",
    "{arms} on {platform}": "{platform}で{arms}",
    "{arms} on {platform}; runbook blocks exercised: {steps}": "{platform}で{arms}。実行したランブックのブロック: {steps}",
    "{sentences}.": "{sentences}。",
    "{count} of {of} recoveries inside the objective": "{of}回中{count}回が目標時間内に復旧",
    "{count} of {of} recoveries inside the objective: at 95 % confidence a success rate of at least {percent:.0f} %": (
        "{of}回中{count}回が目標時間内に復旧（信頼度95%で成功率{percent:.0f}%以上）"
    ),
    "Back with the runbook {back} of {of}, with nobody acting {back_alone} of {alone} ({by_chance})": (
        "ランブックありでは{of}回中{back}回、対処なしでは{alone}回中{back_alone}回復旧（{by_chance}）"
    ),
    "Fisher's exact test: p = {chance:.2g}": "フィッシャーの正確確率検定: p = {chance:.2g}",
    "too few trials to exclude chance, {told}": "試行が少なく偶然を否定できません、{told}",
}
