"""Values and pieces of text that have broken readers of YAML, JSON and Markdown before."""

# ruff: noqa: E501 - tables

from __future__ import annotations

from typing import Any

MARKER = "fuzz-was-executed"  # a file of this name in the current folder: something was executed
TRAP = "fuzz_trap"  # a module that nothing may import; no mutation puts it where an activity's module stands

SHELL = (
    f"$(touch {MARKER})", f"`touch {MARKER}`", f"'; touch {MARKER} #", f'"; touch {MARKER}; "', f"| touch {MARKER}",
    f"${{x:-$(touch {MARKER})}}", f"() {{ :; }}; touch {MARKER}", f"\n touch {MARKER}\n", f"--help; touch {MARKER}",
)  # fmt: skip
TEMPLATES = (
    "${lab.nowhere}", "${lab.", "${env.HOME}", "${env.}", "${}", "${target.nobody}", "${target.}", "$$", "$chaos_mode",
    "{{ 7 * 7 }}", "{% import os %}", "{0.__class__}", "{", "}", "%s%n%d", "{x!r}", "<<name>>", "${${target.primary}}",
)  # fmt: skip
CHARACTERS = (
    "\u00a0", "\u3000", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\u0085", "\uff1a", "\uff03", "\u65e5本語", "😀",
    "e\u0301", "\x1b[2J", "\x07", "\x7f", "\ufffe", "\uffff", "ß", "İ",
)  # fmt: skip
WORDS = (
    "", " ", "-", "none", "null", "true", "no", "~", "=", "<<", "*", "&a", "!", "%", "@", "|", ">", "#", ": ", "- ",
    "a: b", "2024-02-31", "1:59:59", "0x1F", "1e999", ".nan", "-.inf", "0o777", "９９s", "9s", "500ms", "-1s", "99.5%",
    "１%", "9" * 400 + "s", "9" * 5000 + "s", "9" * 5000 + "%", "1.5m", "../../../etc/passwd", "/dev/zero", "/", ".",
    "..", "runbooks/..", "runbooks/" + "x" * 300 + ".md", "x" * 5000, "a-" * 3000, "a." * 3000, "http://[::1",
    "file:///etc/passwd", "https://user:word@host/", "日本語", "Ｒｅｄｉｓ", TRAP, f"{TRAP}.nothing", "__main__",
    "x\0y", "__proto__", "__class__", "up{", 'up{a="b"', "up" + "{" * 500 + "}" * 500,
)  # fmt: skip
NUMBERS: tuple[Any, ...] = (
    0, 1, -1, 2, 3, 4, 99, 10**9, -(10**18), 10**40, 10**400, 0.0, -0.0, 0.1, 1e300, 1e-300, float("inf"),
    float("-inf"), float("nan"),
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *WORDS, *SHELL, *TEMPLATES, *CHARACTERS, *NUMBERS, None, True, False, [], {}, [[]], [None], {"": None},
    ["x", 1, None], {"a": 1}, {"en": "x"}, {"en": "x", "ja": 1}, {1: 2}, {None: None}, {True: "x"}, [{}], {"a": {"b": []}},
)  # fmt: skip
MODULES = (
    "os", "builtins", "math", "json", "chaos_ext", "chaos_ext.nothing", "chaos_ext.actions.fault", "chaoslib.nothing",
    "", ".", "..x", "a..b", "os.path.x", "日本語", "x" * 300, "chaosaws.ec2.actions", "x y", "x\0y",
)  # fmt: skip
FUNCTIONS = (
    "max", "print", "iter", "open", "__import__", "inject", "undo", "system", "", "x.y", "__doc__", "dir", "vars", "type",
)  # fmt: skip

_BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)
)
_CHAIN = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 1500))
YAML = tuple(
    piece.encode()
    for piece in (
        "a: &a 1\nb: *a\n", "a: &a {x: 1}\n<<: *a\n", "<<: 1\n", "<<: [1, 2]\n", "<<: {schema: 1}\n", "a: &a [*a]\n",
        "&a *a\n", "*nobody\n", "? [a, b]\n: 1\n", "? {a: b}\n: 1\n", "schema: 1\n", "schema: 2\n", _BOMB, _CHAIN,
        "a: !!python/object/apply:os.system ['touch x']\n", f"a: !!python/module:{TRAP}\n", f"a: !!python/name:{TRAP}.x\n",
        "a: !!python/object/new:os.system [id]\n", "a: !nothing x\n", "a: !!int x\n", "a: !!int ''\n", "a: !!float x\n",
        "a: !!bool x\n", "a: !!bool ''\n", "a: !!null x\n", "a: !!timestamp x\n", "a: !!binary '='\n", "a: !!binary é\n",
        "a: !!set {x, y}\n", "a: !!omap [x: 1]\n", "a: !!omap [x]\n", "a: !!pairs [x: 1, x: 2]\n", "a: !!map [x]\n",
        "a: !!seq {x: 1}\n", "a: !!str [x]\n", "a: !!str {=: x}\n", "a: !<tag:yaml.org,2002:int> x\n", "=: 1\n", "a: =\n",
        "a: 0x" + "f" * 5000 + "\n", "a: " + "7" * 5000 + "\n", "a: 1" + ":59" * 5000 + "\n", "a: 1" + ":59" * 400 + ".5\n",
        "a: 0b" + "1" * 30000 + "\n", "a: 1e999\n", "a: .nan\n", "a: .inf\n", "---\n", "...\n", "%YAML 1.2\n---\n",
        "%TAG ! tag:x,2000:\n---\n", "a: |\n", "a: >9\n x\n", 'a: "\\ud800"\n', 'a: "\\x07\\e[2J"\n', 'a: "\\U0010FFFF"\n',
        "a: '\n", 'a: "\n', "a: [\n", "a: {\n", "]\n", "}\n", "a:\tb\n", "\ta: b\n", "a : b\n", "a： b\n", "a:b\n",
        "a: " + "[" * 90 + "]" * 90 + "\n", "a: " + "[" * 390 + "]" * 390 + "\n", "a: " + "[" * 3000 + "\n",
        "- " * 3000 + "\n", "- " * 39 + "x\n", "".join(" " * n + "a:\n" for n in range(198)), "? " * 300 + "x\n",
        "a: {" + ", ".join(f"k{n}: {n}" for n in range(3000)) + "}\n", "a: [" + "x, " * 5000 + "]\n", "1: x\n", "~: x\n",
        "true: x\n", "1.5: x\n", "2024-01-01: x\n", "'': x\n", "a: 2024-02-31\n", "a: 2024-13-01T00:00:00Z\n",
    )
)  # fmt: skip
JSON = tuple(
    piece.encode()
    for piece in (
        "{}", "[]", "null", "1", '""', "NaN", "[" * 100_000, '{"a":' * 50_000, "9" * 5000, "-Infinity", '"\\ud800"',
        '{"schema": 1}', '{"schema": 2}', '{"schema": 1, "entry": "x", "state": "undone", "wall": "x"}',
        '{"schema": 1, "entry": [], "state": "undone", "wall": "x"}', '{"schema": 1, "entry": "x", "entry": "y"}',
        '{"schema": 1, "entry": "x", "state": "intended", "wall": "x", "fault": {}}', '{"schema": true}', "{", "}", "\\",
        '{"schema": 1, "entry": "x", "state": "intended", "wall": "x", "fault": []}', '{"schema": 1e0}', "\x00", "1e999",
    )
)  # fmt: skip
MARKDOWN = tuple(
    piece.encode()
    for piece in (
        "# \n", "## \n", "### Step 1: again\n", "### Step : x\n", "### Step 99999: x\n", f"### Step {'9' * 5000}: x\n",
        "### 手順１：確認する\n", "### Step ²: x\n", "### Decision 1: x?\n", "#### Undo Step 1\n", "#### Undo Step 77\n",
        f"#### Undo Step {'9' * 5000}\n", "## Mitigation\n", "## 対処\n", "## Nothing\n", "##### x\n", "---\n", "```\n",
        "~~~\n", "```sh\n", "```bash\ntrue\n```\n", "````sh\n```\n", '```sh {"name":"x","role":"diagnose"}\ntrue\n```\n',
        "```sh {\n```\n", '```sh {"name":}\n```\n', "```sh []\n```\n", '```sh {"a":{"b":1}}\n```\n',
        '```sh {"a":' + "[" * 50_000 + "\n```\n", '```sh {"role":"\\ud800"}\ntrue\n```\n',
        '```sh {"timeout":"' + "9" * 5000 + 's","role":"verify"}\ntrue\n```\n', '```sh {"exit":' + "9" * 5000 + "}\n```\n",
        '```sh {"exit":"' + "9" * 5000 + '"}\n```\n', '```sh {"exit":"²"}\n```\n', '```sh {"timeout":1e999}\n```\n',
        '```text {"expect":"contains","ignore":"true"}\n(((a+)+)+)+$ (re)\n```\n', "[" * 3000 + "\n", "[a](" * 3000 + "\n",
        "*a " * 5000 + "\n", "**_" * 3000 + "\n", "`" * 3000 + "\n", "> " * 3000 + "x\n", "- " * 3000 + "x\n",
        "<" * 3000 + "\n", "<a " * 2000 + "\n", "![" * 3000 + "\n", "](" * 3000 + "\n", "|" * 3000 + "\n", "| a |\n|---|\n|\n",
        "|a|b|\n|-|-|\n" + "|x|[y](#z)|\n" * 500, "\\" * 3000 + "\n", "&" * 3000 + ";\n", "<!-- " * 1000 + "\n",
        "[a]: b\n" * 1000, "[a](#step-1)\n" * 1000, "[a](b)" * 3000 + "\n", "<id='" * 2000 + "\n", "### Step 1: a\n" * 500,
        "".join(f"### Step {n}: a\n" for n in range(1000)), "# x\n" * 500, "a\n" * 5000, "    " * 1000 + "x\n",
        "```sh\n" + "a-" * 4500 + "\n```\n", "```sh\n" + "a." * 4500 + "\n```\n", "```sh\n" + "1." * 4500 + "\n```\n",
        "```sh\npsql -c '" + "SELECT " * 1400 + "'\n```\n", "```sh\npsql -c '" + "CREATE OR REPLACE " * 540 + "'\n```\n",
        "```sh\naws " + "--x " * 2400 + "\n```\n", "```sh\n" + "$(" * 3000 + "\n```\n", "```sh\n" + "{ " * 3000 + "\n```\n",
        "```sh\n" + "if true; then " * 2000 + "\n```\n", "```sh\n" + "'" * 3001 + "\n```\n", "```sh\n" + '"$(' * 1000 + "\n```\n",
        "```sh\n" + "echo x\n" * 2000 + "```\n", "```sh\n" + "x" * 20_000 + "\n```\n", "```sh\ncat <<A <<B <<C\nA\n```\n", "```sh\n" + "cat <<E\n" * 500 + "```\n", "```sh\n" + "a=" * 3000 + "\n```\n",
        "```sh\n" + "".join(f'f{n}() {{ f{n + 1} "$@"; f{n + 1} "$@"; }}\n' for n in range(60)) + "f0 x\n```\n",
        "```sh\n" + "sudo " * 3000 + "x\n```\n", "```sh\nbash -c '" + "bash -c " * 2000 + "x'\n```\n", "```sh\n\x0c\n```\n",
        f"```sh\ntouch {MARKER}\n```\n", f"```sh\n$(touch {MARKER}\n```\n", f"```sh\nif; touch {MARKER}\n```\n",
        "shell: zsh\n", "runbook: x\n", "runbook:\n", "  id: [x]\n", "  recovers: x\n", "  rto: 1\n", "  rto: '9'\n", "...\n",
    )
)  # fmt: skip
RAW = (
    b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe3\x81", b"\r",
    b"\r\n", b"\n", b"\n\n\n", b"\t", b" ", b"  ", b"\x0b", b"\x0c", b"\x1b[31m", b"\x85", b"'", b'"', b":", b": ", b"#",
    b"[", b"]", b"{", b"}", b",", b"&", b"*", b"!", b"|", b">", b"%", b"@", b"`", b"\\", b"-", b"$", b"$(", b"${",
    *(character.encode() for character in CHARACTERS), *(word.encode() for word in (*SHELL, *TEMPLATES)),
)  # fmt: skip
