"""The page as HTML. Every text from outside passes `esc`; nothing is loaded from anywhere else. Pure."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from chaos_lab.page.looking import Arrow, Look
from chaos_lab.page.style import SCRIPT, STYLE
from chaos_lab.page.words import Language, say, uptime


def esc(value: object) -> str:
    return html.escape(str(value), quote=True)


def document(language: Language, title: str, body: str, fragment: str, nonce: str) -> str:
    """A whole page around a part that is fetched anew from the relative URL `fragment`."""
    words = {
        name: say(language, text)
        for name, text in {
            "pause": "Pause updates",
            "resume": "Resume updates",
            "lost": "The command that serves this page has ended, or does not answer.",
        }.items()
    }
    # "<" cannot end the script early then.
    told = json.dumps({"fragment": fragment, **words}, ensure_ascii=False).replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{esc(title)}</title>
<style nonce="{nonce}">{STYLE}</style>
</head>
<body>
<main id="main">{body}</main>
<footer><p>{esc(say(language, "Updated every two seconds."))}</p>
<button type="button" id="pause" hidden>{esc(words["pause"])}</button>
<p id="lost" role="status" class="bad"></p></footer>
<script nonce="{nonce}">const told = {told};{SCRIPT}</script>
</body>
</html>
"""


def lab(language: Language, look: Look, logs: list[str], now: datetime) -> str:
    """The lab's own part of the page."""
    name = esc(say(language, "Lab {name}", name=look.status["name"]))
    if look.gone:
        gone = "This lab is gone. A new one starts with: chaos lab up"
        return f"<h1>{name} {_badge(language, False, 'gone')}</h1><p>{esc(say(language, gone))}</p>"
    healthy = bool(look.status["healthy"])
    why = str(look.status.get("why") or "")
    return "".join(
        (
            f"<h1>{name} {_badge(language, healthy, 'healthy' if healthy else 'not healthy')}</h1>",
            f'<p class="bad">{esc(why)}</p>' if why else "",
            _alerts(language, look.alerts),
            _parts(language, look.status, logs, now),
            _network(language, look.arrows),
            _other_logs(language, logs, look.status["parts"]),
        )
    )


def log(language: Language, part: str, text: str) -> str:
    """One part's log."""
    shown = esc(text) if text else esc(say(language, "The log is empty."))
    title = esc(say(language, "Log of {part}", part=part))
    return (
        f'<p><a id="back" href="../">{esc(say(language, "Back to the lab"))}</a></p><h1>{title}</h1>'
        # It can be scrolled, so it must be reachable with the keyboard.
        f'<pre id="log" tabindex="0" role="region" aria-label="{title}">{shown}</pre>'
    )


def _badge(language: Language, good: bool, word: str) -> str:
    return f'<span class="badge {"good" if good else "bad"}">{esc(say(language, word))}</span>'


def _clock(stamp: str) -> str:
    return f'<time datetime="{esc(stamp)}">{esc(stamp[11:19])} UTC</time>'


def _alerts(language: Language, alerts: list[dict[str, Any]] | None) -> str:
    title = f"<h2>{esc(say(language, 'Alerts'))}</h2>"
    if alerts is None:
        unknown = say(language, "The alerting does not answer, so nobody knows.")
        return f'{title}<p class="bad">{esc(unknown)}</p>'
    if not alerts:
        return f"{title}<p>{esc(say(language, 'No alert fires.'))}</p>"
    return f"{title}<ul>{''.join(_alert(language, alert) for alert in alerts)}</ul>"


def _alert(language: Language, alert: dict[str, Any]) -> str:
    labels, notes = alert["labels"], alert["annotations"]
    since = say(language, "since {time}", time="\0").replace("\0", _clock(alert["startsAt"]))
    runbook = str(notes.get("runbook_url", ""))
    link = ""
    if urlsplit(runbook).scheme in ("http", "https"):  # anything else could be a script
        link = f' <a href="{esc(runbook)}">{esc(say(language, "Runbook"))}</a>'
    return (
        f'<li class="alert"><strong>{esc(labels.get("alertname", ""))}</strong> {since}'
        f"<br>{esc(notes.get('summary', ''))}{link}</li>"
    )


