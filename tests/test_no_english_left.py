"""Nothing that a person sees is English only: no sentence goes past `t`, and screens in Japanese hold none."""

from __future__ import annotations

import ast
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos_ext.language import t
from chaos_ext.model import (
    MutantFinding,
    MutantWord,
    Mutation,
    Mutations,
    Reason,
    StepFinding,
    StepWord,
    Successes,
    Verdict,
    VerdictWord,
)
from chaos_ext.report.terminal import Terminal, render_verdict

ROOT = Path(__file__).resolve().parents[1]
_SENTENCE = re.compile(r"[A-Za-z]{2,}[,:]? [a-z']{2,}[,:]? [a-z']{2,}")

# Whole files of words that are no sentences of ours: tables of commands, what a scaffold writes, both languages.
_TABLES = ("runbook/lint/harm.py", "catalog/templates.py", "sheets/columns.py", "sheets/write.py")
# Said to programs, to programmers, or written into files that stay English.
_NOT_FOR_SCREENS = (
    "chaos catalog prove-probes",
    "chaos runbook follow", "chaos runbook show ", "chaos lab down ", "runbook show catalog/", "chaos verify ID --env ",
    "history show last", "` · `chaos history report ", "chaos catalog site",
    "another release is under way", "An error occurred (", "mapping values are not allowed", "Did you mean '",
    "time or null", "list of texts", ": a sample with a value that it cannot have: ",
    "Every user flow meets its SLO, and nothing that was acknowledged is lost",
    ".\n# Do not edit: change those and run `chaos catalog compile`.\n", "Nobody notices yet.",
    "name not found", "the end of the line", " operations are under way", "samples of one flow at a time",
    "# Signed by `chaos policy approve`: one changed byte here, or in what it approves, voids it.\n",
    "a schedule needs at least one flow", "the flow does not write", "an item without ", " was sent twice",
    "an outcome that does not belong to a write: ", "a file without anything in it is refused when it is read",
    "chaos: a failure is tried", "A rehearsal: a control plane without users, of whom nothing is measured",
)  # fmt: skip
_SQL = re.compile(r"\b(?:SELECT|DELETE|LOCK|AND|INSERT|FROM)\b")
_FOR_HELP = {"help", "epilog", "prompt", "short_help"}
_FOR_PROGRAMMERS = {"RuntimeError", "AssertionError", "compile"}


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The literals of a module but for docstrings, what `t` gets, help texts and messages to programmers."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            parts = [node]
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            parts = [word.value for word in node.keywords if word.arg in _FOR_HELP]
            parts += node.args[:1] if name == "t" else [node] if name in _FOR_PROGRAMMERS else []
        elif isinstance(node, ast.Dict):
            parts = [
                value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value in _FOR_HELP
            ]
        skipped |= {id(inner) for part in parts for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if id(node) not in skipped and isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def test_no_sentence_goes_past_t():
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {text!r}"
        for path in sorted((ROOT / "chaos_ext").rglob("*.py"))
        if "japanese" not in path.parts and not path.as_posix().endswith(_TABLES)
        for line, text in _texts(ast.parse(path.read_text(encoding="utf-8")))
        if _SENTENCE.search(text) and not _SQL.search(text) and text not in _NOT_FOR_SCREENS
    ]
    assert wrong == []


# --- a run, told ---------------------------------------------------------------------------------

