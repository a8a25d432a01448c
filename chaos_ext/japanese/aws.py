"""AWS: the account that acts, its services, and rehearsals."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # the account
    "identity.aws: got no account that was proven, expected one. Activities of AWS run through "
    "chaos_ext.actions.fault.inject, in an environment with identity.aws. Nothing was called.": (
        "identity.aws: 証明されたアカウントがありません。AWSのアクティビティは、identity.awsのある環境で"
        "chaos_ext.actions.fault.injectを通して実行されます。何も呼び出していません。"
    ),
    "{service}: got no answer from AWS: {error}": "{service}: AWSから応答がありません: {error}",
    "identity.aws.region: got {got}, expected {wanted}. Nothing was called.": (
        "identity.aws.region: {got}ではなく、{wanted}である必要があります。何も呼び出していません。"
    ),
    "one: say identity.aws.region": "指定（identity.aws.regionに書いてください）",
    "{action}: got {code} ({said}), expected to be allowed. The role '{role}' lacks that permission, or something "
    "denies it. What it needs: chaos policy permissions EXP --format aws-policy": (
        "{action}: 許可されませんでした（{code}: {said}）。ロール「{role}」にその権限がないか、何かが拒否しています。"
        "必要な権限: chaos policy permissions EXP --format aws-policy"
    ),
    "{action}: got {code} ({said}), expected credentials that are valid now. Sign in again, then 'chaos heal' "
    "undoes what may be left.": (
        "{action}: 認証情報が有効ではありません（{code}: {said}）。サインインし直してください。"
        "残っているものは「chaos heal」で取り消せます。"
    ),
    "{action}: got {code} {attempts} times, with longer and longer pauses, expected an answer. Others use this "
    "account just now: wait, or run it alone.": (
        "{action}: 間隔を延ばしながら{attempts}回試しましたが、{code}でした。このアカウントを"
        "ほかでも使っています。待つか、単独で実行してください。"
    ),
    "{action}: got {code} ({said}), expected room below the account's quota. Have it raised, or remove what is not "
    "needed.": (
        "{action}: アカウントのクォータに空きがありません（{code}: {said}）。引き上げるか、不要なものを削除してください。"
    ),
    "{action}: got {code} ({said}), expected it to work.": "{action}: 失敗しました（{code}: {said}）。",
    # services
    "{bucket}: got a policy that denies already, expected one that does not": (
        "{bucket}: ポリシーがすでに拒否しています。拒否していないものである必要があります"
    ),
    "{service} in {cluster}: got {running} running tasks, expected at least {count}, and a count of at least 1. "
    "Nothing was stopped.": (
        "{cluster}の{service}: 実行中のタスクは{running}個です。指定は1以上、実行中のタスクは{count}個以上である"
        "必要があります。何も停止していません。"
    ),
    "{service} in {cluster}: got {lacks} tasks too few after {s:g} s, expected as many as it wants. See the "
    "service's events for why it starts none.": (
        "{cluster}の{service}: {s:g}秒たってもタスクが{lacks}個足りません。起動しない理由はサービスのイベントを"
        "見てください。"
    ),
    "{service} has all its tasks": "{service}のタスクはそろっています",
    "{service} in {cluster}: got {number} active services of that name, expected one": (
        "{cluster}の{service}: その名前のアクティブなサービスは{number}個です。1つである必要があります"
    ),
    # environments that are not filled in
    "'{number}', an invented account": "架空のアカウント「{number}」",
    "the number of a real one": "実在するアカウントの番号",
    "the mark 'fill in: {what}'": "「fill in: {what}」の印",
    # rehearsals
    "rehearsed": "リハーサル済み",
    "a name that begins with 'rehearsal-' exactly where 'rehearsal' is said": (
        "「rehearsal」がある場合に限り、「rehearsal-」で始まる名前"
    ),
    "a rehearsal with platform: aws, disposable: true, and identity.aws with endpoint_url: ${rehearsal.url}, "
    "config_file: ${rehearsal.config_file} and credentials_file: ${rehearsal.credentials_file}": (
        "platform: aws、disposable: trueと、identity.awsのendpoint_url: ${rehearsal.url}、"
        "config_file: ${rehearsal.config_file}、credentials_file: ${rehearsal.credentials_file}を備えたリハーサル"
    ),
    "Placeholders begin with 'lab.', 'rehearsal.' or 'env.'.": (
        "プレースホルダーは「lab.」「rehearsal.」「env.」のいずれかで始まります。"
    ),
    "Only a lab says 'lab.…', and only a rehearsal's emulator 'rehearsal.…'.": (
        "「lab.…」の値を持つのはラボだけ、「rehearsal.…」の値を持つのはリハーサルのエミュレーターだけです。"
    ),
    "'{path}', which holds no *.yaml": "*.yamlのない「{path}」",
    "a folder of this project with some": "*.yamlのある、このプロジェクトのフォルダ",
    "no list": "リストではないもの",
    "calls that make what is there": "そこにあるものを作る呼び出し",
    "another object": "別の形のもの",
    "service, call, and perhaps 'with' and 'as'": "serviceとcall、必要ならwithとas",
    "the rehearsal's emulator: {said}": "リハーサルのエミュレーター: {said}",
    "No rehearsal is up: its emulator is started for each trial, and ends with it. Try: chaos verify ID --env "
    "rehearsal-aws": (
        "リハーサルは動いていません。エミュレーターは試行ごとに起動し、試行とともに終了します。"
        "実行: chaos verify ID --env rehearsal-aws"
    ),
    "a rehearsal has no users": "リハーサルに利用者はいない",
    "nobody uses a rehearsal: nothing is measured": "リハーサルに利用者はいないため、何も計測しない",
    "the fault is over, by its evidence": "証拠により、障害は終わっている",
    "the fault is still in force": "障害はまだ続いている",
    "by its evidence": "（証拠による）",
    "A control plane without users: requests, evidence, undo, permissions and the runbook's commands were tried; "
    "whether users are back, how soon, and whether the alert fires were not": (
        "利用者のいないコントロールプレーンで、要求、証拠、取り消し、権限、ランブックのコマンドを試した。"
        "利用者が復旧するか、どれだけ早いか、アラートが鳴るかは試していない"
    ),
    "Tried on a cloud's control plane without users: the requests, the evidence, the undo, the permissions and the "
    "runbook's commands were right. Whether users come back, how soon, and whether the alert fires was not tried.": (
        "利用者のいないクラウドのコントロールプレーンで試し、要求、証拠、取り消し、権限、ランブックのコマンドは"
        "正しかった。利用者が復旧するか、どれだけ早いか、アラートが鳴るかは試していない。"
    ),
}