def _parts(language: Language, status: dict[str, Any], logs: list[str], now: datetime) -> str:
    columns = ("Part", "State", "Uptime", "Restarts", "Release", "Process", "Port", "Log")
    names = [say(language, column) for column in columns]
    head = "".join(f'<th scope="col">{esc(name)}</th>' for name in names)
    rows = []
    for name, part in status["parts"].items():
        role = f" ({say(language, 'primary')})" if name in status["primaries"] else ""
        state = (
            _badge(language, True, "usable")
            if part["healthy"]
            else f'<span class="badge bad">{esc(part["state"])}</span> {esc(part["why"])}'
        )
        started = part["since"]
        up = uptime(language, (now - datetime.fromisoformat(started)).total_seconds()) if started else "–"
        link = (
            f'<a id="log-{esc(name)}" href="logs/{esc(name)}" '
            f'aria-label="{esc(say(language, "Log of {part}", part=name))}">{esc(names[7])}</a>'
            if name in logs
            else "–"
        )
        cells = (
            state,
            esc(up),
            part["restarts"],
            esc(part["release"] or "–"),
            part["pid"] or "–",
            part["port"],
            link,
        )
        rows.append(
            f'<tr><th scope="row">{esc(name)}{esc(role)}</th>'
            + "".join(
                f'<td data-label="{esc(label)}">{cell}</td>'
                for label, cell in zip(names[1:], cells, strict=True)
            )
            + "</tr>"
        )
    return (
        f'<h2 id="parts">{esc(say(language, "Parts"))}</h2><table aria-labelledby="parts">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _network(language: Language, arrows: list[Arrow] | None) -> str:
    title = f"<h2>{esc(say(language, 'Network'))}</h2>"
    if arrows is None:
        unknown = say(language, "The fault proxies do not answer, so nobody knows.")
        return f'{title}<p class="bad">{esc(unknown)}</p>'
    disturbed = [arrow for arrow in arrows if arrow.disturbed]
    shown = (
        f"<ul>{''.join(_arrow(language, arrow) for arrow in disturbed)}</ul>"
        if disturbed
        else f"<p>{esc(say(language, 'Nothing disturbs the network.'))}</p>"
    )
    every = "".join(_arrow(language, arrow) for arrow in arrows)
    number = say(language, "All {number} arrows", number=len(arrows))
    return f'{title}{shown}<details id="arrows"><summary>{esc(number)}</summary><ul>{every}</ul></details>'


def _arrow(language: Language, arrow: Arrow) -> str:
    caller, _, target = arrow.name.partition("->")
    said = []
    if arrow.distance_ms:
        said.append(esc(say(language, "{ms} ms each way", ms=arrow.distance_ms)))
    if not arrow.up:
        said.append(_badge(language, False, "down"))
    for toxic in arrow.toxics:
        way = say(language, "to the server" if toxic["stream"] == "upstream" else "to the client")
        values = ", ".join(f"{name} {value}" for name, value in toxic["attributes"].items() if value)
        share = f" {toxic['toxicity']:.0%}" if toxic["toxicity"] < 1 else ""
        said.append(f'<span class="badge bad">{esc(toxic["type"])}</span> {esc(values)} ({esc(way)}){share}')
    what = ", ".join(said) or esc(say(language, "undisturbed"))
    return f"<li>{esc(caller)} → {esc(target)}: {what}</li>"


def _other_logs(language: Language, logs: list[str], parts: dict[str, Any]) -> str:
    links = "".join(
        f'<li><a id="log-{esc(name)}" href="logs/{esc(name)}">{esc(name)}</a></li>'
        for name in logs
        if name not in parts
    )
    return f"<h2>{esc(say(language, 'Other logs'))}</h2><ul>{links}</ul>" if links else ""


def now() -> datetime:
    return datetime.now(UTC)