_FLOW = {"operations": 30, "failed": 0, "p_latency_s": 0.012, "claimed": "outage", "measured": "outage"}
_STORY = [
    {"kind": "run-started", "mode": "m", "title": {"en": "It is down", "ja": "停止"}, "environment": "lab",
     "arms": {"treatment": 1, "no-action": 1}, "seed": 7},
    {"kind": "lab-starting", "at": 0.0},
    {"kind": "lab-says", "line": "building the template (once per version)", "at": 0.1},
    {"kind": "lab-started", "name": "run-1", "seconds": 3.0, "waited_s": 0.1},
    {"kind": "trial-started", "trial": "01-treatment", "arm": "treatment", "environment": "lab", "recovery": "runbook",
     "objectives": {"detect_within_s": 5, "recover_within_s": 15}, "at": 1.0},
    {"kind": "environment-proven", "proofs": [{"kind": "lab marker", "got": "m"}], "at": 1.1},
    {"kind": "meter-started", "at": 1.2},
    {"kind": "baseline", "holds": True, "window_s": 3.0, "flows": {"submit": _FLOW}, "at": 4.0},
    {"kind": "baseline", "holds": False, "why": "the alert A fires before anything is broken", "at": 4.0},
    {"kind": "fault-not-injected", "name": "f", "why": "the activity failed: boom", "at": 4.1},
    {"kind": "fault-injected", "name": "f", "started": 4.0, "ended": 4.2, "at": 4.2},
    {"kind": "fault-in-force", "when": "after-injection", "holds": True, "at": 4.3,
     "evidence": [{"name": "f", "holds": True, "gone": True, "nodes": []}]},
    {"kind": "fault-in-force", "when": "before-mitigation", "holds": False, "at": 4.3, "evidence": []},
    {"kind": "impact", "seen": False, "at": 5.0,
     "flows": {"submit": {**_FLOW, "measured": "none", "possible": "degraded"}}},
    {"kind": "impact", "seen": True, "flows": {"submit": {**_FLOW, "measured": None}}, "at": 5.0},
    {"kind": "alert", "fired": False, "name": "A", "waited_s": 5.0, "why": "", "at": 6.0},
    {"kind": "alert", "fired": True, "links": False, "name": "A", "earliest": 5.0, "latest": 5.5, "at": 6.0},
    {"kind": "runbook-started", "runbook": "m.md", "platform": "lab", "steps": [1, 2], "at": 6.1},
    {"kind": "verification-before", "passed": True, "at": 6.2},
    {"kind": "verification-before", "passed": False, "at": 6.2},
    {"kind": "step-started", "step": "step-1", "heading": "手順1", "role": "mitigate", "at": 6.3},
    {"kind": "step-finished", "step": "step-1", "ok": False, "exit": 1, "expected_exit": 0, "seconds": 1.0,
     "why": "exit code 1, expected 0", "branch": "step-2", "at": 6.4},
    {"kind": "step-finished", "step": "step-1", "ok": False, "exit": None, "seconds": 1.0,
     "why": "held for 1.0 s, then: not done within 5 s, not within 9 s", "at": 6.4},
    {"kind": "runbook-finished", "ok": False, "seconds": 2.0, "at": 6.5,
     "why": "the runbook goes on at 'x', which is no step of it"},
    {"kind": "runbook-finished", "ok": False, "needs_person": True, "failed_step": "step-1", "at": 6.5},
    {"kind": "runbook-finished", "ok": True, "seconds": 2.0, "at": 6.5},
    {"kind": "recovery", "recovered": False, "at": 9.0},
    {"kind": "recovery", "recovered": True, "flow": "submit", "earliest": 7.0, "latest": 7.5, "at": 9.0},
    {"kind": "write-log", "readable": False, "why": "no answer in time", "at": 9.1},
    {"kind": "write-log", "readable": True, "acknowledged": 5, "lost": ["a"], "indeterminate": 1, "failed": 0,
     "duplicated": ["b"], "unexpected": ["c"], "changed": ["d"], "at": 9.1},
    {"kind": "fault-undone", "name": "f", "outcome": "failed", "at": 9.2,
     "why": "the undo returned (the place is gone), but the fault is still in force"},
    {"kind": "abort", "why": t("{why}, before all trials had run", why=t("the terminal is gone")), "at": 9.3},
    {"kind": "variant-left-out", "variant": "mutated-wrong-target-start", "why": "it names no target", "trials": []},
    {"kind": "trial-taken-over", "trial": "02-no-action", "run_id": "x"},
    {"kind": "progress", "done": 2, "of": 9, "left_s": 4000.0},
    {"kind": "trial-started", "trial": "03-without-step-start", "arm": "without-step", "step": "start", "at": 20.0},
    {"kind": "recovery", "recovered": False, "at": 29.0},
    {"kind": "progress", "done": 3, "of": 9, "left_s": 300.0},
    *({"kind": "trial-started", "trial": f"04-mutated-{m}-start", "arm": "mutated", "step": "start", "mutation": m,
       "at": 30.0} for m in ("wrong-target", "swapped", "doubled", "cut")),
    {"kind": "step-started", "step": "s", "heading": t("Only looking: what follows is left out"), "at": 31.0},
    {"kind": "verification-after", "passed": True, "at": 32.0},
    {"kind": "verification-after", "passed": False, "at": 32.0},
    {"kind": "restored", "holds": False, "disposable": True, "at": 33.0,
     "differences": [{"path": "a/b", "before": 1, "after": 2}]},
    {"kind": "trial-started", "trial": "05-look-only", "arm": "look-only", "at": 40.0},
    {"kind": "recovery", "recovered": False, "at": 49.0},
    {"kind": "trial-started", "trial": "06-healthy", "arm": "healthy", "at": 50.0},
    {"kind": "verification-before", "passed": True, "at": 51.0},
    {"kind": "verification-before", "passed": False, "at": 51.0},
    {"kind": "recovery", "recovered": True, "at": 52.0},
    {"kind": "recovery", "recovered": False, "at": 52.0,
     "why": t("{flow}: {failed} of {operations} failed", flow="submit", failed=1, operations=9)},
    {"kind": "environment-not-restored", "why": "Labs of this run could not be taken down. Try: chaos lab down x"},
    {"kind": "lab-stopped", "seconds": 1.0},
]  # fmt: skip


