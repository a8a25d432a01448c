"""`exports`: batches of insight that did not get into the storage, and putting them there again.

Asks insight on its own port. Standard library only: this starts as a tool.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
from pathlib import Path
from typing import Any

from chaos_lab.errors import LabProblem
from chaos_lab.places import Lab, read_object

_ANSWER_S = 30.0  # a replay puts one object after the other
_STATES = ("failed", "pending", "done")


def _ask(lab: Lab, method: str, path: str, body: object = None) -> dict[str, Any]:
    config = read_object(lab.conf / "insight.json")
    if config is None:
        raise LabProblem(f"exports: {lab.conf / 'insight.json'}: cannot be read. Is the lab up?")
    connection = http.client.HTTPConnection(str(config["listen"]), timeout=_ANSWER_S)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        said = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LabProblem(f"exports: insight does not answer: {error}") from None
    finally:
        connection.close()
    if response.status != 200 or not isinstance(said, dict):
        raise LabProblem(f"exports: insight answers {response.status}: {said}")
    return said


def listed(lab: Lab, status: str) -> list[str]:
    """A line for each batch: id, status, tries, responses, object."""
    batches = _ask(lab, "GET", f"/exports?status={status}")["exports"]
    return [
        f"{batch['id']:<8}{batch['status']:<10}{batch['attempts']:<4}{batch['responses']:<6}{batch['object_key']}"
        for batch in batches
    ]


def replay(lab: Lab, ids: list[int]) -> tuple[int, int]:
    """Put failed batches again, all of them when `ids` is empty: how many are done, how many failed again.

    Raises LabProblem when one of `ids` was not there to be put again.
    """
    said = _ask(lab, "POST", "/exports/replay", {"ids": ids or None})
    done, failed = said["replayed"], said["failed"]
    if missing := sorted(set(ids) - {*done, *failed}):
        numbers = ", ".join(map(str, missing))
        raise LabProblem(f"exports: {numbers}: not a failed batch. 'exports list' shows those.")
    return len(done), len(failed)


def main() -> None:
    """The tool; exit 1 with a line that says why, also when a batch failed again."""
    parser = argparse.ArgumentParser(
        prog="exports",
        description="Batches of analysed responses on their way into the storage.",
        epilog="example: exports replay",
    )
    parser.add_argument("--lab", type=Path, required=True, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    made = commands.add_parser("list", help="those that failed", description=listed.__doc__)
    made.add_argument("--status", choices=_STATES, default="failed", help="others")
    made = commands.add_parser(
        "replay", help="put failed ones again", description="Put failed batches again."
    )
    made.add_argument("ids", metavar="ID", nargs="*", type=int, help="which; default all that failed")
    arguments = parser.parse_args()
    lab = Lab(arguments.lab)
    try:
        if arguments.command == "list":
            for line in listed(lab, arguments.status):
                print(line)
            return
        done, failed = replay(lab, arguments.ids)
    except LabProblem as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
    print(f"{done} replayed, {failed} failed again")
    sys.exit(1 if failed else 0)
