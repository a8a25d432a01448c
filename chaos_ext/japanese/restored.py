"""Whether a place is as it was: what is looked at, what differs, what modes leave."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # differences
    "{path}: was not there before the fault, is {after} now": "{path}: 障害の前にはなく、今は{after}です",
    "{path}: was {before} before the fault, is not there now": "{path}: 障害の前は{before}で、今はありません",
    "{path}: was {before} before the fault, is {after} now": "{path}: 障害の前は{before}、今は{after}です",
    "The lab is thrown away, so nothing has to be put back by hand; elsewhere it would stay. Correct the fault's undo "
    "or the runbook; when the difference is right, say so under 'leaves' of {mode}.": (
        "ラボは破棄されるため、手で戻す必要はありません。ほかの環境では残ります。障害の取り消しかランブックを直してください。"
        "その差異が正しい場合は、{mode}の「leaves」に書いてください。"
    ),
    "Put it back by hand before anything else runs here. Then correct the fault's undo or the runbook; when the "
    "difference is right, say so under 'leaves' of {mode}.": (
        "ここで次に何かを実行する前に、手で元に戻してください。その上で、障害の取り消しかランブックを直してください。"
        "その差異が正しい場合は、{mode}の「leaves」に書いてください。"
    ),
    # looks
    "got nothing, expected what is to be as it was": "何も返りませんでした。元どおりであるべき状態が必要です",
    "The place cannot be looked at before the fault, so nobody could say whether it is restored: {why}": (
        "障害の前に環境を確認できないため、後で元に戻ったと言えません: {why}"
    ),
    "{url}: got {error}, expected an answer": "{url}: 応答がありません（{error}）",
    "{name}: got {still} responses missing still": "{name}: 回答が{still}件まだ戻っていません",
    # verdict
    "has no look at the place after the undo: whether it is as it was is not known.": (
        "取り消しの後に環境を確認した記録がなく、元どおりかどうか分かりません。"
    ),
    "left a difference: {difference}.": "差異が残りました: {difference}。",
    "left {count} more differences; see its events.": "ほかに{count}件の差異が残りました。イベントの記録を確認してください。",
    "could not look at {name} after the undo: {why}.": "取り消しの後に{name}を確認できませんでした: {why}。",
    # story
    "restored": "復元",
    "everything is as before the fault": "すべて障害の前と同じ",
    "everything is as before the fault, but for what the mode leaves ({count})": (
        "故障モードが残すとしているもの（{count}件）を除き、すべて障害の前と同じ"
    ),
    "{name} could not be looked at: {why}": "{name}を確認できませんでした: {why}",
    "the mode says that it leaves {path}, which is not so here: remove it, or correct it": (
        "故障モードは{path}が残るとしていますが、ここでは残っていません。削除するか直してください"
    ),
    "{path}: {why}": "{path}: {why}",
    # check
    "Add 'snapshot: […]' with probes, or names such as {name}.": (
        "「snapshot: […]」を追加し、プローブか、{name}などの名前を書いてください。"
    ),
    "what must be as it was after a trial": "試行の後に元どおりであるべきもの",
    "a probe, or the name of one that is shipped": "プローブか、同梱のプローブの名前",
    "a name of its own, without '/': paths of differences begin with it": (
        "ほかと重ならない、「/」を含まない名前（差異のパスの先頭になります）"
    ),
    "a path such as postgresql/roles/batch/login; '*' only after its first step": (
        "postgresql/roles/batch/loginのようなパス（「*」は2番目以降の要素に限る）"
    ),
    "Name what is left, not all that there is.": "全体ではなく、残るものを書いてください。",
    "each path once": "同じパスは1回だけ",
    "a path that begins with one of {names}": "{names}のどれかで始まるパス",
}
