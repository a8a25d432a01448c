"""Every text is read and written as UTF-8, whatever the locale of the machine says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def _keywords(call: ast.Call) -> dict[str | None, ast.expr]:
    return {keyword.arg: keyword.value for keyword in call.keywords}


def _is_binary(call: ast.Call) -> bool:
    words = [*call.args, *_keywords(call).values()]
    return any(isinstance(word, ast.Constant) and "b" in str(word.value) for word in words)


def _opens_text(call: ast.Call) -> bool:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name in ("read_text", "write_text"):
        return isinstance(call.func, ast.Attribute)
    if "text" in _keywords(call) and name in ("run", "Popen", "check_output"):
        return True
    of = getattr(call.func.value, "id", "") if isinstance(call.func, ast.Attribute) else ""
    no_file = of in ("os", "webbrowser", "opener") or "method" in _keywords(
        call
    )  # a web page, an HTTP request
    return name in ("open", "fdopen") and not no_file and bool(call.args) and not _is_binary(call)


def _guessing(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _opens_text(node) and "encoding" not in _keywords(node):
            yield f"{path.relative_to(ROOT)}:{node.lineno}"


def test_no_text_is_read_or_written_in_the_locale_s_encoding() -> None:
    files = [path for room in ("chaos_ext", "chaos_lab") for path in sorted((ROOT / room).rglob("*.py"))]
    assert [place for path in files for place in _guessing(path)] == []
