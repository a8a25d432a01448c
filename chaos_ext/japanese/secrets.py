"""Secrets: where their values are, and why they cannot be read."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # references
    "exactly one of env, file, aws, google, kubernetes": "env、file、aws、google、kubernetesのうちちょうど1つ",
    "a value that is not shown": "（値は表示しません）",
    "Say where the value is.": "値のある場所を書いてください。",
    "no pinned cluster": "決められたクラスターがない状態",
    "identity.kubernetes, which says which one": "クラスターを決めるidentity.kubernetes",
    # values
    "the value": "値",
    "an empty value": "空の値",
    "a value of fewer than {least} characters": "{least}文字未満の値",
    "a longer one": "より長い値",
    "So short a value would be hidden in words that have nothing to do with it.": (
        "これほど短い値を伏せると、関係のない言葉まで伏せることになります。"
    ),
    "a value of more than 64 KiB": "64 KiBを超える値",
    "a value with a null character": "null文字を含む値",
    "one that a variable can hold": "環境変数に入る値",
    "the value within {limit_s:g} s": "{limit_s:g}秒以内に得られる値",
    # here
    "the unset variable {place}": "未設定の変数{place}",
    "Set {place}.": "{place}を設定してください。",
    "a file that holds the value": "値の入ったファイル",
    "{place}, which is no file": "ファイルではない「{place}」",
    # AWS
    "no package 'boto3'": "パッケージ「boto3」がない状態",
    "boto3, which reads it": "読み取りに使うboto3",
    "Install it.": "インストールしてください。",
    "{code} from AWS for '{name}'": "AWSの応答{code}（「{name}」）",
    "no answer from AWS for '{name}' ({kind})": "AWSの応答がない状態（「{name}」、{kind}）",
    "a value that is no JSON object": "JSONオブジェクトではない値",
    "an object with '{key}'": "「{key}」のあるオブジェクト",
    "an object without '{key}'": "「{key}」のないオブジェクト",
    # Google Cloud
    "no package 'google-auth'": "パッケージ「google-auth」がない状態",
    "google-auth, which signs in": "サインインに使うgoogle-auth",
    "status {code} from Google for '{name}'": "Googleの応答{code}（「{name}」）",
    "no answer from Google for '{name}' ({kind})": "Googleの応答がない状態（「{name}」、{kind}）",
    "an answer from Google without a value": "値のないGoogleの応答",
    "no application default credentials ({kind})": "アプリケーションのデフォルト認証情報がない状態（{kind}）",
    "credentials that Google accepts": "Googleが受け付ける認証情報",
    # Kubernetes
    "no package 'kubernetes'": "パッケージ「kubernetes」がない状態",
    "kubernetes, which reads it": "読み取りに使うkubernetes",
    "status {code} from the cluster for '{name}'": "クラスターの応答{code}（「{name}」）",
    "no answer from the cluster for '{name}' ({kind})": "クラスターの応答がない状態（「{name}」、{kind}）",
    "a Secret without '{key}'": "「{key}」のないSecret",
    "a key that is there": "存在するキー",
    "an answer from the cluster that is no Secret": "Secretではないクラスターの応答",
    "a cluster whose certificate is not verified": "証明書を検証しないクラスター",
    "one that is who it says": "証明書で確かめられるクラスター",
    "{name}: {count} secrets can be read.": "{name}: {count}件のシークレットを読み取れます。",
    # the process list
    "secret": "シークレット",
    "'{name}' among the arguments of '{command}'": "「{command}」の引数に「{name}」",
    "it from the environment or from standard input": "環境変数か標準入力から渡した値",
    "Arguments are in the process list for everybody to read.": "引数はプロセス一覧に現れ、誰でも読めます。",
    "{activity}: got a secret among the arguments of '{command}', expected none: they are in the process list for "
    "everybody to read. Not started. Let the program read a variable or a file.": (
        "{activity}: 「{command}」の引数にシークレットが含まれています。引数はプロセス一覧に現れ、誰でも読めます。起動しません。"
        "プログラムには環境変数かファイルから読ませてください。"
    ),
    # the ledger
    "{name}: got a secret's value in its {needed}, expected none: the ledger is kept, and whoever heals must read it. "
    "Nothing is injected.": (
        "{name}: {needed}にシークレットの値が含まれています。台帳は残り、元に戻す人が読める必要があるため、使えません。何も注入しません。"
    ),
}
