"""What the lab, a product of its own that speaks English, says through `chaos lab` and a run. No `t` makes these."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # on its way up
    "building the template (once per version)": "ひな形を作っています（版ごとに1回）",
    "lab {name}: laying out {dir}": "ラボ{name}: {dir}に配置しています",
    "starting {parts}": "{parts}を起動しています",
    "lab {name} is up after {s} s: {url}": "ラボ{name}が{s}秒で起動しました: {url}",
    "removing what is left of lab {name}: {why}": "ラボ{name}の残骸を削除しています: {why}",
    "ending processes of a lab whose directory is gone": "フォルダのなくなったラボのプロセスを終了させています",
    "{problem} Trying other ports.": "{problem}別のポートで試します。",
    # no lab, or not the one
    "no lab is up. 'chaos lab up' starts one.": "起動中のラボはありません。「chaos lab up」で起動します。",
    "{home}: no lab is up. 'chaos lab up' starts one.": "{home}: 起動中のラボはありません。「chaos lab up」で起動します。",
    "{home}: got {count} labs ({labs}), expected one. Name the one you mean, or set CHAOS_LAB.": (
        "{home}: ラボが{count}個あります（{labs}）。どれかを指定するか、CHAOS_LABを設定してください。"
    ),
    "{source}: got {asked}, expected a lab that is up (those: {there}). 'chaos lab up' starts one.": (
        "{source}: {asked}というラボは起動していません（起動中: {there}）。「chaos lab up」で起動します。"
    ),
    "{dir}: the lab is not up, its state is {state}. 'chaos lab status {name}' says more.": (
        "{dir}: ラボは起動していません（状態は{state}）。詳しくは「chaos lab status {name}」で確認できます。"
    ),
    "{dir}: got no readable lab.json, expected a lab. 'chaos lab up' removes leftovers.": (
        "{dir}: 読み取れるlab.jsonがなく、ラボではありません。残骸は「chaos lab up」が削除します。"
    ),
    "PART: got {part}, expected one of {parts}.": "PART: {part}という構成要素はありません。次のいずれかです: {parts}。",
    "{path}: the lab's supervisor does not answer: {error}": "{path}: ラボのsupervisorが応答しません: {error}",
    # parts of others, in the file that `up --parts` reads
    "--parts: got {kind}, expected a list of parts.": "--parts: {kind}ではなく、構成要素の一覧が必要です。",
    "--parts: got {keys}, expected name, command, health, and perhaps files, environment.": (
        "--parts: {keys}ではなく、name、command、healthと、必要ならfiles、environmentを書いてください。"
    ),
    "--parts: got {name}, which the lab has already, expected another name.": (
        "--parts: {name}という名前はラボですでに使われています。別の名前にしてください。"
    ),
    "--parts: name: got {name}, expected small letters, digits and hyphens.": (
        "--parts: name: {name}は使えません。英小文字、数字、ハイフンで書いてください。"
    ),
    "--parts: {part}: command: got {command}, expected a list of words.": (
        "--parts: {part}: command: {command}ではなく、単語の一覧が必要です。"
    ),
    "--parts: {part}: command: got {word}, which is not there, expected an installed program.": (
        "--parts: {part}: command: {word}が見つかりません。インストール済みのプログラムを指定してください。"
    ),
    "--parts: {part}: health: got {path}, expected a path such as '/healthz'.": (
        "--parts: {part}: health: {path}ではなく、「/healthz」のようなパスが必要です。"
    ),
    "--parts: {part}: {key}: got {said}, expected names with texts.": (
        "--parts: {part}: {key}: {said}ではなく、名前と文字列の組が必要です。"
    ),
    "--parts: {part}: files: got {file}, expected a plain file name.": (
        "--parts: {part}: files: {file}は使えません。フォルダを含まないファイル名にしてください。"
    ),
    "--parts: {part}: environment: got {variable}, expected a variable's name.": (
        "--parts: {part}: environment: {variable}は変数名として使えません。"
    ),
    "--parts: {part}: {where}: got {placeholder}, expected one of {known}.": (
        "--parts: {part}: {where}: {placeholder}は使えません。次のいずれかです: {known}。"
    ),
    # what keeps it from starting
    "--name: got {name}, but a lab of this name is {state}. Choose another, or end it with 'chaos lab down {again}'.": (
        "--name: {name}という名前のラボは{state}の状態です。別の名前にするか、「chaos lab down {again}」で終了させてください。"
    ),
    "--name: got {name}, expected up to 32 small letters, digits and hyphens, not starting with a hyphen, {not_so}. "
    "Try 'mine'.": (
        "--name: {name}は使えません。英小文字、数字、ハイフンの32文字以内で、先頭はハイフンや{not_so}以外にしてください（例: mine）。"
    ),
    "ports {range}: got {free} free ones on 127.0.0.1, expected {wanted}. Stop what uses them ('ss -ltnp' shows it), "
    "or set CHAOS_LAB_PORTS to another range.": (
        "ポート{range}: 127.0.0.1の空きが{free}個しかありません（{wanted}個必要）。使っているもの（「ss -ltnp」で確認）を"
        "止めるか、CHAOS_LAB_PORTSに別の範囲を設定してください。"
    ),
    "CHAOS_LAB_PORTS: got {chosen}, expected two ports of 1024 to 65535 such as '20000-20999'.": (
        "CHAOS_LAB_PORTS: {chosen}は使えません。1024〜65535の2つのポートで指定してください（例: 20000-20999）。"
    ),
    "{path}: the lab home cannot be made: {why}. Set CHAOS_LAB_HOME to a short path that you may write to.": (
        "{path}: ラボのフォルダを作れません: {why}。CHAOS_LAB_HOMEに、書き込める短いパスを設定してください。"
    ),
    "{socket}: got a socket path of {longest} bytes, expected at most {most}. Set CHAOS_LAB_HOME to a shorter path.": (
        "{socket}: ソケットのパスが{longest}バイトあります（最大{most}）。CHAOS_LAB_HOMEに短いパスを設定してください。"
    ),
    "{home}: the user {user}, as whom PostgreSQL runs when root starts it, cannot enter {place}. Set CHAOS_LAB_HOME to "
    "a directory that everybody can enter, such as /tmp/labs.": (
        "{home}: rootで起動したときにPostgreSQLを動かすユーザー{user}が{place}に入れません。CHAOS_LAB_HOMEに、"
        "誰でも入れるフォルダ（/tmp/labsなど）を設定してください。"
    ),
    "{module}: not installed, but the lab needs it. Run: {command}": (
        "{module}: ラボに必要ですが、インストールされていません。実行してください: {command}"
    ),
    "{wheel}: the wheel with the lab's PostgreSQL is not installed. Run: {command}": (
        "{wheel}: ラボのPostgreSQLのwheelがインストールされていません。実行してください: {command}"
    ),
    "{wheel}: the wheel with the lab's cache is not installed. Run: {command}": (
        "{wheel}: ラボのキャッシュのwheelがインストールされていません。実行してください: {command}"
    ),
    "this machine: got a C library that is not glibc (Alpine's musl?), expected glibc: the lab's PostgreSQL has no "
    "build for it. Use a Debian, Ubuntu, Fedora or RHEL image.": (
        "このマシン: Cライブラリがglibcではありません（Alpineのmuslでしょうか）。ラボのPostgreSQLが動かないため、"
        "Debian、Ubuntu、Fedora、RHELのイメージを使ってください。"
    ),
    "{lab}: not healthy after {s} s: {problems}": "{lab}: {s}秒たっても正常になりません: {problems}",
    "{lab}: the supervisor ended: {said}": "{lab}: supervisorが終了しました: {said}",
    "{part}: ended while the lab started: {said}": "{part}: ラボの起動中に終了しました: {said}",
    "{gone}: cannot be removed entirely. Remove it by hand.": "{gone}: 完全には削除できません。手で削除してください。",
    "processes {pids}: still there {s} s after SIGKILL. Look at them with 'ps'.": (
        "プロセス{pids}: SIGKILLから{s}秒たっても残っています。psで確認してください。"
    ),
}
