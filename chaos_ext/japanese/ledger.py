"""The undo ledger: shared between machines, damaged, with leases, reservations and places that need a person."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # a runbook that was left in the middle
    "'{environment}' needs a person: {runbook} was left in the middle of '{heading}'": "「{environment}」は人の確認が必要です: {runbook}が「{heading}」の途中で止まりました",
    "'{environment}' needs a person: {runbook} was left in the middle of '{heading}' ({step}) at {wall}": "「{environment}」は人の確認が必要です: {runbook}が「{heading}」（{step}）の途中、{wall}に止まりました",
    "{path}: got '{environment}' needs a person: {runbook} was left in the middle of '{heading}' at {wall}; expected nothing half-done. Look at it, then: chaos env clear {environment} --reason '…'": (
        "{path}: 「{environment}」は人の確認が必要です: {runbook}が「{heading}」の途中、{wall}に止まりました。環境を確認してから次を実行してください: chaos env clear {environment} --reason '…'"
    ),
    "{environment}: needs a person: {runbook} was left in the middle of '{heading}' ({step}) at {since}. Look at it, then: chaos env clear {environment} --reason '…'": (
        "{environment}: 人の確認が必要です: {runbook}が「{heading}」（{step}）の途中、{since}に止まりました。環境を確認してから次を実行してください: chaos env clear {environment} --reason '…'"
    ),
    "{environment}: got {count} faults still open, expected none when a person says that all is well. Run 'chaos heal' first.": (
        "{environment}: まだ復元されていない障害が{count}件あるため、問題なしとは記録できません。先に「chaos heal」を実行してください。"
    ),
    "{environment}: cleared by {who}: {reason}": "{environment}: {who}が確認済みにしました: {reason}",
    "{environment}: nobody was needed": "{environment}: 人の確認は必要ありませんでした",
    "what you looked at, and why it may go on": "何を確認し、なぜ再開してよいのか",
    "its runner is gone": "実行プロセスがなくなっています",
    # leases
    "{path}: got {names} in force by a run that may be alive ({host}, pid {pid}), at the latest until {until}; expected nothing of others. Wait for it. If that machine is gone: after that time 'chaos heal' puts it back.": (
        "{path}: {names}が、動作中かもしれない実行（{host}、pid {pid}）によって、遅くとも{until}まで発生中です。終わるのを待ってください。そのマシンがなくなっている場合は、その時刻を過ぎてから「chaos heal」で復元できます。"
    ),
    "{path}: got {name} of {host} with a lease until {until}, written at {wall}; here it is {now}. One of these clocks is wrong. Set both right (chronyc makestep), see whether that run is over, then 'chaos heal --even-if-running'.": (
        "{path}: {host}の{name}は期限が{until}、記録時刻が{wall}ですが、ここの時刻は{now}です。どちらかの時計が間違っています。両方を合わせ（chronyc makestep）、その実行が終わったことを確かめてから「chaos heal --even-if-running」を実行してください。"
    ),
    "left {name} in {instance}: its lease until {until}, written at {wall} on {host}, cannot be true; here it is {now}. Set both clocks right; when that run is surely over: chaos heal --even-if-running": (
        "{instance}の{name}はそのままです: {host}が{wall}に記録した期限{until}はあり得ません（ここの時刻は{now}）。両方の時計を合わせ、その実行が確実に終わっていれば次を実行してください: chaos heal --even-if-running"
    ),
    "left {name} in {instance}: its run on {host} (pid {pid}) may be alive until {until}. When that machine is surely gone: chaos heal --even-if-running": (
        "{instance}の{name}はそのままです: {host}での実行（pid {pid}）が{until}まで動作中かもしれません。そのマシンが確実になくなっていれば次を実行してください: chaos heal --even-if-running"
    ),
    "clock: got a jump by {jumped_s:.0f} s since this run began, expected none: nobody could trust a lease. See that the clock is right (timedatectl), then start again; nothing is injected.": (
        "時計: この実行が始まってから{jumped_s:.0f}秒ずれたため、期限を信用できません。時計が正しいことを確かめて（timedatectl）、やり直してください。何も注入しません。"
    ),
    "{pid} on {host}, gone": "{host}の{pid}（なし）",
    "{pid} on {host}, lease until {until}": "{host}の{pid}（期限{until}）",
    "{pid} on {host}, lease until {until}?": "{host}の{pid}（期限{until}？）",
    # a ledger that machines share
    "{url}: got a clock here that is {differ_s:.0f} s off the ledger's, expected at most {most_s:g} s: other machines could not trust a lease. Set the clock (chronyc makestep); nothing is injected.": (
        "{url}: このマシンの時計が台帳の時計と{differ_s:.0f}秒ずれています（許されるのは{most_s:g}秒まで）。ほかのマシンが期限を信用できません。時計を合わせてください（chronyc makestep）。何も注入しません。"
    ),
    "{url}: got no Python package 'psycopg', expected it for a shared ledger. Install it: pip install 'chaos-ext[ledger]'.": (
        "{url}: 共有の台帳に必要なPythonパッケージ「psycopg」がありません。インストールしてください: pip install 'chaos-ext[ledger]'"
    ),
    "{url}: got a ledger of version {version}, expected {ours}: a newer chaos-ext made it. Upgrade chaos-ext here; with this version nothing is injected or undone there.": (
        "{url}: 台帳の版が{version}です（この版が扱えるのは{ours}）。より新しいchaos-extが作ったものです。ここのchaos-extを更新してください。この版では何も注入せず、取り消しもしません。"
    ),
    "{url}: got a server with fsync off, expected one that keeps what it was given when its machine loses power. Nothing is injected.": (
        "{url}: fsyncが無効なサーバーです。電源断でも記録が残るサーバーが必要です。何も注入しません。"
    ),
    "{url}: got {error}, expected the ledger to answer. Without it nothing is injected. See that the database is up and may be reached from here, then run the command again.": (
        "{url}: 台帳に接続できません（{error}）。台帳なしでは何も注入しません。データベースが動いていてここから接続できることを確かめて、もう一度実行してください。"
    ),
    "{error} What was put back is sent there by 'chaos heal'.": "{error}復元した記録は「chaos heal」が送ります。",
    "a URL without a password: that is a secret (CHAOS_LEDGER_PASSWORD), or in ~/.pgpass": "パスワードを含まないURL（パスワードはsecretsのCHAOS_LEDGER_PASSWORDか~/.pgpassに置きます）",
    "something else (not shown: it may hold a password)": "別の値（パスワードを含むかもしれないため表示しません）",
    "postgresql://user@host/database": "postgresql://ユーザー@ホスト/データベース",
    "one of file, env": "fileかenvのどちらか",
    "a reference to a cloud or a cluster": "クラウドやクラスターへの参照",
    "The ledger is read before the place is proven.": "台帳は環境の証明より前に読まれます。",
    "waiting for another machine, which undoes in '{instance}' ({url})": "「{instance}」で取り消しを行っている別のマシンを待っています（{url}）",
    "the place could not be kept: {why}": "環境を確保し続けられませんでした: {why}",
    "{subject}: got no word of this run for {s:g} s, so that others may have the place now; expected one every {every_s:g} s. Nothing more is injected.": (
        "{subject}: この実行からの連絡が{s:g}秒間ありません（{every_s:g}秒ごとに必要）。環境をほかの実行が使っているかもしれないため、これ以上は何も注入しません。"
    ),
    "{name}: got its entry {state}, expected it open and within its lease: this process stood still. Nothing was injected; run it again.": (
        "{name}: 台帳の記録は「{state}」で、期限内の未完了ではありません。このプロセスが止まっていました。何も注入していません。もう一度実行してください。"
    ),
    "gone": "なし",
    "overdue": "期限切れ",
    # a damaged ledger
    "{where}: got a line that cannot be read ({error}), expected one ledger record. Nothing is injected here. Keep a copy of the file, mend or remove that line, then run 'chaos heal'.": (
        "{where}: 台帳の行を読めません（{error}）。ここでは何も注入しません。ファイルの控えを取り、その行を直すか削除してから「chaos heal」を実行してください。"
    ),
    "{where}: got a record of a newer version ({error}). Upgrade chaos-ext here; with this version nothing is injected or undone there.": (
        "{where}: より新しい版の記録です（{error}）。ここのchaos-extを更新してください。この版では何も注入せず、取り消しもしません。"
    ),
    "{path}: got it locked by somebody else for {limit_s:g} s, expected to get it. Find who holds it (fuser {path}) and end that.": (
        "{path}: 別のプロセスが{limit_s:g}秒以上ロックしています。調べて（fuser {path}）終了させてください。"
    ),
    "{path}: got something that is no file, expected a ledger. Look at it.": "{path}: ファイルではありません（台帳が必要です）。確認してください。",
    "got {kind}, expected an object": "オブジェクトではありません（{kind}）",
    "entry: got '{key}', which was never intended": "entry: 注入の予定が記録されていない「{key}」です",
    "instance: got {got}, expected that of the file '{name}'": "instance: {got}はファイル「{name}」のものではありません",
    "state: got {got}, expected one that this version knows": "state: {got}はこの版が知らない状態です",
    "fault: got too few or too many fields ({fields})": "fault: 項目に過不足があります（{fields}）",
    "{key}: got {value}, expected a number of seconds": "{key}: {value}は秒数ではありません",
    "{key}: got {value}, expected a text": "{key}: {value}は文字列ではありません",
    "{key}: got {value}, expected a whole number": "{key}: {value}は整数ではありません",
    "{key}: got {value}, expected an object": "{key}: {value}はオブジェクトではありません",
    # holders
    "its holder (pid {pid}) is on {host}: run 'chaos heal' there": "障害を保持するプロセス（pid {pid}）は{host}にあります。そこで「chaos heal」を実行してください",
    "its holder (pid {pid}) has ended": "障害を保持するプロセス（pid {pid}）は終わっています",
    "its holder (pid {pid}) is alive after SIGKILL": "障害を保持するプロセス（pid {pid}）がSIGKILLの後も動いています",
    "its holder (pid {pid}) was ended": "障害を保持するプロセス（pid {pid}）を終了させました",
    "{said} ({why})": "{said}（{why}）",
    "{said} ({why}), but the fault is still in force": "{said}（{why}）。しかし障害が続いています",
    "{why}; {error}": "{why}。{error}",
    # windows of time
    "a moment with its zone, such as '2026-12-01 10:00 Asia/Tokyo'": "タイムゾーン付きの日時（例: '2026-12-01 10:00 Asia/Tokyo'）",
    "a time after --from, and not past": "--fromより後で、まだ過ぎていない日時",
    "a time that is there once": "一度だけ存在する時刻",
    "a time zone, such as Asia/Tokyo": "タイムゾーン（例: Asia/Tokyo）",
    "Clocks are set there at that time. Write it with its offset: 2026-12-01T10:00+09:00": "その時刻に時計が切り替わります。オフセット付きで書いてください: 2026-12-01T10:00+09:00",
    "Write the zone after it, or give --zone.": "後ろにタイムゾーンを書くか、--zoneを指定してください。",
    "{count} windows of '{me}'": "「{me}」の予約が{count}件",
    "the id of one window": "予約1件のid",
    "There are: {known}": "現在の予約: {known}",
    "{starts} - {ends} {zone} for '{purpose}' by {by}": "{starts} - {ends} {zone}、{by}の「{purpose}」",
    "{where}: got '{environment}' reserved: {said}; expected it free, or yours (you are '{me}'). Wait, or ask them to: chaos env release {environment}": (
        "{where}: 「{environment}」は予約されています: {said}（あなたは「{me}」です）。待つか、解放を頼んでください: chaos env release {environment}"
    ),
    "{where}: got a window that overlaps another: {said}; expected '{environment}' free for all of it. Take another time, or ask them to: chaos env release {environment}": (
        "{where}: 別の予約と重なります: {said}。「{environment}」が空いている時間にするか、解放を頼んでください: chaos env release {environment}"
    ),
    # chaos env status
    "{environment}: broken: {name} ({state}, since {since}). Run 'chaos heal'.": "{environment}: 障害が残っています: {name}（{state}、{since}から）。「chaos heal」を実行してください。",
    "{environment}: broken: {name} ({state}, since {since}), its run is alive": "{environment}: 障害が発生中です: {name}（{state}、{since}から）。その実行は動作中です",
    "{environment}: free": "{environment}: 空いています",
    "{environment}: in use: {what} of {who} on {host} (pid {pid}, since {since})": "{environment}: 使用中: {host}の{who}による{what}（pid {pid}、{since}から）",
    "{environment}: released {said}": "{environment}: 予約を解放しました: {said}",
    "{environment}: reserved now: {said} (id {id})": "{environment}: 現在予約中: {said}（id {id}）",
    "{environment}: reserved {said} (id {id})": "{environment}: 予約しました: {said}（id {id}）",
    "{environment}: reserved: {said} (id {id})": "{environment}: 予約済み: {said}（id {id}）",
    "{environment}: unknown: {why}": "{environment}: 不明です: {why}",
}  # fmt: skip
