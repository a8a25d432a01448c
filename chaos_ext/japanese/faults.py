"""What the lab's fault activities say, in Japanese."""

from __future__ import annotations

WORDS = {
    # --- a certificate of the edge ---
    "{edge}: got a certificate that has expired already.": "{edge}: 証明書の期限がすでに切れています。",
    "{place}: got what a certificate replaced before, expected none. Run 'chaos heal'.": (
        "{place}: 以前に差し替えた証明書が残っています。「chaos heal」を実行してください。"
    ),
    "{edge}: got {error}, expected a handshake": "{edge}: ハンドシェイクできませんでした（{error}）",
    "{edge}: got another certificate {seconds:g} s after it was told to load its own anew": (
        "{edge}: 再読み込みを指示してから{seconds:g}秒たっても、別の証明書を提示しています"
    ),
    "the certificate was not replaced": "証明書は差し替えられていません",
    "the edge serves a certificate that clients accept": "エッジはクライアントが受け入れる証明書を提示しています",
    "the edge serves the certificate from before again": "エッジは元の証明書を再び提示しています",
    # --- a replica ---
    "{place}: got a replica that was killed before, expected none. Run 'chaos heal'.": (
        "{place}: 以前に強制終了したレプリカの記録が残っています。「chaos heal」を実行してください。"
    ),
    "{replica}: got state {state}, expected a running process to kill": (
        "{replica}: 状態は{state}で、強制終了できる実行中のプロセスがありません"
    ),
    "{replica}: got process {pid} alive after SIGKILL": (
        "{replica}: SIGKILLの後もプロセス{pid}が生きています"
    ),
    "{replica} was not killed": "{replica}は強制終了されていません",
    "{replica}: got no healthy process within {seconds:g} s": (
        "{replica}: {seconds:g}秒以内に正常なプロセスが現れませんでした"
    ),
    "{replica} runs again": "{replica}が再び動いています",
    "replica: got {name!r}, expected one of {known}": "replica: {name!r}は使えません。次のいずれかです: {known}",
    "{place}: got {error}, expected which process was killed": (
        "{place}: 強制終了したプロセスの記録を読めません（{error}）"
    ),
}
