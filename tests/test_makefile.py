"""What `make chaos` passes on, without set-up (a stand-in prints its arguments), and in which language make speaks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALWAYS = ["verify", "--env", "lab", "--arms", "smoke"]
_LOCALE = ("CHAOS_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
_JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")


def _made(*variables: str) -> list[str]:
    done = subprocess.run(
        ["make", "-s", "-o", "setup", "chaos", "CHAOS=printf '%s\\n'", *variables],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        (["EXP=a"], ["--", "a"]),
        (["EXP=a,b c"], ["--", "a,b c"]),
        (["EXP=M*"], ["--", "M*"]),  # the shell would make Makefile of it
        (["EXP=it's"], ["--", "it's"]),
        (["EXP=--dry-run"], ["--", "--dry-run"]),
        (["EXP=all", "JOBS=2", "RESUME=1"], ["--jobs", "2", "--resume", "--", "all"]),
        (["EXP=all", "FAIL_FAST=1", "JUNIT=a b.xml"], ["--fail-fast", "--junit", "a b.xml", "--", "all"]),
        (["EXP=a", "DRY=1", "SEED=7"], ["--dry-run", "--seed", "7", "--", "a"]),
    ],
    ids=["one", "several", "pattern", "quote", "no option", "jobs", "junit", "seed"],
)
def test_variables_become_options(variables: list[str], arguments: list[str]) -> None:
    assert _made(*variables) == [*ALWAYS, *arguments]


@pytest.mark.parametrize("value", ["lab; id", "$(id)", "`id`", "it's", 'a "b" c', "l*", "a b"])
@pytest.mark.parametrize("name", ["ENV", "ARMS", "JOBS", "SEED", "JUNIT", "EXP"])
def test_no_shell_reads_a_value(name: str, value: str) -> None:
    value = value.replace("$", "$$")  # make's own way to say it
    assert value.replace("$$", "$") in _made(*(["EXP=a"] if name != "EXP" else []), f"{name}={value}")


@pytest.mark.parametrize(
    ("target", "options"),
    [("test", "-n 2"), ("test-slow", "-n 2 --slow -m slow"), ("peers", "--peers -m peers -rs")],
)
def test_which_tests_a_target_runs(target: str, options: str) -> None:
    done = subprocess.run(
        ["make", "-s", "-n", "-o", "setup-dev", target, "PYTEST=-x tests/lab"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [".venv/bin/pytest", *options.split(), "-x", "tests/lab"]


def _said(*words: str, **environ: str) -> str:
    """What make prints in a locale that nobody has chosen but `environ`."""
    plain = {name: value for name, value in os.environ.items() if name not in _LOCALE} | environ
    done = subprocess.run(
        ["make", "-s", *words], cwd=ROOT, capture_output=True, encoding="utf-8", check=True, env=plain
    )
    return done.stdout


@pytest.mark.parametrize("language", ["en", "ja"])
def test_help_names_every_variable(language: str) -> None:
    told = _said("help", f"LANG={language}")
    assert all(
        f"{name}=" in told
        for name in ("EXP", "JOBS", "RESUME", "FAIL_FAST", "JUNIT", "ENV", "ARMS", "SEED", "LANG")
    )


def test_help_says_the_same_in_both_languages() -> None:
    """Each target, and as many lines; Japanese in every line that says something, and in no line of the other."""
    english, japanese = (_said("help", f"LANG={language}").splitlines() for language in ("en", "ja"))
    assert len(english) == len(japanese) > 20
    targets = re.compile(r"^  make [a-z-]+ ", re.MULTILINE)
    assert targets.findall("\n".join(english)) == targets.findall("\n".join(japanese))
    assert [line for line in english if _JAPANESE.search(line)] == []
    assert [line for line in japanese if line and not _JAPANESE.search(line)] == []


@pytest.mark.parametrize(
    ("words", "environ", "japanese"),
    [
        ((), {}, False),
        ((), {"LANG": "ja_JP.UTF-8"}, True),
        ((), {"LC_ALL": "ja_JP.utf8", "LANG": "C"}, True),
        ((), {"LC_ALL": "C", "LANG": "ja_JP.UTF-8"}, False),
        ((), {"LANG": "ja_JP.eucJP"}, False),  # the Makefile is UTF-8
        (("LANG=ja",), {"LC_ALL": "C"}, True),
        (("LANG=en",), {"LC_ALL": "ja_JP.UTF-8"}, False),
    ],
    ids=["none", "LANG", "LC_ALL", "LC_ALL first", "EUC", "asked for Japanese", "asked for English"],
)
def test_make_speaks_the_language_of_the_locale_unless_told(
    words: tuple[str, ...], environ: dict[str, str], japanese: bool
) -> None:
    assert bool(_JAPANESE.search(_said("help", *words, **environ))) is japanese
    listed = _said("-o", "setup", "chaos", "CHAOS=true", *words, **environ)
    assert listed == f"\n{'1つ選んでください' if japanese else 'Choose one'}: make chaos EXP=<id>\n"


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "set-up: no usable Python found"), ("ja", "準備: 使えるPythonがありません")],
    ids=["en", "ja"],
)
def test_set_up_says_what_it_needs(tmp_path: Path, language: str, told: str) -> None:
    """Nothing that is called python is to be found there."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "constraints.txt").touch()
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("cksum", "grep"):
        (tools / name).symlink_to(shutil.which(name) or name)
    shell = shutil.which("sh")
    assert shell
    done = subprocess.run(
        [shell, str(ROOT / ".ci/setup"), "lab"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False,
        env={"PATH": str(tools), "CHAOS_LANG": language},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(told)
    assert not done.stdout