@pytest.mark.parametrize("width", [0, 60])
def test_a_run_is_told_in_japanese(width):
    stream = io.StringIO()
    terminal = Terminal(stream, tty=False, width=width, language="ja")
    for event in _STORY:
        terminal(event)
        terminal.tick(1e6)
    shown = stream.getvalue()
    assert _SENTENCE.findall(shown.replace("chaos lab down", "")) == []
    assert "障害から" in shown


def test_a_verdict_that_went_through_a_file_is_told_in_japanese():
    why = t(
        "was stopped before its end: {why}. Run it again.",
        why=t("{why}, before the trial began", why=t("the terminal is gone")),
    )
    reasons = (
        Reason("interrupted", str.__str__(t("{trial} {sentence}", trial="01-treatment", sentence=why))),
        Reason("no-data", "The run has damaged files: a, b."),
        Reason(
            "too-slow",
            "01-treatment shows that submit was back 9.1–9.4 s after the fault; the objective is 5 s.",
        ),
        Reason(
            "impact-differs",
            "01-treatment measured degraded in submit (3 of 9 operations failed), but the mode claims outage. Correct "
            "impact.flows.submit, or find out why.",
        ),
    )
    verdict = Verdict(
        VerdictWord.UNKNOWN, reasons, reasons, "treatment 1× on lab; runbook blocks exercised: step-1.", 4
    )
    terminal = Terminal(io.StringIO(), tty=False, language="ja")
    lines = render_verdict(verdict, bundle=Path("x"), next_command="make chaos EXP=m", terminal=terminal)
    assert _SENTENCE.findall("\n".join(lines)) == []
    assert "判定: 判定不能" in "\n".join(lines)
    assert "9.1〜9.4秒後" in "\n".join(lines)
    assert "「劣化」" in "\n".join(lines)
    assert "labでtreatment 1×。実行したランブックのブロック" in "\n".join(lines)


def test_what_a_verdict_says_of_steps_and_mistakes_is_told_in_japanese():
    """As it is read back from a verdict.json."""
    figures = t(
        "users were back in {back} of {of} trials without it, in {back_with} of {of_with} with it (Holm-corrected "
        "p = {p:.2g})", back=0, of=5, back_with=29, of_with=29, p=0.0012,
    )  # fmt: skip
    why = t("the runbook has no step that changes something on {platform}", platform="lab")
    of_steps = (
        (StepWord.NECESSARY, t("It is necessary: {figures}.", figures=figures)),
        (
            StepWord.NOT_SHOWN,
            t("Not shown necessary, which does not mean unnecessary: {figures}.", figures=figures),
        ),
        (StepWord.HARMFUL, t("It is harmful: {figures}. Take it out, or mend it.", figures=figures)),
        (StepWord.LEFT_OUT, t("Not tried: {why}.", why=why)),
    )
    broken = t("{flows} was still broken", flows="submit")
    of_mutants = (
        (
            MutantWord.BLIND,
            t("Verification passed while {broken}. Make it check what users feel.", broken=broken),
        ),
        (MutantWord.NOTICED, t("Users were not back ({broken}), and Verification failed.", broken=broken)),
        (
            MutantWord.HARMLESS,
            t("Users were back all the same; the runbook stopped at {step}.", step="step-3"),
        ),
    )
    verdict = Verdict(
        VerdictWord.VERIFIED, (), (), "", 0,
        tuple(
            StepFinding("start", "Start", word, Successes(29, 29), Successes(0, 5), 1, 0.0012, str.__str__(sentence))
            for word, sentence in of_steps
        ),
        Mutations(1, 2, tuple(
            MutantFinding(mutation, "start", "Start", "03-x", word, False, False, 0, str.__str__(sentence))
            for mutation, (word, sentence) in zip(Mutation, of_mutants, strict=False)
        )),
    )  # fmt: skip
    terminal = Terminal(io.StringIO(), tty=False, language="ja")
    shown = "\n".join(render_verdict(verdict, bundle=Path("x"), next_command="x", terminal=terminal))
    assert _SENTENCE.findall(shown) == []
    for said in ("必要: ", "有害: ", "不要という意味ではありません", "2件のうち", "1回は無効です"):
        assert said in shown


