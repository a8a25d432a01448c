"""What is known of bash code without running it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.runbook import shell


@pytest.mark.parametrize(
    ("code", "uses"),
    [
        ('echo "$A" ${B} "${C[@]}" "${#D}" "${E%%x}"', "ABCDE"),
        ("echo '$A' \\$B # $C", ""),
        ('echo "${A:-1}" "${B-2}" "${C:+3}" "${D:=4}"', ""),
        (': "${A:?why}"', "A"),
        ("cat <<E\n$A\nE\ncat <<'E'\n$B\nE", "A"),
        ("echo $(( A + 1 )) $(echo $B)", "AB"),
        ('echo "$1" "$@" "$?" "$$" "$#" "$!"', ""),
        ('[[ -n $A && "$B" == c ]]', "AB"),
        ("export A", "A"),
        ("local A; A=1 cmd", ""),
    ],
)
def test_variables_that_must_have_a_value(code: str, uses: str) -> None:
    assert "".join(sorted(shell.read(code).uses)) == uses


@pytest.mark.parametrize(
    ("code", "sets"),
    [
        ("A=1; B+=2; C[0]=3", "ABC"),
        ("export A=1 B=2; declare -x C=3; readonly D=4; local E", "ABCDE"),
        ("for A in 1 2; do :; done", "A"),
        ("read -r A B; printf -v C x; mapfile -t D; getopts ab E", "ABCDE"),
        ("echo ${A:=1}", "A"),
        ("A=1 cmd", ""),
    ],
)
def test_variables_that_get_a_value(code: str, sets: str) -> None:
    assert "".join(sorted(shell.read(code).sets)) == sets


def test_exports_and_requirements() -> None:
    script = shell.read('export A B=1\ndeclare -x C=2\nD=3\n: "${E:?why}"')
    assert list(script.exports) == ["A", "B", "C"]
    assert script.requires == {"E": 4}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("if true; then\necho", (3, "unexpected end of file")),
        ("echo 'x", (1, "unexpected EOF")),
        ("echo ok", None),
    ],
)
def test_bash_has_the_last_word_on_syntax(code: str, error: tuple[int, str] | None) -> None:
    got = shell.read(code).error
    if error is None:
        assert got is None
    else:
        assert got
        assert error[1] in got[0]


def test_filling_in_leaves_what_is_not_known() -> None:
    code = 'psql "service=$A" \'$A\' ${B} ${C:-x} $(echo $A) $D\nfor B in 1; do echo "$B"; done'
    filled = shell.fill(code, {"A": "é", "B": "2", "C": "3"})
    assert filled == 'psql "service=é" \'$A\' ${B} ${C:-x} $(echo é) $D\nfor B in 1; do echo "$B"; done'


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=60))
def test_no_text_makes_it_fail(text: str) -> None:
    shell.read(text)
    assert shell.fill(text, {}) == text


def test_characters_beyond_ascii_are_only_text() -> None:
    """The grammar's own scanner crashes on some of them."""
    script = shell.read("echo '会議が多い' \"$A\"; {\U0010ffff; rm -rf 会議/\U0001f600")
    assert list(script.uses) == ["A"]
    assert script.commands[0].words == ("echo", "会議が多い", "$A")
    assert script.commands[-1].words[-1] == "会議/\U0001f600"


def test_deep_nesting_is_an_error_not_a_crash() -> None:
    error = shell.read("$(" * 2000 + ")" * 2000).error
    assert error
