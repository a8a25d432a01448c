"""A rehearsal's cloud by command: `up` starts it in DIR and prints its facts, `down` ends it and takes DIR away.

python -m chaos_lab.rehearsal up DIR --owner-pid PID      reads {"calls", "role", "policy", "region"} from stdin
python -m chaos_lab.rehearsal down DIR
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any, NoReturn

from chaos_lab.rehearsal import cloud
from chaos_lab.rehearsal.seeding import CannotSeed

UP_WITHIN_S = 180.0
DOWN_WITHIN_S = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m chaos_lab.rehearsal")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "down", "serve"):
        command = commands.add_parser(name)
        command.add_argument("directory", type=Path)
        if name == "up":
            command.add_argument("--owner-pid", type=int, default=os.getppid())
    told = parser.parse_args()
    if told.command == "up":
        _up(told.directory.absolute(), told.owner_pid)
    elif told.command == "down":
        _down(told.directory.absolute())
    else:
        _serve(told.directory)


def _refuse(line: str) -> NoReturn:
    print(f"chaos_lab: {line}", file=sys.stderr, flush=True)
    sys.exit(2)


def _up(directory: Path, owner: int) -> None:
    config: dict[str, Any] = json.load(sys.stdin)
    directory.mkdir(mode=0o700, exist_ok=True)
    (directory / "config.json").write_text(
        json.dumps({**config, "owner_pid": owner, "marker": str(uuid.uuid4())}), encoding="utf-8"
    )
    with (directory / "output.log").open("wb") as output:
        # In a session of its own: it outlives a runner that is killed, until its faults are undone.
        process = subprocess.Popen(
            [sys.executable, "-m", "chaos_lab.rehearsal", "serve", str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    deadline = time.monotonic() + UP_WITHIN_S
    facts = directory / "facts.json"
    try:
        while not facts.exists():
            if process.poll() is not None:
                said = (directory / "output.log").read_text(encoding="utf-8", errors="replace").strip()
                _refuse(said.splitlines()[-1] if said else f"the rehearsal ended with {process.returncode}")
            if time.monotonic() > deadline:
                _refuse(f"the rehearsal was not up within {UP_WITHIN_S:g} s")
            time.sleep(0.02)
    except BaseException:
        process.kill()
        process.wait()
        shutil.rmtree(directory, ignore_errors=True)
        raise
    print(facts.read_text(encoding="utf-8"))


def _down(directory: Path) -> None:
    """End it and take its folder away; one that is not there is down."""
    import psutil

    with contextlib.suppress(OSError, ValueError, psutil.NoSuchProcess):
        pid = int(json.loads((directory / "facts.json").read_text(encoding="utf-8"))["pid"])
        process = psutil.Process(pid)
        if str(directory) in process.cmdline():
            process.terminate()
            try:
                process.wait(DOWN_WITHIN_S)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(DOWN_WITHIN_S)
    shutil.rmtree(directory, ignore_errors=True)


def _serve(directory: Path) -> None:
    try:
        cloud.run(directory, json.loads((directory / "config.json").read_text(encoding="utf-8")))
    except CannotSeed as error:
        sys.exit(str(error))
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(0)  # requests under way do not hold the end up


if __name__ == "__main__":
    main()
