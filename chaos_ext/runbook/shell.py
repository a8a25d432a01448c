"""What a piece of bash does, as far as it can be known without running it: commands, variables, redirections.

tree-sitter's grammar reads it, so that quotes, comments, here-documents and nested substitutions are what
bash takes them for. Where the grammar gives up, `bash -n` has the last word on whether it is well-formed.
The grammar's scanner reads out of bounds for characters beyond ASCII, so it gets a letter in place of each;
what nodes say is taken from the code as it was written.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from chaos_ext.language import t

_PREFIXES = {  # words that run the command behind them → their options that take a value
    "sudo": ("-u", "-g", "-h", "-C", "-p"), "env": ("-u", "-C", "-S"), "command": (), "exec": ("-a",),
    "nohup": (), "nice": ("-n",), "timeout": ("-s", "-k"), "time": (), "xargs": ("-I", "-n", "-P", "-d", "-L", "-a"),
    "builtin": (), "setsid": (), "stdbuf": ("-i", "-o", "-e"), "ionice": ("-c", "-n"),
}  # fmt: skip
_READERS = {"read": 0, "mapfile": -1, "readarray": -1, "getopts": 1}  # builtins that set variables
_DECLARING = ("local", "declare", "typeset", "readonly", "export")
_NOT_PLAIN = re.compile(r"[^\t\n\x20-\x7e]")
_NAME = re.compile(r"[A-Za-z_]\w*")
_ALL_ARGUMENTS = ("$@", "${@}")
_BASH_WITHIN_S = 10.0
_MOST_CODE = 10_000  # characters of one block: what looks at it takes the square of its length
_DEFAULTS = (":-", "-", ":+", "+", ":=", "=")


@dataclass(frozen=True)
class Command:
    """One simple command. Quotes are gone from its words; expansions stand as they were written."""

    line: int  # from 1 in the code
    words: tuple[str, ...]
    assignments: tuple[str, ...]  # NAME=value before the command
    stdin: str = ""  # its here-document or here-string

    @property
    def name(self) -> str:
        """The command's last path part, behind sudo, env, timeout and the like."""
        return self.words[0].rsplit("/", 1)[-1] if self.words else ""


@dataclass
class Script:
    """What a block of bash does. Names map to the line where they first appear."""

    commands: list[Command] = field(default_factory=list)
    functions: dict[str, list[Command]] = field(default_factory=dict)  # what each hands all its arguments to
    uses: dict[str, int] = field(default_factory=dict)  # variables that must have a value
    requires: dict[str, int] = field(default_factory=dict)  # of these, the ones asked for with ${NAME:?why}
    sets: dict[str, int] = field(default_factory=dict)
    exports: dict[str, int] = field(default_factory=dict)
    writes_to: list[tuple[str, int]] = field(default_factory=list)  # targets of > and >>
    strings: list[tuple[str, int]] = field(default_factory=list)  # literal text that is not merely printed
    code: list[tuple[str, int]] = field(default_factory=list)  # the lines without their comments
    error: tuple[str, int] | None = None  # what bash says of the syntax


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


