"""How a failure is noticed: hops, receivers, and the revision of the runbook that an alert links."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # the hops
    "users hurt": "利用者影響の開始",
    "condition true": "条件成立",
    "alert fires": "発報",
    "receiver told": "通知到達",
    "{hop} after {time}": "{hop} {time}後",
    "{hop} after {time} ({note})": "{hop} {time}後（{note}）",
    "{s:.1f} s earlier": "{s:.1f}秒前",
    "within {s:.1f} s": "{s:.1f}秒以内",
    "{span} later": "さらに{span}後",
    "not seen": "確認できず",
    "not looked at: the environment names no rules_url": "確認対象外（環境にrules_urlの指定がない）",
    "not looked at: the environment names no received_url": "確認対象外（環境にreceived_urlの指定がない）",
    "its condition was true, but it did not fire": "条件は成立したが発報せず",
    "true already when it was looked at first": "最初に見たときには成立済み",
    "sent to {receivers}; whether it arrived is not looked at": "宛先は{receivers}（到達は確認対象外）",
    "reached only {others}": "届いたのは{others}だけ",
    "nobody was told": "どこにも届かず",
    "nobody": "なし",
    "told {told}, expected {receiver}": "通知先は{told}（期待は{receiver}）",
    # pages
    "How it was noticed, hop by hop": "検知の経過（区間ごと）",
    "Each hop after the fault, and below it how long after the hop before. A time lies somewhere in its interval: "
    "between the last look that did not see it and the first that did.": (
        "各区間の障害からの時間です。下段は前の区間からの時間です。"
        "実際の時刻は、最後に見えなかった時点と最初に見えた時点の間にあります。"
    ),
    "links revision": "リンク先の版",
    "the one that was followed": "実行した版と同じ",
    "followed: {revision}": "実行した版: {revision}",
    "Which revision of the runbook the alert links: in this environment links name none.": (
        "アラートがランブックのどの版へリンクしているか（この環境のリンクには版の指定がありません）。"
    ),
    "Whether the alert arrived at anybody: in this environment it is only seen to fire.": (
        "アラートが誰かに届いたか（この環境では発報までしか確認できません）。"
    ),
    "Whether the right people were told: the failure mode names no receiver.": (
        "正しい相手に届いたか（故障モードに通知先の指定がありません）。"
    ),
    # the rules
    "saw alert {name} fire, but its condition was true before the fault: it says nothing about it.": (
        "アラート{name}は発報しましたが、その条件は障害の前から成立しており、この障害を検知したことになりません。"
    ),
    "saw no alert {name}, and at last could not ask for it: {why}.": (
        "アラート{name}の発報は確認できず、最後には問い合わせもできませんでした: {why}。"
    ),
    "{what} only {after} after the fault; the objective is {within_s:g} s. Shorten the rule's `for` or its window, or "
    "correct detect_within.": (
        "{what}は障害から{after}後で、目標の{within_s:g}秒を超えています。"
        "ルールの「for」や集計期間を短くするか、detect_withinを直してください。"
    ),
    "saw alert {name} reach {receiver}": "アラート{name}の{receiver}への到達",
    "saw alert {name} link its runbook, but which revision was followed is not known.": (
        "アラート{name}はランブックへリンクしていますが、どの版を実行したのか記録がありません。"
    ),
    "saw alert {name} link revision {revision} of the runbook, but {followed} was followed. Give the alerting its rules "
    "again, so that they link the runbook as it is now.": (
        "アラート{name}のリンク先はランブックの版「{revision}」ですが、実行したのは「{followed}」です。"
        "現在のランブックへリンクするように、アラートのルールを配布し直してください。"
    ),
    "saw alert {name} fire, but not who is told.": "アラート{name}は発報しましたが、通知先がわかりません。",
    "saw alert {name} reach {receiver}, but not when.": (
        "アラート{name}は{receiver}に届きましたが、時刻がわかりません。"
    ),
    "could not see who was told of alert {name}: {why}": "アラート{name}の通知先を確認できませんでした: {why}",
    "saw alert {name} fire, and nothing arrived at {receiver}. Check the alerting's routes, and the way to the receiver.": (
        "アラート{name}は発報しましたが、{receiver}には何も届いていません。"
        "通知の振り分けと、通知先までの経路を確かめてください。"
    ),
    "saw alert {name} reach {others}, not {receiver}: those who follow the runbook were not told. Correct the "
    "alerting's routes, or detection.receiver.": (
        "アラート{name}が届いたのは{others}で、{receiver}ではありません。ランブックを実行する人に届いていません。"
        "通知の振り分けか、detection.receiverを直してください。"
    ),
    "{url}: the answer is not what was asked for: {error}": "{url}: 期待した形の応答ではありません: {error}",
    # the catalogue's check
    "a receiver that the routes of {name} name": "{name}のroutesにある通知先",
    "{receiver}, to whom the routes of {name} send it": "{receiver}（{name}のroutesによる宛先）",
}
