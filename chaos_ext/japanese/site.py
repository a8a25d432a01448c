"""The catalogue as a site."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # the command
    "wrote {count} pages: {path}": "{count}ページを書きました: {path}",
    "'{folder}', which holds something else": "'{folder}'（別のものが入っています）",
    "a folder that is new, empty, or a site that this command wrote": "新しいフォルダ、空のフォルダ、またはこのコマンドが書いたサイト",
    "Take another folder, or empty this one yourself.": "別のフォルダを指定するか、自分で空にしてください。",
    # badges
    "not judged": "未判定",
    "never tried": "未検証",
    # every page
    "catalogue": "カタログ",
    "Failure modes": "故障モード",
    "Services": "サービス",
    "Made {at} UTC by chaos catalog site, from the catalogue and the runs that were kept.": "{at} UTCに「chaos catalog site」がカタログと保存済みの実行から作成しました。",
    # the tables
    "Failure-mode catalogue": "故障モードカタログ",
    "What can fail, whom it hurts, and whether the runbook for it was proven.": "何が故障しうるか、誰に影響するか、ランブックが証明されているか。",
    "Search": "検索",
    "product, symptom, alert, step, verdict …": "製品、症状、アラート、手順、判定など",
    "service, failure mode, gap …": "サービス、故障モード、未検証など",
    "in {environment}": "{environment}での判定",
    "Priority: severity × likelihood × how hard it is to notice, 1 to 27; the worst first.": "優先度は、重大度、起こりやすさ、気づきにくさの積です（1から27、悪い順）。",
    "Services and failure modes": "サービスと故障モード",
    "What each service is expected to feel and do, beside what was measured; and what no failure mode tries.": "各サービスに想定される影響と動作を実測と並べ、どの故障モードも検証していないものを示します。",
    # proofs
    "Proven in {environment} on {at} UTC, in {count} trials that count.": "{environment}で{at} UTCに、有効な試行{count}件で証明されました。",
    "Not proven by the last run in {environment}, on {at} UTC. It was on {proven} UTC.": "{environment}での最後の実行（{at} UTC）では証明されていません。{proven} UTCには証明されました。",
    "Never proven in {environment}; the last run was on {at} UTC.": "{environment}では一度も証明されていません。最後の実行は{at} UTCです。",
    "Changed since: {what}.": "その後の変更: {what}。",
    "No run of it is kept, so nothing is known: neither that users feel it, nor that the runbook helps.": "保存済みの実行がないため、利用者への影響もランブックの効果もわかっていません。",
    "Nobody has followed this runbook under its failure yet. Read it with care.": "この故障のもとでこのランブックを実行した記録はまだありません。注意して読んでください。",
    "The last run in {environment}": "{environment}での最後の実行",
    "runs that were judged: {count}": "判定済みの実行: {count}件",
    "Last step report: {environment}, {at} UTC": "最後の手順の記録: {environment}、{at} UTC",
    "What is claimed": "カタログの記載",
    "also known as": "別名",
    "for": "対象:",
    "no failure mode": "故障モードなし",
}