# --- commands ------------------------------------------------------------------------------------


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A project in which everything is wrong."""
    (tmp_path / "catalog/failure-modes/x").mkdir(parents=True)
    (tmp_path / "catalog/runbooks").mkdir()
    (tmp_path / "environments").mkdir()
    (tmp_path / "catalog/failure-modes/x/a.yaml").write_text(
        "schema: 2\nid: b\ntitel: yes\nseverity: 9\nimpact: {}\n"
    )
    (tmp_path / "catalog/failure-modes/x/c.yaml").write_text("a: [1\n\tb: 2\n")
    (tmp_path / "catalog/failure-modes/x/d.yaml").write_text("a: 1\na: 2\n")
    (tmp_path / "catalog/services.yaml").write_text("schema: 1\nservices: {}\nflows: {}\n")
    (tmp_path / "environments/e.yaml").write_text(
        "schema: 1\nname: other\nplatform: moon\nalerts: {poll: 3}\n"
    )
    (tmp_path / "catalog/runbooks/r.md").write_text(
        "# T\n\n## Mitigation\n\n### Stepp 1\n\n### Step 2: do it\n\n"
        '```sh {"name":"A b","role":"mitigat","timeout":"3"}\n$ rm -rf /x\n```\n\n[x](#nowhere) [y](no.md)\n'
    )
    return tmp_path


def _chaos(project: Path, *words: str) -> str:
    environ = {
        **os.environ,
        "LC_ALL": "",
        "LANG": "ja_JP.UTF-8",
        "PYTHONUTF8": "1",
        "CHAOS_PROJECT": str(project),
        "PYTHONPATH": str(ROOT),
    }
    environ.pop("CHAOS_LANG", None)
    done = subprocess.run(
        [sys.executable, "-m", "chaos_ext", "--no-version-check", "--no-log-file", *words],
        cwd=project, env=environ, capture_output=True, encoding="utf-8", check=False, timeout=60,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("catalog", "check"),
        ("catalog", "show"),
        ("catalog", "shw"),
        ("catalog", "schema"),
        ("runbook", "lint", "catalog/runbooks/r.md"),
        ("runbook", "lint", "nothing.md"),
        ("lab", "logs", "x", "--lines", "many"),
        ("lab", "up", "--no-such-thing"),
        ("history", "list"),
        ("history", "show", "nope"),
        ("ledger", "show"),
        ("heal",),
        ("lab", "logs"),
    ],
    ids=" ".join,
)
def test_a_command_speaks_japanese(broken, words):
    shown = _chaos(broken, *words)
    assert re.search("[ぁ-んァ-ヶ一-龠]", shown), shown
    # What YAML's own parser, quoted, says of a file stays as it said it.
    ours = re.sub(
        r"（[^（）]*）|'[^'\n]*'|「[^「」\n]*」|`[^`\n]*`|(chaos|chaos_ext) [a-z]+( [a-z]+)*", "", shown
    )
    assert _SENTENCE.findall(ours) == [], shown


@pytest.mark.parametrize(
    "words", [("catalog", "new", "dashboard-stopped"), ("env", "new", "second-lab")], ids=" ".join
)
def test_what_is_to_be_filled_in_is_said_in_japanese(tmp_path, words):
    for folder in ("catalog", "environments"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shown = _chaos(tmp_path, *words)
    assert "記入: " in shown
    assert _SENTENCE.findall(re.sub("「[^」]*」", "", shown)) == [], shown


def test_lang_overrides_the_locale(broken):
    assert "使い方" not in _chaos(broken, "catalog", "list", "--lang", "en")
    assert "expected" in _chaos(broken, "runbook", "lint", "nothing.md", "--lang", "en")


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "優先度"), ("euc_jp", "優先度"), ("cp932", "優先度"), ("ascii", "PRIORITY")],
)
def test_a_stream_that_cannot_show_japanese_gets_english(encoding, expected):
    environ = {**os.environ, "CHAOS_LANG": "ja", "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    environ["CHAOS_PROJECT"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-m", "chaos_ext", "--no-version-check", "--no-log-file", "catalog", "list"],
        env=environ, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout.decode(encoding)
