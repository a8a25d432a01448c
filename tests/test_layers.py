"""Imports point one way, read from the source with `ast`: a lower room never imports a higher one."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = (
    ("model", "errors", "record", "masking", "language", "japanese"),
    (
        "catalog",
        "environments",
        "vaults",
        "runbook",
        "compile",
        "arms",
        "progress",
        "meter",
        "safety",
        "alerts",
        "labs",
        "rehearsals",
        "restored",
        "verdict",
    ),
    ("trial",),
    ("actions", "probes", "controls"),
    ("history", "report", "pages", "sheets", "fresh", "fresh_cloud", "runner"),
    ("run",),
    ("campaign", "leftovers", "proving"),
    ("cli", "__main__"),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
# Rooms that a layer may use although they stand higher, with the reason.
ALLOWED: dict[tuple[str, str], str] = {}
PACKAGES = ("chaos_ext", "chaos_lab")
CLOUDS = ("boto3", "botocore", "google", "googleapiclient", "kubernetes", "chaosaws", "chaosgcp", "chaosk8s")


def _files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def _imports(path: Path, everywhere: bool = True) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, or only those that importing the file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = list(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(tree) if everywhere else _at_import(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: -node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def _at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """What runs when a module is imported: no function bodies, nothing under TYPE_CHECKING."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def _room(path: Path) -> str:
    return path.relative_to(ROOT / "chaos_ext").with_suffix("").parts[0]


def _rooms_imported(path: Path) -> Iterator[tuple[str, int]]:
    for module, line in _imports(path):
        parts = module.split(".")
        if parts[0] == "chaos_ext" and len(parts) > 1:
            yield parts[1], line


@pytest.mark.parametrize("path", _files("chaos_ext"), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_room_imports_a_higher_one(path):
    room = _room(path)
    if room == "__init__":
        return
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {room} imports {other}"
        for other, line in _rooms_imported(path)
        if other in LEVEL and LEVEL[other] > LEVEL[room] and (room, other) not in ALLOWED
    ]
    assert wrong == []


def test_every_room_has_its_layer():
    rooms = {_room(path) for path in _files("chaos_ext")} - {"__init__"}
    assert rooms - set(LEVEL) == set(), "say in LAYERS where it stands"


@pytest.mark.parametrize(("package", "other"), [PACKAGES, PACKAGES[::-1]])
def test_the_lab_and_the_toolkit_do_not_import_each_other(package, other):
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in _files(package)
        for module, line in _imports(path)
        if module.split(".")[0] == other
    ]
    assert wrong == []


def test_the_catalogue_finds_actions_and_probes_by_name_only():
    above = {"actions", "probes", "controls"}
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ("catalog", "compile.py", "environments.py")
        for path in ([ROOT / "chaos_ext" / room] if room.endswith(".py") else _files(f"chaos_ext/{room}"))
        for other, line in _rooms_imported(path)
        if other in above
    ]
    assert wrong == []


@pytest.mark.parametrize("path", _files("chaos_ext/cli"), ids=lambda path: path.name)
def test_commands_import_only_click_and_the_standard_library(path):
    light = {"click", *sys.stdlib_module_names}
    ours = ("chaos_ext.cli.", "chaos_ext.errors.", "chaos_ext.language.", "chaos_ext.safety.gate")
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {module}"
        for module, line in _imports(path, everywhere=False)
        if module.split(".")[0] not in light and not module.startswith(ours)
    ]
    assert wrong == []


@pytest.mark.parametrize("package", PACKAGES)
def test_cloud_libraries_are_imported_only_where_they_are_used(package):
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {module}"
        for path in _files(package)
        for module, line in _imports(path, everywhere=False)
        if module.split(".")[0] in CLOUDS
    ]
    assert wrong == []


def test_discovery_can_read_the_signatures_of_activities():
    wrong = [
        str(path.relative_to(ROOT))
        for room in ("actions", "probes")
        for path in _files(f"chaos_ext/{room}")
        if "__future__.annotations" in (module for module, _ in _imports(path))
        and "__all__" in path.read_text()
    ]
    assert wrong == [], "activities keep plain annotations: Chaos Toolkit shows the others as 'object'"
