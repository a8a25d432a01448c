"""Arms beyond the two usual ones: what was asked for, what they mean, what they show of steps and of Verification."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # what was asked for
    "one of {sets}, or a list of {arms}, each with =COUNT": "{sets}のいずれか、または{arms}の列（それぞれに「=回数」を付けられます）",
    "a number of trials from 1 to {most}": "1〜{most}の試行回数",
    "it twice": "2回の指定",
    "each arm once": "各アーム1回ずつの指定",
    "no treatment": "treatmentの指定なし",
    "at least one treatment": "少なくとも1回のtreatment",
    "How long nobody must act is known only when the runbook was followed.": (
        "誰も対処しない試行をどれだけ続けるかは、ランブックを実行してはじめて分かります。"
    ),
    "mistakes are only made in a place that is thrown away afterwards (disposable: true)": (
        "間違いを試すのは、後で破棄する環境（disposable: true）だけです"
    ),
    "the runbook has no step that changes something on {platform}": "ランブックに、{platform}で何かを変更する手順がありません",
    "it is the only step that changes something": "何かを変更する手順がほかにありません",
    "the environment has no siblings: resources that somebody may mistake for one another": (
        "環境にsiblings（取り違えうる同種のリソース）が書かれていません"
    ),
    "it names no target": "対象の名前がありません",
    "the runbook was followed to its end and did not come to this step": (
        "ランブックを最後まで実行しましたが、この手順は通りませんでした"
    ),
    "{arm} left out: {why}": "{arm}を省略: {why}",
    # what they mean
    "no fault, and the whole runbook": "障害を注入せず、ランブック全体を実行",
    "the same fault, and the runbook without '{step}'": "同じ障害を注入し、「{step}」を除いたランブックを実行",
    "the same fault, and a mistake in '{step}': {how}": "同じ障害を注入し、「{step}」で間違える: {how}",
    "wrong target": "対象の取り違え",
    "done twice": "2回実行",
    "swapped with the next step": "次の手順と順序が逆",
    "cut in the middle, then everything from the beginning": "途中で中断し、最初からやり直し",
    "Only looking: what follows is left out": "調べるだけ: この先は実行しません",
    # while it goes on
    "{trial} is taken over from {run}, and not run again": "{trial}は{run}から引き継ぎ、再実行しません",
    "{done} of {of} trials, about {left} left": "{of}回中{done}回の試行が終了、残り約{left}",
    "resumed": "再開",
    "progress": "進み具合",
    "{hours} h {minutes} min": "{hours}時間{minutes}分",
    "{minutes} min": "{minutes}分",
    "Verification passes at the end": "終了時、ランブックの「確認」は成功します",
    "Verification fails at the end": "終了時、ランブックの「確認」は失敗します",
    "Verification passes, as it should with nothing broken": "ランブックの「確認」は成功します。何も壊れていないので、正しい結果です",
    "Verification fails although nothing is broken": "何も壊れていないのに、ランブックの「確認」が失敗します",
    "{count} differences, which go with the place: it is thrown away": "差分{count}件。環境は破棄されるので残りません",
    "only looked": "調べただけ",
    "users felt nothing of it": "ユーザーへの影響はありませんでした",
    "users are hurt: {why}": "ユーザーに影響が出ています: {why}",
    # whether a trial counts
    "what was done otherwise": "手順の変え方",
    "was to have no fault, and has the record of one.": "障害を注入しないはずの試行に、障害の記録があります。",
    "measured no operation of {flow} in the {window_s:g} s before its runbook began.": (
        "ランブック開始前の{window_s:g}秒間に、{flow}の操作が1件も計測されていません。"
    ),
    "measured no operation of {flow} while its runbook was followed.": (
        "ランブックの実行中に、{flow}の操作が1件も計測されていません。"
    ),
    "was not well before its runbook began: {figures} in {flow}.": (
        "ランブックの開始前から正常ではありません。{flow}: {figures}。"
    ),
    # what they show
    "had nothing broken, and measured {impact} in {flow} ({figures}) while the runbook was followed. Have it look "
    "whether there is anything to do before it changes something.": (
        "何も壊していないのに、ランブックの実行中に{flow}で「{impact}」を計測しました（{figures}）。"
        "変更する前に、対処が必要かどうかを調べる手順にしてください。"
    ),
    "had nothing broken, and lost {count} writes that users were told are stored: {ids}.": (
        "何も壊していないのに、受け付け済みの書き込み{count}件が消失しました: {ids}。"
    ),
    "was only looked at and came back: a block of the runbook that is to look heals, or it comes back alone. Find out "
    "which.": (
        "調べただけで復旧しました。調べるはずのブロックが復旧させているか、自然に復旧しています。どちらかを確認してください。"
    ),
    "At 95 % confidence {percent:.0f} % of recoveries take at most {s:.1f} s, however times are distributed": (
        "信頼水準95%で、復旧の{percent:.0f}%は{s:.1f}秒以内（時間の分布は仮定しない）"
    ),
    "{heading}: {sentence}": "{heading}: {sentence}",
    "{trial}: {sentence}": "{trial}: {sentence}",
    "{heading}, {mistake}: {sentence}": "{heading}、{mistake}: {sentence}",
    "{words} {count} trials without it do not count.": "{words}この手順を除いた試行のうち{count}回は無効です。",
    "users were back in {back} of {of} trials without it, in {back_with} of {of_with} with it (Holm-corrected "
    "p = {p:.2g})": (
        "この手順を除くと{of}回中{back}回、除かないと{of_with}回中{back_with}回、目標内に復旧しました（Holm補正済みp = {p:.2g}）"
    ),
    "It is necessary: {figures}.": "必要: {figures}。",
    "It is harmful: {figures}. Take it out, or mend it.": "有害: {figures}。取り除くか、直してください。",
    "Not shown necessary, which does not mean unnecessary: {figures}.": (
        "必要とは示されていません（不要という意味ではありません）: {figures}。"
    ),
    "Not shown necessary, which does not mean unnecessary: {figures}. So few trials cannot show it.": (
        "必要とは示されていません（不要という意味ではありません）: {figures}。試行が少なすぎて、示すことはできません。"
    ),
    "Not shown necessary: no trial without it counts.": (
        "必要とは示されていません。この手順を除いた試行に有効なものがありません。"
    ),
    "Not tried: {why}.": "試していません: {why}。",
    "mistakes": "間違い",
    "Verification noticed {noticed} of {of} mistakes after which users were not back.": (
        "復旧しなかった間違い{of}件のうち、ランブックの「確認」は{noticed}件に気づきました。"
    ),
    "After no mistake that counts users were not back: nothing for Verification to notice.": (
        "有効な試行では、どの間違いの後も復旧しました。ランブックの「確認」が気づくべきものはありません。"
    ),
    "The trial proves nothing.": "この試行は無効です。",
    "Nothing in this step named a target that has a neighbour: no mistake was made.": (
        "この手順には、取り違えうる対象の名前がありません。間違いは起こりませんでした。"
    ),
    "Users were back, but {lost} writes that they were told are stored are lost.": (
        "復旧しましたが、受け付け済みの書き込み{lost}件が消失しました。"
    ),
    "Users were back all the same; the runbook stopped at {step}.": (
        "それでも復旧しました。ランブックは「{step}」で止まりました。"
    ),
    "Users were back all the same.": "それでも復旧しました。",
    "Users were only just coming back when it was looked at: nothing can be said of Verification.": (
        "調べた時点では復旧の途中でした。ランブックの「確認」については何も言えません。"
    ),
    "{flows} was still broken": "{flows}が壊れたまま",
    "the fault was still in force": "障害が発生中",
    "Verification passed while {broken}. Make it check what users feel.": (
        "{broken}なのに、ランブックの「確認」が成功しました。ユーザーが感じることを確かめるようにしてください。"
    ),
    "Users were not back ({broken}); the runbook stopped at {step}, and Verification failed.": (
        "復旧しませんでした（{broken}）。ランブックは「{step}」で止まり、ランブックの「確認」は失敗しました。"
    ),
    "Users were not back ({broken}), and Verification failed.": (
        "復旧しませんでした（{broken}）。ランブックの「確認」は失敗しました。"
    ),
}
