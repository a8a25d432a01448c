"""Every sentence that the toolkit says has a Japanese one beside it, and the two hold the same values."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import string
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

from chaos_ext import japanese
from chaos_ext.japanese import TRANSLATIONS, foreign, lab

ROOT = Path(__file__).resolve().parents[1]
FILES = [path for path in sorted((ROOT / "chaos_ext").rglob("*.py")) if "japanese" not in path.parts]
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t":
            yield node


def _templates(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.IfExp):
        yield from _templates(node.body)
        yield from _templates(node.orelse)
    else:
        yield node


# What pages say: `t` in a template is called as in Python.
PAGES = {
    path: jinja2.Environment().parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "chaos_ext/pages/templates").glob("*.html"))
}


def _said_on_pages() -> Iterator[tuple[str, ast.expr, set[str]]]:
    for path, page in PAGES.items():
        for call in page.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "t":
                place = f"{path.relative_to(ROOT)}:{call.lineno}"
                yield place, _as_python(call.args[0]), {word.key for word in call.kwargs}


def _as_python(node: nodes.Node) -> ast.expr:
    return ast.Constant(node.value) if isinstance(node, nodes.Const) else ast.Name("?")


SAID = [
    (f"{path.relative_to(ROOT)}:{call.lineno}", template, {str(word.arg) for word in call.keywords})
    for path, tree in TREES.items()
    for call in _calls(tree)
    for template in (_templates(call.args[0]) if call.args else ())
] + list(_said_on_pages())


def _fields(template: str) -> set[str]:
    return {f"{name}" for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_a_template_is_one_literal():
    """f-strings and sums hide from a translator what will be said."""
    wrong = [place for place, node, _ in SAID if not isinstance(getattr(node, "value", None), str)]
    assert wrong == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_template_holds_no_words_of_its_own(path):
    """All that people read goes through `t`; what is between tags is marks and places of values."""
    text = "".join(node.data for node in PAGES[path].find_all(nodes.TemplateData))
    words = re.findall(r"[A-Za-z]{2,}", re.sub(r"<[^>]*>|&[a-z]+;|sha256", " ", text))
    assert words == []  # but for the name of a digest, which is the same everywhere


def test_every_sentence_has_a_translation():
    missing = {str(node.value): place for place, node, _ in SAID if isinstance(node, ast.Constant)}
    assert {text: place for text, place in missing.items() if text not in TRANSLATIONS} == {}


def test_no_translation_is_left_over():
    """Each stands somewhere in the code: given to `t`, in a table of headings, or in a scaffold."""
    literals = "\0".join(
        [
            node.value
            for tree in TREES.values()
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        + [str(node.value) for _, node, _ in _said_on_pages() if isinstance(node, ast.Constant)]
    )
    assert [
        text for text in TRANSLATIONS if text not in {*foreign.WORDS, *lab.WORDS} and text not in literals
    ] == []


def test_a_template_and_its_values_fit():
    wrong = []
    for place, node, given in SAID:
        if isinstance(node, ast.Constant) and given and "None" not in given:
            wanted = _fields(str(node.value))
            if not wanted <= given:
                wrong.append(f"{place}: {sorted(wanted - given)} in {node.value!r}")
    assert wrong == []


def test_both_languages_hold_the_same_values():
    wrong = {}
    for template, translated in TRANSLATIONS.items():
        try:
            wanted = _fields(template)
        except ValueError:  # a sentence with braces of its own, and without values
            continue
        if _fields(translated) != wanted or (translated.isascii() and _has_words(template)):
            wrong[template] = translated
    assert wrong == {}


@pytest.mark.parametrize("ambiguous", "×–—·…→←“”‘’°±")
def test_no_sentence_holds_a_character_that_some_japanese_terminals_show_wider(ambiguous):
    """Their width is ambiguous (UAX #11), so that columns beside them would not line up; except in code to be typed."""
    wrong = [
        text
        for text in TRANSLATIONS.values()
        if ambiguous in re.sub(r"'[^']*'|「[^」]*」|\$\{[^}]*\}", "", text)
    ]
    assert wrong == []


def _has_words(template: str) -> bool:
    """Whether it says more in English than one word, besides code and values."""
    own = "".join(literal for literal, _, _, _ in string.Formatter().parse(template))
    words = [word for part in own.split("'")[::2] for word in part.split()]
    return sum(len(word) > 1 and word.isalpha() and not word.isupper() for word in words) > 1


def test_a_sentence_is_translated_in_one_room_only():
    rooms = [
        importlib.import_module(f"{japanese.__name__}.{room.name}")
        for room in pkgutil.iter_modules(japanese.__path__)
    ]
    found = [text for room in rooms for text in room.WORDS]
    assert sorted(text for text in set(found) if found.count(text) > 1) == []
    assert set(found) == set(TRANSLATIONS)


def test_what_the_lab_is_known_to_say_stands_in_the_lab():
    said = "\0".join(
        "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        if isinstance(node, ast.JoinedStr)
        else str(node.value)
        for path in sorted((ROOT / "chaos_lab").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.JoinedStr, ast.Constant))
    )
    missing = []
    for template in lab.WORDS:
        longest = max((literal for literal, *_ in string.Formatter().parse(template)), key=len)
        if longest.strip() not in said:
            missing.append(template)
    assert missing == []
