"""Labs, as the toolkit sees them: what `python -m chaos_lab` answers. Nothing of the lab is imported here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from chaos_ext.errors import LabError, UsageError
from chaos_ext.language import t

Facts = dict[str, Any]
_ERROR = "chaos_lab: "  # what the lab's own line begins with when it says no
_OF_THE_COMMAND_LINE = ("--", "LAB:", "PART:", "CHAOS_LAB")
_END_WITHIN_S = 20.0  # how long a start that was interrupted may take to clean up


def up(
    name: str | None = None,
    owner_pid: int | None = None,
    alerts: Path | None = None,
    parts: Path | None = None,
    progress: Callable[[str], None] | None = None,
    on_process: Callable[[subprocess.Popen[str]], None] | None = None,
) -> Facts:
    """Start a lab and wait until all of it is healthy; its facts. Undone by `down`.

    `name` None lets the lab choose. When process `owner_pid` is gone, the next start of any lab removes
    this one. `alerts` is a JSON file with alert rules,
    `parts` one with programs that the lab runs besides. `progress` gets each line that the lab says, in a
    thread of its own. `on_process` gets the process that starts it: SIGTERM has it clean up and end.
    Raises LabError or UsageError with the lab's own line; then nothing is left.
    """
    options = [] if name is None else [f"--name={name}"]
    options += [] if owner_pid is None else [f"--owner-pid={owner_pid}"]
    options += [] if alerts is None else [f"--alerts={alerts}"]
    options += [] if parts is None else [f"--parts={parts}"]
    answer = _ask("up", *options, "--json", progress=progress, hears_ctrl_c=True, on_process=on_process)
    return _object(answer)


def down(lab: str | None = None) -> None:
    """End a lab and remove everything of it. Raises LabError or UsageError."""
    _ask("down", *_named(lab), "--json")


def status(lab: str | None = None) -> Facts:
    """How every part is.

    {"name", "healthy", "why", "primaries": [node …],
    "parts": {part: {"state", "healthy", "why", "pid", "port", "since", "restarts", "release"}}}
    """
    return _object(_ask("status", *_named(lab), "--json", fine=(0, 1)))


def listed() -> list[Facts]:
    """Every lab of this user, leftovers too: {"name", "dir", "state", "url", "owner_pid", "left_over"}."""
    answer: list[Facts] = json.loads(_ask("list", "--json"))
    return answer


def facts(lab: str | None = None) -> Facts:
    """What a lab that is up offers; `lab` is a name or directory, default $CHAOS_LAB, else the only one.

    Raises LabError or UsageError when there is none, or several to choose from.
    """
    return _object(_ask("facts", *_named(lab)))


def passwords(facts: Facts) -> list[str]:
    """The passwords that a lab made for its databases, from the file that its clients read; none where we may not.

    https://www.postgresql.org/docs/current/libpq-pgpass.html
    """
    path = (facts.get("postgresql") or {}).get("pass_file")
    if not path:
        return []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    last = [re.split(r"(?<!\\):", line)[-1] for line in lines if not line.startswith("#")]
    return sorted({re.sub(r"\\(.)", r"\1", word) for word in last})


def log(part: str, lab: str | None = None, lines: int = 100) -> str:
    """The last `lines` lines of a part's log, 0 for all. Raises LabError or UsageError."""
    return _ask("logs", *_named(lab), part, f"--lines={lines}")


def become_page(lab: str, language: str | None = None, *, browser: bool = True) -> NoReturn:
    """Go on as the process that serves the page of a lab, until Ctrl-C.

    `language` None leaves the choice to each browser; `browser` opens one, where there is a screen for it.
    """
    options = [] if language is None else [f"--lang={language}"]
    options += [] if browser else ["--no-browser"]
    sys.stdout.flush()
    # Not a child: whoever ends us ends the page.
    os.execv(sys.executable, [sys.executable, "-m", "chaos_lab", "open", lab, *options])


def _named(lab: str | None) -> tuple[str, ...]:
    return (lab,) if lab else ()


def _object(text: str) -> Facts:
    value = json.loads(text)
    assert isinstance(value, dict), text
    return value


def _ask(
    *words: str,
    progress: Callable[[str], None] | None = None,
    fine: tuple[int, ...] = (0,),
    hears_ctrl_c: bool = False,
    on_process: Callable[[subprocess.Popen[str]], None] | None = None,
) -> str:
    """What the command prints. Its lines on standard error go to `progress` as they come.

    A Ctrl-C in the terminal reaches the command only with `hears_ctrl_c`: a runner that is asked to stop goes on
    until its lab is down, and so must the command that takes it down.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "chaos_lab", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        process_group=None if hears_ctrl_c else 0,
    )
    if on_process is not None:
        on_process(process)
    said: list[str] = []
    listener = threading.Thread(target=_listen, args=(process, said, progress), daemon=True)
    listener.start()
    try:
        assert process.stdout is not None
        answer = process.stdout.read()
        code = process.wait()
    except BaseException:  # Ctrl-C: the lab cleans up by itself, and we wait for that
        process.terminate()
        process.wait(_END_WITHIN_S)
        raise
    finally:
        listener.join(1.0)
    if code in fine:
        return answer
    problems = [line.removeprefix(_ERROR) for line in said if line.startswith(_ERROR)]
    why = problems[-1] if problems else (said[-1] if said else t("exit code {code}", code=code))
    raise (UsageError if why.startswith(_OF_THE_COMMAND_LINE) else LabError)(why)


def _listen(process: subprocess.Popen[str], said: list[str], progress: Callable[[str], None] | None) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line.rstrip("\n"))
        if progress is not None and not line.startswith(_ERROR):
            progress(said[-1])
