"""No secret is seen, however its text is cut into pieces."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.runbook.masking import MASK, Masker

KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----"


def shown(masker: Masker, pieces: list[str]) -> str:
    return "".join(masker.feed(piece) for piece in pieces) + masker.finish()


_letters = st.text(alphabet="abc\n", min_size=1, max_size=6)


@given(
    secrets=st.lists(_letters, min_size=1, max_size=3), pieces=st.lists(st.text(alphabet="abc\n", max_size=8))
)
def test_cutting_makes_no_difference(secrets: list[str], pieces: list[str]) -> None:
    whole = Masker(secrets).whole("".join(pieces))
    assert shown(Masker(secrets), pieces) == whole
    for secret in secrets:
        assert secret not in whole.replace(MASK, "") or len(secret) == 1 or secret in "\n" or MASK in whole


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
    assert Masker(["abc", "abcdef"]).whole("abcdef abc") == f"{MASK} {MASK}"


def test_without_secrets_nothing_is_held_back() -> None:
    masker = Masker([""])
    assert masker.feed("abc") == "abc"
    assert masker.finish() == ""
