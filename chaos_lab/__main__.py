"""`python -m chaos_lab`: the lab's only door. Results on standard output, the rest on standard error."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import webbrowser
from pathlib import Path
from typing import Any, NoReturn

from chaos_lab import places
from chaos_lab.errors import LabProblem


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m chaos_lab",
        description="A small real product to try failures on.",
        epilog="example: python -m chaos_lab up --name mine",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, says: str, *, lab: bool = True, as_json: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=says, description=says)
        if lab:
            made.add_argument(
                "lab", nargs="?", metavar="LAB", help="name or directory; default $CHAOS_LAB, or the only one"
            )
        if as_json:
            made.add_argument("--json", action="store_true", help="one JSON object on standard output")
        return made

    made = command("up", "Start a lab and wait until every part is healthy.", lab=False)
    made.add_argument("--name", help="its name; default one that is free")
    made.add_argument(
        "--owner-pid",
        type=int,
        metavar="PID",
        help="when this process is gone, the next start removes the lab",
    )
    made.add_argument("--alerts", type=Path, metavar="FILE", help="JSON: alert rules, or {rules, routes}")
    made.add_argument("--parts", type=Path, metavar="FILE", help="JSON list of programs to run besides")
    command("down", "End a lab and remove everything of it.")
    command("status", "Every part of a lab: state of its process, and whether it is usable.")
    command("list", "All labs.", lab=False)
    command("facts", "Addresses, directories and files of a lab, as JSON.", as_json=False)
    made = command("logs", "The end of one part's log.", as_json=False)
    made.add_argument("part", metavar="PART")
    made.add_argument("--lines", type=int, default=100, metavar="N", help="how many; default 100, 0 for all")
    made = command("open", "A page that shows a lab, until Ctrl-C.", as_json=False)
    made.add_argument("--lang", choices=("en", "ja"), help="default: what the browser prefers")
    made.add_argument("--no-browser", action="store_true", help="only print where it is")
    command("sweep", "Remove what killed labs left.", lab=False)
    return parser


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _refuse(line: str) -> NoReturn:
    # With our name in front, so that a caller can tell it from progress.
    _say(f"chaos_lab: {line}")
    sys.exit(2)


_OF_ALERTS = ("rules", "routes")


def _listed(option: str, path: Path | None) -> Any:
    """What a file of JSON holds, an empty list without one."""
    if path is None:
        return []
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabProblem(f"{option}: {path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise LabProblem(f"{option}: {path}: is not JSON: {error}") from error


def _alerts(path: Path | None) -> dict[str, Any]:
    said = _listed("--alerts", path)
    alerts = {"rules": said} if isinstance(said, list) else said
    if not isinstance(alerts, dict) or not all(isinstance(alerts.get(key, []), list) for key in _OF_ALERTS):
        raise LabProblem(
            f"--alerts: {path}: expected a list of rules, or an object with 'rules' and 'routes'."
        )
    if not all(
        isinstance(rule, dict) and "name" in rule and "rule" in rule for rule in alerts.get("rules", [])
    ):
        raise LabProblem(f"--alerts: {path}: expected a list of objects with 'name' and 'rule'.")
    return alerts


def _up(arguments: argparse.Namespace) -> None:
    from chaos_lab import guests, starting

    alerts = _alerts(arguments.alerts)
    invited = guests.of_json(_listed("--parts", arguments.parts))
    facts = starting.up(arguments.name, arguments.owner_pid, alerts, _say, invited)
    print(json.dumps(facts, ensure_ascii=False) if arguments.json else _summary(facts))


def _summary(facts: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"name            {facts['name']}",
            f"directory       {facts['dir']}",
            f"edge            {facts['edge']['url']} (--cacert {facts['edge']['ca_file']})",
            f"alerts          {facts['alertmanager']['url']}",
            f"fault proxies   {facts['faultproxy']['url']}",
            f"tools           export PATH={facts['bin']}:$PATH",
        ]
    )


def _down(arguments: argparse.Namespace) -> None:
    from chaos_lab import ending

    lab = places.find(arguments.lab)
    ending.down(lab)
    print(json.dumps({"name": lab.name, "outcome": "down"}) if arguments.json else f"lab {lab.name} is down")


def _status(arguments: argparse.Namespace) -> None:
    from chaos_lab import asking

    said = asking.status(places.find(arguments.lab))
    if arguments.json:
        print(json.dumps(said, ensure_ascii=False))
    else:
        healthy = "healthy" if said["healthy"] else "not healthy"
        print(f"lab {said['name']}: {healthy}, {said['state']} {said['why']}".rstrip())
        for name, part in said["parts"].items():
            role = " (primary)" if name in said["primaries"] else ""
            again = f", started anew {part['restarts']} times" if part["restarts"] else ""
            print(f"  {name:<12}{part['state']:<10}{part['why'] or 'usable'}{role}{again}")
    sys.exit(0 if said["healthy"] else 1)


def _list(arguments: argparse.Namespace) -> None:
    from chaos_lab import asking

    labs = asking.listing()
    if arguments.json:
        print(json.dumps(labs, ensure_ascii=False))
        return
    if not labs:
        _say("no lab is up. 'chaos lab up' starts one.")
    for lab in labs:
        print(f"{lab['name']:<20}{lab['state']:<10}{lab['url'] or '-':<28}{lab['left_over'] or ''}".rstrip())


def _facts(arguments: argparse.Namespace) -> None:
    print(json.dumps(places.facts(arguments.lab), ensure_ascii=False))


def _logs(arguments: argparse.Namespace) -> None:
    lab = places.find(arguments.lab)
    there = sorted(path.stem for path in lab.logs.glob("*.log"))
    if arguments.part not in there:
        raise LabProblem(f"PART: got {arguments.part!r}, expected one of {', '.join(there)}.")
    lines = (lab.logs / f"{arguments.part}.log").read_text(encoding="utf-8", errors="replace").splitlines()
    for line in lines[-arguments.lines :] if arguments.lines else lines:
        print(line)


def _open(arguments: argparse.Namespace) -> None:
    from chaos_lab.page.serving import Server

    lab = places.find(arguments.lab)
    with Server(lab, arguments.lang) as server:
        print(server.url, flush=True)
        _say("Ctrl-C ends it.")
        if not arguments.no_browser and _has_display():
            webbrowser.open(server.url)
        # Ctrl-C is how this ends, not how it fails.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: sys.exit(0))
        server.serve_forever(poll_interval=0.1)


def _has_display() -> bool:
    """Whether a browser could show a window; in a terminal one would take the terminal over."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _sweep(arguments: argparse.Namespace) -> None:
    from chaos_lab import ending

    home = places.home()
    with places.locked(home / "lock"):
        swept = ending.sweep(home, _say)
    print(json.dumps({"swept": swept}) if arguments.json else f"{len(swept)} labs removed")


def _leave(number: int, _frame: object) -> NoReturn:
    # As an exception, so that what was begun is undone; a second signal does not disturb that.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)


def main() -> None:
    """Exit 0; 1 for a lab that is not healthy (`status`); 2 with a line that says why; 128+n at a signal."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    arguments = _parser().parse_args()
    try:
        {
            "up": _up,
            "down": _down,
            "status": _status,
            "list": _list,
            "facts": _facts,
            "logs": _logs,
            "open": _open,
            "sweep": _sweep,
        }[arguments.command](arguments)
    except LabProblem as problem:
        _refuse(str(problem))
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        what = error.filename or "the lab"
        _refuse(f"{what}: {error.strerror or error}.")


if __name__ == "__main__":
    main()