class _Code:
    """A piece of bash and its tree. Offsets in the tree are offsets in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = _parser().parse(_NOT_PLAIN.sub("x", text).encode()).root_node

    def of(self, node: Node) -> str:
        """What `node` covers."""
        return self.text[node.start_byte : node.end_byte]

    def all(self, node: Node | None = None) -> Iterator[Node]:
        """`node` and all below it; default the whole tree."""
        waiting = [node or self.root]
        while waiting:
            found = waiting.pop()
            yield found
            waiting += reversed(found.children)

    def expanded(self, node: Node) -> str:
        """The variable that an expansion expands; empty for $1, $@, $? and the like."""
        for child in node.children:
            if child.type == "variable_name":
                name = self.of(child)
                return name if _NAME.fullmatch(name) else ""
            if child.type == "subscript":
                return self.of(child.children[0])
        return ""

    def unquoted(self, node: Node) -> str:
        """The word that `node` is, without its quotes; expansions as they are written."""
        if node.type == "command_name":
            return self.unquoted(node.children[0])
        if node.type in ("string", "raw_string", "ansi_c_string"):
            return self.of(node).removeprefix("$")[1:-1]
        if node.type == "concatenation":
            return "".join(map(self.unquoted, node.children))
        return self.of(node).replace("\\", "")

    def without_comments(self) -> list[tuple[str, int]]:
        """The lines that say something, with their numbers."""
        text = self.text
        for node in self.all():
            if node.type == "comment":
                blank = " " * (node.end_byte - node.start_byte)
                text = text[: node.start_byte] + blank + text[node.end_byte :]
        return [(line, number) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]


def read(code: str) -> Script:
    """What `code` does; of very long code only that it is too long."""
    script = Script()
    if len(code) > _MOST_CODE:
        script.error = (t("{length:,} characters, more than {most:,}", length=len(code), most=_MOST_CODE), 1)
        return script
    source = _Code(code)
    if source.root.has_error:
        script.error = _syntax_error(code)
    try:
        _Walk(source, script).node(source.root, printed=False)
        script.code = source.without_comments()
    except RecursionError:
        script.error = (t("it is nested too deeply to be understood"), 1)
    return script


def fill(code: str, values: Mapping[str, str]) -> str:
    """`code` with the variables of `values` written out, for people to read; never run this."""
    source = _Code(code)
    own = read(code).sets
    pieces: list[str] = []
    position = 0
    for node in source.all():
        if node.type not in ("simple_expansion", "expansion"):
            continue
        name = source.expanded(node)
        plain = node.type == "simple_expansion" or len(node.children) == 3
        if name in values and name not in own and plain and node.start_byte >= position:
            pieces += [code[position : node.start_byte], values[name]]
            position = node.end_byte
    return "".join([*pieces, code[position:]])


def first_half(code: str) -> str:
    """The first half of the statements of `code`, rounded up; of code that cannot be taken apart, all of it."""
    source = _Code(code)
    statements = [node for node in source.root.named_children if node.type != "comment"]
    if source.root.has_error or len(statements) < 2:
        return code
    half = code[: statements[(len(statements) + 1) // 2 - 1].end_byte]
    return code if _Code(half).root.has_error else half.rstrip() + "\n"


def _syntax_error(code: str) -> tuple[str, int] | None:
    bash = shutil.which("bash")
    if bash is None:
        return (t("it could not be read, and there is no bash to ask"), 1)
    try:
        result = subprocess.run(
            [bash, "-n"],
            input=code.encode(),
            capture_output=True,
            timeout=_BASH_WITHIN_S,
            check=False,
            env={"LANG": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        return (t("bash did not read it within {s:g} s", s=_BASH_WITHIN_S), 1)
    if result.returncode == 0:
        return None
    said = result.stderr.decode(errors="replace")
    match = re.search(r"line (\d+): (.*)", said)
    return (match[2], int(match[1])) if match else (said.strip(), 1)


def _line(node: Node) -> int:
    return node.start_point[0] + 1


class _Walk:
    def __init__(self, source: _Code, script: Script) -> None:
        self.source = source
        self.script = script
        self.stdin = ""

    def node(self, node: Node, *, printed: bool) -> None:
        handler = getattr(self, f"on_{node.type}", None)
        if handler:
            handler(node, printed)
        else:
            self.children(node, printed=printed)

    def children(self, node: Node, *, printed: bool) -> None:
        for child in node.children:
            self.node(child, printed=printed)

    def on_command(self, node: Node, _printed: bool) -> None:
        words: list[str] = []
        assignments: list[str] = []
        stdin = self.stdin
        self.stdin = ""
        for child in node.children:
            if child.type == "variable_assignment":
                assignments.append(self.source.of(child))
            elif child.type == "herestring_redirect":
                stdin = self.source.of(child)
            elif child.type not in ("file_redirect", "comment"):
                words.append(self.source.unquoted(child))
        words = _behind_prefixes(words)
        command = Command(_line(node), tuple(words), tuple(assignments), stdin)
        self.script.commands.append(command)
        self.set_by_builtin(command)
        printed = command.name in ("echo", "printf") or words[:1] == [":"]
        for child in node.children:
            if child.type != "variable_assignment":
                self.node(child, printed=printed)
                continue
            for value in child.children[1:]:  # NAME=value before a command sets nothing here
                self.node(value, printed=False)

    def on_function_definition(self, node: Node, printed: bool) -> None:
        before = len(self.script.commands)
        self.children(node, printed=printed)
        inside = self.script.commands[before:]
        wrapped = [
            command for command in inside if command.words[-1:] and command.words[-1] in _ALL_ARGUMENTS
        ]
        self.script.functions[self.source.of(node.child_by_field_name("name") or node)] = wrapped

    def set_by_builtin(self, command: Command) -> None:
        if command.words[:2] == ("printf", "-v") and len(command.words) > 2:
            self.set(command.words[2], command.line)
        if command.name in _READERS:
            names = [word for word in command.words[1:] if _NAME.fullmatch(word)]
            start = _READERS[command.name]
            for name in names[start:] if start >= 0 else names[-1:]:
                self.set(name, command.line)

    def set(self, name: str, line: int) -> None:
        self.script.sets.setdefault(name.split("[")[0].removesuffix("+"), line)

    def on_redirected_statement(self, node: Node, printed: bool) -> None:
        for child in node.children:
            if child.type == "heredoc_redirect":
                self.stdin = "\n".join(
                    self.source.of(part) for part in child.children if part.type == "heredoc_body"
                )
                self.script.strings.append((self.stdin, _line(child) + 1))
            elif child.type == "herestring_redirect":
                self.stdin = self.source.of(child)
        self.children(node, printed=printed)
        self.stdin = ""

    def on_file_redirect(self, node: Node, printed: bool) -> None:
        texts = [self.source.of(child) for child in node.children]
        if any(text in (">", ">>", ">|", "&>", "&>>") for text in texts):
            self.script.writes_to.append((self.source.unquoted(node.children[-1]), _line(node)))
        self.children(node, printed=printed)

    def on_variable_assignment(self, node: Node, _printed: bool) -> None:
        self.set(self.source.of(node.children[0]), _line(node))
        for child in node.children[1:]:
            self.node(child, printed=False)

    def on_declaration_command(self, node: Node, printed: bool) -> None:
        words = [self.source.unquoted(child) for child in node.children]
        exports = words[0] == "export" or any(re.fullmatch(r"-\w*x\w*", word) for word in words[1:])
        self.script.commands.append(Command(_line(node), tuple(words), ()))
        for child in node.children[1:]:
            name = self.source.of(child.children[0] if child.type == "variable_assignment" else child)
            if exports and _NAME.fullmatch(name):
                self.script.exports.setdefault(name, _line(child))
            if child.type == "variable_name":  # `local a`: declared, not used
                if words[0] != "export":
                    self.set(name, _line(child))
                else:
                    self.use(name, _line(child))
            else:
                self.node(child, printed=printed)

    def on_for_statement(self, node: Node, printed: bool) -> None:
        for child in node.children:
            if child.type == "variable_name":
                self.set(self.source.of(child), _line(child))
            else:
                self.node(child, printed=printed)

    def on_simple_expansion(self, node: Node, _printed: bool) -> None:
        self.use(self.source.expanded(node), _line(node))

    def on_expansion(self, node: Node, printed: bool) -> None:
        name = self.source.expanded(node)
        operators = [child.type for child in node.children if not child.is_named]
        if any(operator in _DEFAULTS for operator in operators):
            if "=" in operators or ":=" in operators:
                self.set(name, _line(node))
        else:
            self.use(name, _line(node))
            if ":?" in operators or "?" in operators:
                self.script.requires.setdefault(name, _line(node))
        for child in node.children:
            if child.type not in ("variable_name", "concatenation", "subscript"):
                self.node(child, printed=printed)

    def on_variable_name(self, node: Node, _printed: bool) -> None:
        self.use(self.source.of(node), _line(node))  # in arithmetic

    def use(self, name: str, line: int) -> None:
        if name:
            self.script.uses.setdefault(name, line)

    def on_string(self, node: Node, printed: bool) -> None:
        self.literal(self.source.of(node), node, printed)
        self.children(node, printed=printed)

    def on_raw_string(self, node: Node, printed: bool) -> None:
        self.literal(self.source.of(node), node, printed)

    def literal(self, text: str, node: Node, printed: bool) -> None:
        if not printed:
            self.script.strings.append((text, _line(node)))


def _behind_prefixes(words: list[str]) -> list[str]:
    """The words from the command that is really run: behind sudo, env, timeout and the like."""
    while words and words[0].rsplit("/", 1)[-1] in _PREFIXES:
        prefix = words[0].rsplit("/", 1)[-1]
        rest = words[1:]
        while rest and (rest[0].startswith("-") or (prefix == "env" and "=" in rest[0])):
            rest = rest[2:] if rest[0] in _PREFIXES[prefix] else rest[1:]
        if prefix == "timeout":
            rest = rest[1:]
        if not rest:
            return words
        words = rest
    return words
