"""Guidelines, approvals and permissions: what may be broken where, and who has looked at it."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # the file
    "a rule after one that matches everything (line {line})": "すべてに当てはまる規則（{line}行目）より後の規則",
    "a rule that can decide": "判断に使われうる規則",
    "Move it up, or remove it.": "上に移すか、削除してください。",
    "a platform": "プラットフォーム",
    "not a file": "ファイルではない",
    "the rules of what may be broken where": "どこで何を壊してよいかの規則",
    "Without one, everything needs an SRE's review. Copy the one that chaos-ext is shipped with.": (
        "ないと、すべてにSREの確認が必要になります。chaos-ext付属のものをコピーしてください。"
    ),
    "'{id}' again": "2つ目の「{id}」",
    "an id of its own (line {line} has it)": "重複しないid（{line}行目にあり）",
    "a product of the catalogue": "カタログにある製品",
    "a user flow of catalog/services.yaml": "catalog/services.yamlのユーザーフロー",
    "a time such as '2026-11-24T18:00:00Z'": "「2026-11-24T18:00:00Z」のような時刻",
    "hours such as '09:00-17:30', or '22:00-06:00' over midnight": (
        "「09:00-17:30」のような時間帯（日付をまたぐときは「22:00-06:00」）"
    ),
    "a time zone such as 'Asia/Tokyo' or 'UTC'": "「Asia/Tokyo」や「UTC」のようなタイムゾーン",
    "at_most of at least at_least": "at_least以上のat_most",
    # chaos policy list, explain
    "ORDER": "順番",
    "DECISION": "判断",
    "RULE": "規則",
    "SUBJECT": "対象",
    "REASON": "理由",
    "forbidden": "禁止",
    "needs a review": "要確認",
    "free": "自由",
    "everything": "すべて",
    "guideline": "指針",
    "{id} in {environment}: go ahead, it is free.": "{id}（環境{environment}）: 自由に実行できます。",
    "{id} in {environment}: no, it is forbidden, and no approval changes that.": (
        "{id}（環境{environment}）: 禁止されています。承認があっても実行できません。"
    ),
    "{id} in {environment}: go ahead, it needs a review and has one.": (
        "{id}（環境{environment}）: 実行できます。必要な確認は済んでいます。"
    ),
    "{id} in {environment}: not yet, it needs an SRE's review.": (
        "{id}（環境{environment}）: まだ実行できません。SREの確認が必要です。"
    ),
    "  {name}: {activity}": "  {name}: {activity}",
    "    {decision}, says rule '{rule}' ({where}):": "    {decision}。規則「{rule}」（{where}）による:",
    "      {reason}": "      {reason}",
    "    {decision}: {reason}": "    {decision}: {reason}",
    "    {doubt}": "    {doubt}",
    "    rules that were asked before and do not decide:": "    それより前にあり、当てはまらない規則:",
    "      {where}  '{id}' {why}": "      {where}  「{id}」{why}",
    "  approved by {issuer} until {expires} ({file})": "  {issuer}が承認、{expires}まで有効（{file}）",
    "  approval: there is none that stands": "  承認: 有効なものがありません",
    "    {problem}": "    {problem}",
    "{fault}: {decision} ({rule}, {where})": "{fault}: {decision}（{rule}、{where}）",
    "{fault}: {decision} ({reason})": "{fault}: {decision}（{reason}）",
    "approved by {issuer} until {expires}": "{issuer}が承認、{expires}まで有効",
    "approved by {issuer} until {expires} (asked for by: {rules})": "{issuer}が承認、{expires}まで有効（承認を求める規則: {rules}）",
    "no rule is about it": "当てはまる規則なし",
    "as things are, it would be refused": "このままでは実行を拒否されます",
    "a time with its zone, such as 2026-11-24T10:00+09:00": "2026-11-24T10:00+09:00のような、時差付きの時刻",
    # why a rule is not meant
    "{words} and {count} more": "{words}、ほか{count}件",
    "is about environment {wanted}; this is '{name}'": "の対象は環境{wanted}（ここは「{name}」）",
    "is about platform {wanted}; this is '{name}'": "の対象はプラットフォーム{wanted}（ここは「{name}」）",
    "is about product {wanted}; this is '{name}'": "の対象は製品{wanted}（これは「{name}」）",
    "is about failure mode {wanted}; this is '{name}'": "の対象は故障モード{wanted}（これは「{name}」）",
    "is about provider {wanted}; this is '{name}'": "の対象はプロバイダ{wanted}（これは「{name}」）",
    "is about {wanted}; this is '{name}'": "の対象は{wanted}（これは「{name}」）",
    "is about {name} {wanted}; this is '{value}'": "の対象は{name}が{wanted}のとき（ここでは「{value}」）",
    "is about the argument '{name}', which is not given": "の対象は引数「{name}」があるとき（ここにはない）",
    "is about calls without {wanted}; this one gives it": "の対象は{wanted}がない呼び出し（ここにはある）",
    "is about {most} targets or more; this hits {number}": "の対象は{most}個以上を壊すとき（ここでは{number}個）",
    "is about {most} targets at most; this hits {number}": "の対象は{most}個まで（ここでは{number}個）",
    "is about '{least}' or worse for {flows}; the worst claimed is '{worst}'": (
        "の対象は{flows}への影響が「{least}」以上のとき（想定では最大でも「{worst}」）"
    ),
    "any user flow": "いずれかのユーザーフロー",
    "is about {windows}; it is {now}": "の対象は{windows}（今は{now}）",
    "is about any time but {windows}; it is {now}": "の対象は{windows}以外（今は{now}）",
    "of which product this is, is not known": "どの製品なのか分からないため",
    "the fault is not, or no longer, what a failure mode of the catalogue says": (
        "カタログの故障モードのとおりの障害ではないため"
    ),
    "what '{name}' is, only the run knows": "「{name}」が何かは実行するまで分からないため",
    "whom it hurts is not known": "誰に影響するか分からないため",
    "the argument '{name}' is filled in by the run": "引数「{name}」は実行するまで分からないため",
    "no rule is about it, and what nobody has thought of needs a look": (
        "当てはまる規則がありません。誰も検討していないものには確認が必要です"
    ),
    "'{id}' may be meant: {why}": "「{id}」に当たるかもしれません（{why}）",
    "    its undo {activity}: {decision}, {why}": "    取り消し {activity}: {decision}（{why}）",
    "    its evidence {activity}: {decision}, {why}": "    証拠 {activity}: {decision}（{why}）",
    "says the same rule": "同じ規則による",
    "it only looks, and no rule forbids it": "見るだけであり、禁止する規則もありません",
    "{fault}, its undo": "{fault}の取り消し",
    "{fault}, its evidence": "{fault}の証拠",
    "environments/{name}.yaml: {look}": "environments/{name}.yaml: {look}",
    "frees activities, and {module} offers none called '{func}'": (
        "が自由とするのはアクティビティだけで、{module}に「{func}」というものはない"
    ),
    "where '{glob}' is, only the place tells once it is up": "「{glob}」がどこかは、環境が起動するまで分からないため",
    "{reason} ({doubt})": "{reason}（{doubt}）",
    "{where}: {fault}: needs an SRE's review in {environment}: {reason} Nothing was injected.": (
        "{where}: {fault}: 環境「{environment}」ではSREの確認が必要です（{reason}）。何も注入していません。"
    ),
    "{where}: {fault}: got what '{rule}' forbids in {environment}, expected anything else: {reason} No approval changes "
    "that. Nothing was injected.": (
        "{where}: {fault}: 環境「{environment}」では規則「{rule}」により禁止されています（{reason}）。承認があっても変わりません。"
        "何も注入していません。"
    ),
    # permissions
    "needs": "必要な権限",
    "{cloud}: {words}": "{cloud}: {words}",
    "on what, and what for: chaos policy permissions {id} --env {environment}": (
        "対象と用途は「chaos policy permissions {id} --env {environment}」で見られます。"
    ),
    "CLOUD": "クラウド",
    "ACTION": "操作",
    "RESOURCE": "リソース",
    "FOR": "用途",
    "It needs something of: {clouds}.": "必要なのは次のものです: {clouds}",
    "an experiment that needs nothing of {cloud}": "{cloud}の権限が要らない実験",
    "one that does": "権限が要る実験",
    "{id} needs no permission anywhere.": "{id}に必要な権限はありません。",
    "proof of the environment": "環境の証明",
    "secret {variable}": "シークレット{variable}",
    "runbook: {block}": "ランブック: {block}",
    "a cloud and an action, such as 'aws s3:PutBucketPolicy on arn:aws:s3:::exports'": (
        "クラウドと操作（例:「aws s3:PutBucketPolicy on arn:aws:s3:::exports」）"
    ),
    "a Python activity that declares what it needs": "必要な権限を宣言しているPythonアクティビティ",
    "What a program or a request needs cannot be derived.": "プログラムや要求に必要な権限は導き出せません。",
    "an activity that can be imported": "読み込めるアクティビティ",
    "an activity that declares what it needs on {platform}": "{platform}で必要な権限を宣言しているアクティビティ",
    "Put @needs(…) of chaos_ext.safety.policy.needs above it; @needs() when it needs nothing.": (
        "chaos_ext.safety.policy.needsの「@needs(…)」を付けてください。何も要らなければ「@needs()」です。"
    ),
    "Nobody has read yet what it calls: add it to third_party.yaml of chaos_ext.safety.policy.": (
        "何を呼び出すかがまだ調べられていません。chaos_ext.safety.policyのthird_party.yamlに追加してください。"
    ),
    # approvals
    "{issuer} approves {id} in {environment} until {expires}. Commit both files.": (
        "{issuer}が環境「{environment}」での{id}を{expires}まで承認しました。両方のファイルをコミットしてください。"
    ),
    "configuration.{key}: got {got!r}, expected {value!r}, as it was approved. Leave out --var, or write the value into "
    "the experiment and have it approved again.": "configuration.{key}: 実際: {got!r}、期待: 承認された値{value!r}。"
    "--varを外すか、値を実験に書いて、もう一度承認を受けてください。",
    "a value that only the run knows (type: {kind})": "実行するまで分からない値（type: {kind}）",
    "Write the value into the file: nobody can approve what is not known.": (
        "値をファイルに書いてください。分からないものは誰も承認できません。"
    ),
    "Have it looked at and approved again.": "もう一度確認と承認を受けてください。",
    "Have an SRE run: chaos policy approve {id} --env {environment} --key ~/.ssh/id_ed25519": (
        "SREに次のコマンドの実行を依頼してください: chaos policy approve {id} --env {environment} --key ~/.ssh/id_ed25519"
    ),
    "an approval signed by an SRE": "SREが署名した承認",
    "no key of '{issuer}' that made {file}.sig ({said})": "{file}.sigを作った鍵が「{issuer}」のものではない状態（{said}）",
    "'{name}', where it is to run": "実行先の「{name}」",
    "{was}…, but {file} is {now}…": "{was}...（{file}は{now}...）",
    "a time to come; it is {now}": "これから先の時刻（今は{now}）",
    "a time gone by; it is {now}": "過ぎた時刻（今は{now}）",
    "Is this machine's clock right?": "このマシンの時計は正しいですか。",
    "Commit both files, or approve again.": "両方のファイルをコミットするか、もう一度承認してください。",
    'Write one line for each SRE: mika@example.com namespaces="{ns}" ssh-ed25519 AAAA…': (
        'SREごとに1行書いてください: mika@example.com namespaces="{ns}" ssh-ed25519 AAAA...'
    ),
    "Whoever owns the environment adds the key there, in a reviewed change.": (
        "環境の担当者が、レビューを経て鍵を追加します。"
    ),
    "a signer whom {file} names": "{file}に載っている署名者",
    "a key of '{issuer}' that does not count any more ({said})": "「{issuer}」の無効になった鍵（{said}）",
    "Renew valid-before there in a reviewed change, or have somebody else approve.": (
        "レビューを経てvalid-beforeを更新するか、別の人に承認してもらってください。"
    ),
    "that of '{issuer}', who is said to have approved": "承認者とされる「{issuer}」の署名",
    "the key that signed, for namespace {ns}": "名前空間{ns}用の、署名した鍵",
    "{file}, which cannot be read ({why})": "読めない{file}（{why}）",
    "the unknown signer '{issuer}'": "知らない署名者「{issuer}」",
    "one that is valid now": "今有効な鍵",
    "the signature of '{whose}'": "「{whose}」の署名",
    "An approval is for one environment.": "承認は1つの環境に限られます。",
    "the environment as it was approved": "承認されたときのままの環境",
    "the experiment as it was approved": "承認されたときのままの実験",
    "what is to run": "実行しようとするもの",
    "'{name}' among them": "「{name}」を含むもの",
    "the signature of {file}": "{file}の署名",
    "who may approve, in git's format": "承認できる人の一覧（gitの形式）",
    "an environment that exists": "存在する環境",
    "the fault '{name}'": "障害「{name}」",
    "a signature of something else ({said})": "別のものへの署名（{said}）",
    "one of {file} as it is now, byte for byte": "今の{file}と1バイトも違わない内容への署名",
    "Correct that line in a reviewed change, or have somebody else approve.": (
        "レビューを経てその行を直すか、別の人に承認してもらってください。"
    ),
    "One of the two was changed after it was signed. Restore both files, or approve again.": (
        "署名の後にどちらかが書き換えられています。両方のファイルを元に戻すか、もう一度承認してください。"
    ),
    "other faults": "別の障害",
    "an experiment that is free in {environment}": "環境「{environment}」で自由に実行できる実験",
    "one that needs a review": "確認が必要な実験",
    "Run it: nobody has to approve it.": "承認は不要です。そのまま実行してください。",
    "placeholders that only the run fills in, in {faults}": "実行するまで決まらないプレースホルダー（{faults}）",
    "Write the values out ($$ where a dollar is meant): nobody can approve what is not known.": (
        "値を書いてください（「$」そのものは「$$」）。分からないものは誰にも承認できません。"
    ),
    "a key that {file} does not name": "{file}に載っていない鍵",
    'Have this line added in a reviewed change: YOU@example.com namespaces="{ns}" {kind} {key}': (
        'レビューを経て次の行を追加してもらってください: YOU@example.com namespaces="{ns}" {kind} {key}'
    ),
    "the pattern '{pattern}' for this key": "この鍵のパターン「{pattern}」",
    "Say who you are: --as mika@example.com.": "名前を指定してください: --as mika@example.com",
    "values": "値",
    "the key of somebody who may approve": "承認できる人の鍵",
    "one name": "1つの名前",
    "an experiment of Chaos Toolkit, with a method": "methodのあるChaos Toolkitの実験",
    "Put it below {root}, where it is reviewed.": "レビューの対象になる{root}の下に置いてください。",
    "no list of activities": "アクティビティの一覧なし",
    "a file outside of the project": "プロジェクトの外のファイル",
    "one inside": "プロジェクト内のファイル",
    "the experiment": "実験",
    "content that JSON has no words for ({error})": "JSONで表せない内容（{error}）",
    "mappings with text keys, lists, texts, numbers": "文字列をキーとするマッピング、リスト、文字列、数",
    "a key that ssh-keygen can sign with": "ssh-keygenで署名できる鍵",
    "Install OpenSSH 8.9 or newer (Debian: apt install openssh-client).": (
        "OpenSSH 8.9以降を入れてください（Debianでは「apt install openssh-client」）。"
    ),
    "Make one with 'ssh-keygen -t ed25519', or name another with --key.": (
        "「ssh-keygen -t ed25519」で作るか、--keyで別の鍵を指定してください。"
    ),
    "an SSH private key": "SSHの秘密鍵",
    "no such program on PATH": "PATHにないプログラム",
    "OpenSSH, which checks approvals": "承認の検証に使うOpenSSH",
    "an answer within {s:g} s": "{s:g}秒以内の応答",
    "no file {path}": "存在しないファイル{path}",
}
