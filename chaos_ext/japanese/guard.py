"""What proves a place, what is denied, and what stands before every activity."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # what was expected and what came
    "identity.{kind}: got the unknown key '{key}', expected one of {keys}.": (
        "identity.{kind}: 「{key}」という項目はありません（使えるのは{keys}）。"
    ),
    "identity.{kind}: got {got}, expected {expected}.": "identity.{kind}: {got}（{expected}が必要です）。",
    "identity.{kind}: got no proof, expected one.": "identity.{kind}: 証明がありません。",
    "identity.{kind}.{key}: got {value!r}, expected a value.": "identity.{kind}.{key}: {value!r}は値ではありません。",
    "identity.{kind}: got no proof from {where} ({why}), expected an answer. Nothing is touched.": (
        "identity.{kind}: {where}から証明を得られません（{why}）。何にも触れません。"
    ),
    "identity.{kind}: got no Python package '{package}', expected it. Try: pip install 'chaos-ext[{extra}]'.": (
        "identity.{kind}: Pythonパッケージ「{package}」がありません。pip install 'chaos-ext[{extra}]' を試してください。"
    ),
    "identity.{kind}.{key}: got '{written}', expected name=value, with commas between several.": (
        "identity.{kind}.{key}: 「{written}」は「名前=値」の形ではありません（複数はコンマで区切ります）。"
    ),
    "deny.{kind}: got {said}, which this environment denies. Nothing is touched.": (
        "deny.{kind}: この環境が拒否している{said}です。何にも触れません。"
    ),
    "{name} is {value!r}": "{name}が{value!r}です",
    "{key}: {value}": "{key}: {value}",
    "no {missing}": "{missing}なし",
    "status {status}": "ステータス{status}",
    "'{path}', which is no file": "ファイルではない「{path}」",
    "'{path}', which cannot be read": "読めない「{path}」",
    "the unset variable {name}": "未設定の変数{name}",
    "a file": "ファイル",
    # PostgreSQL
    "PostgreSQL system identifier": "PostgreSQLのシステム識別子",
    "PostgreSQL setting chaos.marker": "PostgreSQLの設定chaos.marker",
    "identity.postgresql.{key}: got {got}, expected a way to connect that is whole.": (
        "identity.postgresql.{key}: {got}（接続に必要なものがそろっていません）。"
    ),
    "a password in it; name it with passfile, password_env or password_file": (
        "パスワードが書かれています。passfile、password_env、password_fileのどれかで指定してください"
    ),
    "'{key}' in it; say one host, its port, dbname and user": (
        "「{key}」が書かれています。host（1つ）とport、dbname、userだけを書いてください"
    ),
    "more than one {key} in it; say the one that is meant": "{key}が複数あります。対象の1つだけを書いてください",
    "a second way to the password": "パスワードの指定が2つあります",
    "what is no connection string": "接続文字列ではありません",
    # Kubernetes
    "Kubernetes cluster (uid of kube-system)": "Kubernetesクラスター（kube-systemのuid）",
    "Kubernetes namespace": "Kubernetesの名前空間",
    "label {label} of the namespace": "名前空間のラベル{label}",
    "{number} {kind} named '{name}'": "「{name}」という{kind}が{number}件",
    "identity.kubernetes.{key}: got {got}, expected one kubeconfig with that context, its cluster and user.": (
        "identity.kubernetes.{key}: {got}（そのcontextとcluster、userを持つkubeconfigが1つ必要です）。"
    ),
    "several files": "複数のファイル",
    "a cluster without a server": "serverのないcluster",
    "the server {server} without a verified certificate": "証明書を検証しないserver {server}",
    # Google Cloud
    "Google Cloud project": "Google Cloudプロジェクト",
    "Google Cloud project number": "Google Cloudプロジェクト番号",
    "Google Cloud project state": "Google Cloudプロジェクトの状態",
    "Google Cloud label {label}": "Google Cloudのラベル{label}",
    "identity.google.{key}: got {got}, expected a credentials_file, or credentials: instance.": (
        "identity.google.{key}: {got}（credentials_fileか「credentials: instance」が必要です）。"
    ),
    # AWS
    "AWS account": "AWSアカウント",
    "AWS role": "AWSロール",
    "AWS region": "AWSリージョン",
    "identity.aws.{key}: got {got}, expected {expected}.": "identity.aws.{key}: {got}（{expected}が必要です）。",
    "credentials by way of '{method}'": "「{method}」による認証情報",
    "environment or instance": "environmentかinstance",
    "no credentials": "認証情報なし",
    "some": "認証情報",
    "those that it names": "指定したもの",
    "no AWS_ACCESS_KEY_ID in the environment": "環境変数AWS_ACCESS_KEY_IDなし",
    "both keys": "両方のキー",
    "identity.aws.profile: got '{path}', which cannot be read, expected AWS' settings.": (
        "identity.aws.profile: 「{path}」をAWSの設定として読めません。"
    ),
    "identity.aws.profile: got no profile '{name}', expected it in AWS' settings.": (
        "identity.aws.profile: AWSの設定に「{name}」というプロファイルがありません。"
    ),
    # arguments of drivers' activities
    "arguments.{name}: got {got}, expected {wanted} (identity.{kind}.{key}). Nothing was called.": (
        "arguments.{name}: {got}ですが、{wanted}（identity.{kind}.{key}）が必要です。何も呼び出していません。"
    ),
    "'{value}'": "「{value}」",
    "nothing, which means '{value}' to the driver": "指定なし（ドライバは「{value}」とみなします）",
    "an identity that says it: nothing proves that place": "それを示すidentity（その場所を証明するものがない）",
    "arguments.{name}: got {error}, expected an object whose namespace can be seen.": (
        "arguments.{name}: {error}（名前空間を読み取れるオブジェクトが必要です）。"
    ),
    "{module}: got what is no activity of its driver, expected one of its actions or probes.": (
        "{module}: ドライバのアクティビティではありません（actionsかprobesのものが必要です）。"
    ),
    # to which project an experiment belongs
    "an experiment of the project {theirs}": "プロジェクト{theirs}の実験",
    "one of {here}": "{here}の実験",
    "Go to its project, or set CHAOS_PROJECT to it.": (
        "そのプロジェクトに移動するか、CHAOS_PROJECTにそのパスを設定してください。"
    ),
    "not touched: {error} It needs a person: see what is broken there, and put it back by hand.": (
        "触れていません: {error} 人の対応が必要です。壊れているものを確認し、手作業で元に戻してください。"
    ),
    # as it is written
    "Say how it is known: {kinds}.": "何で見分けるかを書いてください: {kinds}。",
    "the unknown kind '{kind}'": "未知の種類「{kind}」",
    "a kind that can be proven": "証明できる種類",
    "neither": "どちらもなし",
    "nothing to prove": "証明するものなし",
    "at least one kind": "1種類以上",
    "all of {required}": "{required}のすべて",
    "exactly one of {choices}": "{choices}のどれか1つだけ",
    "at least one of {keys}": "{keys}のどれか1つ以上",
    " and ": "と",
    " and no ": "、",
    "an identity that says nothing": "何も示さないもの",
    "the environment's own identity ({said})": "この環境自身（{said}）",
    "another one": "別のもの",
    "It is under identity as well: take it out of one of the two.": (
        "identityにもあります。どちらか一方から消してください。"
    ),
    "the variable {name}": "変数{name}",
    "none that says where tools go": "ツールの接続先を決めない変数",
    "Say it under identity: blocks then get exactly what was proven.": (
        "identityに書いてください。ブロックには証明したものがそのまま渡ります。"
    ),
    "Add identity.{kind}, or nobody asks whether it is a denied one.": (
        "identity.{kind}を加えてください。なければ拒否対象かどうかを確かめられません。"
    ),
    "a kind that is not under identity": "identityにない種類",
    "a kind that is asked": "identityにある種類",
    # settings of drivers
    "{where}.{key}: got a way around the environment's identity, expected none. Take it out: activities get what "
    "identity.{kind} names.": (
        "{where}.{key}: 環境のidentityとは別の接続先や認証情報です。消してください。アクティビティには"
        "identity.{kind}のものが渡ります。"
    ),
    # asked by hand
    "PROOF": "証明",
    "GOT": "実際",
    "a proof": "証明",
    "a link": "リンク",
    "a file of this project": "このプロジェクトのファイル",
    "Put the file itself into the project.": "ファイルそのものをプロジェクトに置いてください。",
    "{name}: proven.": "{name}: 証明しました。",
    "{name}: not proven; nothing would be run there. If this is the place, mend identity in environments/{name}.yaml; "
    "if not, mend how it is reached.": (
        "{name}: 証明できないため、ここでは何も実行しません。目的の環境ならenvironments/{name}.yamlのidentityを、"
        "違うなら接続先を直してください。"
    ),
    # the gate
    "{activity}: not run. {error}": "{activity}: 実行しません。{error}",
    "Nothing was changed, so there is nothing to roll back.": "何も変更していないので、元に戻すものはありません。",
    "An activity before it was refused.": "前のアクティビティが拒否されたためです。",
    "configuration.chaos_environment: got nothing, expected the environment that this experiment changes. Add "
    "'chaos_environment: NAME' to its configuration; there are: {names}.": (
        "configuration.chaos_environment: この実験が変更する環境の指定がありません。configurationに"
        "「chaos_environment: 名前」を加えてください（あるのは{names}）。"
    ),
    "environments/{name}.yaml: got another environment than when this run began, expected the same.": (
        "environments/{name}.yaml: 実行を始めたときと違う環境になっています。"
    ),
}
