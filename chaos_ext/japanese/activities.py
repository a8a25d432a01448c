"""What the activities of the lab say: why a fault could not go in, what became of it."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "configuration.chaos_facts: got no lab, expected the facts of a running one. Activities of the lab run through "
    "chaos_ext.actions.fault.inject, which hands them over.": (
        "configuration.chaos_facts: 起動中のラボの情報がありません。ラボのアクティビティは、情報を渡してくれる"
        "chaos_ext.actions.fault.injectを通して実行します。"
    ),
    # parts
    "part: got {part!r}, {told}": "part: {part!r}は使えません（{told}）",
    "expected a part of the lab (see chaos lab status)": "ラボの構成要素名が必要です。chaos lab statusで確認できます",
    "{part}: got {statename}, expected a part that runs": "{part}: 動作中の構成要素が必要ですが、状態は{statename}です",
    "{part}: got process {pid} still there, expected it gone": "{part}: プロセス{pid}がまだ残っています",
    "{part} was started again": "{part}は再び起動されています",
    "{part} runs again": "{part}が再び動いています",
    # database nodes and clients
    "node: got {name!r}, expected one of {nodes}": "node: {name!r}は使えません。次のいずれかです: {nodes}",
    "{name}: got '{said}', expected an answer": "{name}: 応答がありません（「{said}」）",
    "{error} again": "{error}",
    "{node}: got no running server in {data}, expected one to destroy": "{node}: {data}に壊す対象の動作中のサーバーがありません",
    "{lost}: got a disk lost before, expected none. Run 'chaos heal'.": (
        "{lost}: 以前に失われたディスクが残っています。「chaos heal」を実行してください。"
    ),
    "{node}: got neither {data} nor {lost}, expected its disk": "{node}: ディスクが{data}にも{lost}にもありません",
    "{name}: got {targets} alive after SIGKILL": "{name}: SIGKILLの後もプロセス{targets}が生きています",
    "{node} has been rebuilt": "{node}は再構築されています",
    "{promoted} has been promoted in its place": "代わりに{promoted}が昇格しています",
    "{node} runs with its disk": "{node}はディスクとともに動いています",
    "{node} runs again with its disk": "{node}がディスクとともに再び動いています",
    "{node} was stopped, and runs on": "{node}は停止されていましたが、再び動いています",
    "the client: {error}": "クライアント: {error}",
    "the client (pid {pid}): got no answer in time": "クライアント（pid {pid}）: 時間内に応答がありません",
    "the client (pid {pid}): got its end, expected an answer": "クライアント（pid {pid}）: 応答せずに終了しました",
    "the client: got {left} alive after SIGKILL": "クライアント: SIGKILLの後もプロセス{left}が生きています",
    "no client of {role} leaks sessions": "{role}のセッションを漏らしているクライアントはありません",
    "{left}: got sessions of {role}, expected none": "{left}: {role}のセッションが残っています",
    "the client of {role} was ended, and its sessions with it": "{role}のクライアントとそのセッションを終了させました",
    "no client holds {table}": "{table}のロックを持つクライアントはありません",
    "{node}: got {table} locked by {sessions}, expected it free": "{node}: {table}が{sessions}にロックされたままです",
    "the client with the lock on {table} was ended": "{table}のロックを持つクライアントを終了させました",
    "{node}: got a primary, expected a standby that replays": "{node}: 再生中のスタンバイが必要ですが、プライマリです",
    "{node} has been promoted": "{node}は昇格しています",
    "{node} replays": "{node}は再生中です",
    "{node} replays again": "{node}が再び再生しています",
    "{node}: got no response with {where}, expected some to delete": "{node}: {where}に当たる、削除する回答がありません",
    "{node}: got '{said}', expected to delete": "{node}: 削除できません（「{said}」）",
    "no deleted response is missing": "削除された回答はすべて戻っています",
    "{missing} responses are back in {name}": "回答{missing}件が{name}に戻りました",
    "nodes: got none that takes writes, expected one to restore the rows in": (
        "nodes: 行を戻すための、書き込みできるノードがありません"
    ),
    # releases
    "service: got {name!r}, expected one of {known}": "service: {name!r}は使えません。次のいずれかです: {known}",
    "file: got {file!r}, expected the name of a file in the release": "file: {file!r}はリリースのファイル名ではありません",
    "{path}: got {strerror}, expected a source file": "{path}: ソースファイルを読めません（{strerror}）",
    "{before}: find: got {find!r} {count} times, expected exactly once": (
        "{before}: find: {find!r}が{count}回あります（ちょうど1回が必要です）"
    ),
    "{before}: replace: got the same as find, expected a change": "{before}: replace: findと同じで、変更になりません",
    "{service}: got no answer from {runs}, expected the release they run": (
        "{service}: {runs}から動作中のリリースの応答がありません"
    ),
    "release {words}: {error}": "release {words}: {error}",
    "exit code {returncode}": "終了コード{returncode}",
    "{service} runs {version}, without the change": "{service}は変更のない{version}で動いています",
    "{name} is activated, without the change of {were_bad}": "{were_bad}の変更を含まない{name}が有効になっています",
    "the change was never rolled out": "変更は一度も展開されていません",
    "{name}: got another release under way, expected it to end": "{name}: 別のリリースが進行中のままです",
    "{name}: got {seen}, all with {find!r}, expected one without": "{name}: {seen}のすべてに{find!r}があり、戻る先がありません",
}
