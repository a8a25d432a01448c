"""The front matter of a runbook: YAML between two '---' lines, with the line of every key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from chaos_ext.catalog.source import composed
from chaos_ext.errors import Problem, UsageError, did_you_mean
from chaos_ext.language import listed, t
from chaos_ext.model import duration_s
from chaos_ext.runbook.model import FrontMatter

_RUNMES = (
    "shell",
    "runme",
    "cwd",
    "category",
    "tag",
    "skipPrompts",
    "terminalRows",
    "title",
    "sidebar_position",
)
_OURS = ("id", "recovers", "owner", "rto", "rpo")


def split(text: str) -> tuple[str, int]:
    """The front matter's YAML and how many lines it takes with its fences; ("", 0) when there is none."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return "", 0
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() in ("---", "..."):
            return "\n".join(lines[1:number]), number + 1
    return "", 0


def read(source: str, file: str) -> tuple[FrontMatter, list[Problem]]:
    """What the front matter says, and everything that is wrong with it. `source` begins at line 2 of `file`."""
    if not source.strip():
        missing = Problem(
            f"{file}:1", t("front matter"), t("none"), t("'shell: bash' and 'runbook: {id, recovers, owner}'")
        )
        return FrontMatter(), [missing]
    try:
        root = composed(f"\n{source}", file)  # so that its lines are the file's
    except UsageError as error:
        return FrontMatter(), [replace(each, what=each.what or t("front matter")) for each in error.problems]
    return _Reader(file).front(root)


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def complain(self, line: int, what: str, got: str, expected: str, hint: str = "") -> None:
        self.problems.append(Problem(f"{self.file}:{line}", what, got, expected, hint))

    def mapping(self, node: Any, what: str, valid: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(node, yaml.MappingNode):
            self.complain(_line(node), what, t("something else"), t("a mapping"))
            return {}
        found: dict[str, Any] = {}
        for key, value in node.value:
            if key.value not in valid:
                hint = did_you_mean(str(key.value), valid)
                self.complain(
                    _line(key),
                    what,
                    t("the key '{key}'", key=key.value),
                    t("one of {choices}", choices=listed(valid)),
                    hint,
                )
            found[str(key.value)] = value
        return found

    def front(self, root: Any) -> tuple[FrontMatter, list[Problem]]:
        top = self.mapping(root, t("front matter"), (*_RUNMES, "runbook"))
        if "shell" not in top or getattr(top["shell"], "value", None) != "bash":
            line = _line(top["shell"]) if "shell" in top else 1
            self.complain(
                line, "shell", (t("none") if "shell" not in top else t("another shell")), "'shell: bash'"
            )
        if "runbook" not in top:
            self.complain(1, "runbook", t("none"), t("'runbook: {id, recovers, owner}'"))
            return FrontMatter(), self.problems
        ours = self.mapping(top["runbook"], "runbook", _OURS)
        line = _line(top["runbook"])
        for key in ("id", "recovers", "owner"):
            if key not in ours:
                self.complain(line, f"runbook.{key}", t("none"), t("a value"))
        front = FrontMatter(
            id=self.scalar(ours, "id"),
            recovers=self.names(ours),
            owner=self.scalar(ours, "owner"),
            rto_s=self.duration(ours, "rto"),
            rpo_s=self.duration(ours, "rpo"),
            lines={key: _line(value) for key, value in ours.items()},
        )
        return front, self.problems

    def scalar(self, ours: dict[str, Any], key: str) -> str:
        node = ours.get(key)
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        if node is not None:
            self.complain(_line(node), f"runbook.{key}", t("something else"), t("a text"))
        return ""

    def names(self, ours: dict[str, Any]) -> tuple[str, ...]:
        node = ours.get("recovers")
        if isinstance(node, yaml.SequenceNode) and all(
            isinstance(item, yaml.ScalarNode) for item in node.value
        ):
            return tuple(str(item.value) for item in node.value)
        if node is not None:
            self.complain(
                _line(node), "runbook.recovers", t("something else"), t("a list of failure modes' ids")
            )
        return ()

    def duration(self, ours: dict[str, Any], key: str) -> float | None:
        text = self.scalar(ours, key)
        if not text:
            return None
        try:
            return duration_s(text)
        except ValueError as error:
            self.complain(_line(ours[key]), f"runbook.{key}", f"'{text}'", str(error))
            return None


def _line(node: Any) -> int:
    return 2 if node is None else int(node.start_mark.line) + 1
