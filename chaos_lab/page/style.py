"""How the page looks, and what keeps it up to date."""

from __future__ import annotations

# Every pair of colours has a contrast of at least 4.5:1 (WCAG 2.2, 1.4.3).
STYLE = """
:root { --ink: #1b1f24; --paper: #ffffff; --quiet: #57606a; --line: #d0d7de; --link: #0550ae;
  --good-ink: #0f5323; --good: #d7f5dd; --bad-ink: #8f0d22; --bad: #ffe5e6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --quiet: #a2abb5;
  --line: #30363d; --link: #79b8ff; --good-ink: #8ae99c; --good: #10301b; --bad-ink: #ffb3ad; --bad: #47161b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, "Hiragino Sans", "Noto Sans JP", "Yu Gothic UI", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 1.5rem 0 .5rem; }
a { color: var(--link); } a:focus-visible, button:focus-visible, summary:focus-visible, pre:focus-visible {
  outline: 3px solid var(--link); outline-offset: 2px; }
ul { padding-left: 1.2rem; margin: .3rem 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--quiet); font-weight: 600; white-space: nowrap; }
.badge { border-radius: .4rem; padding: .1rem .5rem; font-size: .9rem; font-weight: 600; white-space: nowrap; }
.good { color: var(--good-ink); background: var(--good); } .bad { color: var(--bad-ink); background: var(--bad); }
p.bad:not(:empty), li.alert { padding: .5rem .7rem; border-radius: .4rem; }
li.alert { color: var(--bad-ink); background: var(--bad); list-style: none; margin: .4rem 0 .4rem -1.2rem; }
li.alert a { color: inherit; }
summary { cursor: pointer; padding: .3rem 0; }
pre { border: 1px solid var(--line); border-radius: .4rem; padding: .7rem; max-height: 75vh; overflow: auto;
  font-size: .8rem; white-space: pre-wrap; }
footer { color: var(--quiet); margin-top: 2rem; }
button { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--quiet);
  border-radius: .4rem; padding: .35rem .8rem; min-height: 2.5rem; cursor: pointer; }
@media (max-width: 44rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, tbody th, td:first-of-type { display: block; }
  td { display: inline-block; margin-right: 1rem; }
  tr { border-bottom: 1px solid var(--line); padding: .5rem 0; }
  tbody th, td { border: 0; padding: .1rem 0; }
  td::before { content: attr(data-label) ": "; color: var(--quiet); }
}
"""

# What is focused, open or scrolled stays so when the content is put in anew.
SCRIPT = """
const main = document.getElementById("main"), pause = document.getElementById("pause");
const lost = document.getElementById("lost");
let paused = false, last = "";
const atEnd = pre => pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 4;
function show(text) {
  if (text === last || String(getSelection())) return;
  const open = [...main.querySelectorAll("details[open]")].map(each => each.id);
  const focused = main.contains(document.activeElement) ? document.activeElement.id : "";
  const before = document.getElementById("log");
  const at = before && !atEnd(before) ? before.scrollTop : null;
  main.innerHTML = last = text;
  for (const id of open) { const each = document.getElementById(id); if (each) each.open = true; }
  if (focused) document.getElementById(focused)?.focus({preventScroll: true});
  const pre = document.getElementById("log");
  if (pre) pre.scrollTop = at === null ? pre.scrollHeight : at;
}
async function refresh() {
  if (!paused && !document.hidden) {
    try {
      const response = await fetch(told.fragment, {cache: "no-store"});
      if (!response.ok) throw new Error(response.status);
      show(await response.text());
      if (lost.textContent) lost.textContent = "";
    } catch (error) {
      if (!lost.textContent) lost.textContent = told.lost;
    }
  }
  setTimeout(refresh, 2000);
}
pause.hidden = false;
pause.onclick = () => { paused = !paused; pause.textContent = paused ? told.resume : told.pause; };
const pre = document.getElementById("log");
if (pre) pre.scrollTop = pre.scrollHeight;
setTimeout(refresh, 2000);
"""
