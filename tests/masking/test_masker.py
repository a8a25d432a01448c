"""No secret is seen, however its text is cut into pieces."""

from __future__ import annotations

import base64
import html
import json
import shlex
import subprocess
from collections.abc import Callable
from functools import partial
from urllib import parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.masking.forms import squeezed
from chaos_ext.masking.masker import MASK, Masker

KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----"


def shown(masker: Masker, pieces: list[str]) -> str:
    return "".join(masker.feed(piece) for piece in pieces) + masker.finish()


_letters = st.text(alphabet="abc \n", min_size=4, max_size=12)


@given(
    secrets=st.lists(_letters, min_size=1, max_size=3),
    pieces=st.lists(st.text(alphabet="abc \n", max_size=12)),
)
def test_cutting_makes_no_difference(secrets: list[str], pieces: list[str]) -> None:
    whole = Masker(secrets).whole("".join(pieces))
    assert shown(Masker(secrets), pieces) == whole
    for secret in secrets:
        assert len(squeezed(secret)) < 4 or secret not in whole


@given(before=st.text(alphabet="xyz\n"), after=st.text(alphabet="xyz\n"), cut=st.integers(1, 10))
def test_a_secret_between_other_text(before: str, after: str, cut: int) -> None:
    text = f"{before}hunter2\nabc{after}"
    pieces = [text[i : i + cut] for i in range(0, len(text), cut)]
    assert shown(Masker(["hunter2\nabc"]), pieces) == f"{before}{MASK}{after}"


@pytest.mark.parametrize(
    "text",
    [KEY, "MIIEvQIBADANBgkq", f"key: {KEY.splitlines()[2]} ", json.dumps({"key": KEY}), f"x={KEY.strip()}y"],
    ids=["whole", "one line", "one line within", "as JSON", "within"],
)
def test_every_line_of_a_key_is_a_secret(text: str) -> None:
    got = Masker([KEY]).whole(text)
    assert "MIIE" not in got
    assert "hkiG" not in got


def test_a_secret_in_a_url() -> None:
    assert "s3" not in Masker(["p/ss w=s3"]).whole("https://u:p%2Fss%20w%3Ds3@h")


def test_the_longest_of_several() -> None:
    assert Masker(["abcd", "abcdef"]).whole("abcdef abcd") == f"{MASK} {MASK}"


def test_without_secrets_nothing_is_held_back() -> None:
    masker = Masker([""])
    assert masker.feed("abc") == "abc"
    assert masker.finish() == ""


# As programs write it: what each prints must not show the value, nor enough of it to know the rest.
VALUES = {
    "plain": "pl4nt3d-W0rd-9f31c7",
    "special": "p/a ss+w?rd%&'\"<\\>$7x~é",
    "several lines": "first-line-8f2a61\nsecond line c3d9 77",
    "long": "".join(f"{n:03x}" for n in range(60)),
}
PROGRAMS = {
    "as it is": 'printf %s "$S"',
    "printf %q": 'printf %q "$S"',
    "@Q": 'printf %s "${S@Q}"',
    "base64": 'printf %s "$S" | base64',
    "base64 of a line": 'echo "$S" | base64 -w0',
    "base64 after one": 'printf "x%s" "$S" | base64',
    "base64 after two": 'printf "user:%s" "$S" | base64',
    "base64 within": 'printf "%s" "Authorization: Basic xy:$S and more" | base64',
    "hexadecimal": 'printf %s "$S" | od -An -tx1',
    "folded": 'printf %s "$S" | fold -w 7',
}
FUNCTIONS: dict[str, Callable[[str], str]] = {
    "JSON": lambda text: json.dumps({"S": text}),
    "JSON as it is": lambda text: json.dumps({"S": text}, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"S": text})),
    "Python": lambda text: str({"S": text}),
    "Python in a message": lambda text: f"got {text!r}",
    "URL": lambda text: parse.quote(text, safe=""),
    "path": lambda text: parse.quote(text),
    "form": lambda text: parse.urlencode({"S": text}),
    "HTML": lambda text: html.escape(text),
    "XML": lambda text: html.escape(text, quote=False),
    "shlex": lambda text: shlex.join([text]),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}


def in_bash(program: str, value: str) -> str:
    return subprocess.run(
        ["bash", "-c", program], env={"S": value, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, check=True,
        capture_output=True, text=True, timeout=20,
    ).stdout  # fmt: skip


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_what_programs_make_of_it(value: str) -> None:
    for way in [*PROGRAMS, *FUNCTIONS]:
        make = FUNCTIONS.get(way) or partial(in_bash, PROGRAMS.get(way, ""))
        got = Masker([value]).whole(make(value))
        assert MASK in got, way
        left = len(squeezed(got.replace(MASK, "")))
        # Of base64 the characters that the value shares with what stands around it, and no more of it, are left.
        assert left <= len(squeezed(make(""))) + 5, (way, got)


def test_two_short_words_are_no_short_secret() -> None:
    assert Masker(["pass"]).whole("as well as pa ss, bypass") == f"as well as pa ss, by{MASK}"


def test_what_json_and_urls_call_secret() -> None:
    value = json.dumps({"username": "reporter", "password": "s3cr-pw", "url": "db://reporter:u-pw-88@h/x"})
    masker = Masker([value])
    assert masker.whole("reporter s3cr-pw u-pw-88") == f"reporter {MASK} {MASK}"


def test_what_stands_around_every_key_is_no_secret() -> None:
    assert Masker([KEY]).whole("-----BEGIN KEY-----\nabc") == "-----BEGIN KEY-----\nabc"
