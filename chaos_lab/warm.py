"""`cache warm`: puts the summary of every benchmark into the cache, where the dashboard looks for it.

What a job does before the office hours begin. One statement on the dashboard's node and one pipeline,
instead of a report for every benchmark. Standard library only: this starts as a tool.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from chaos_lab import health, parts
from chaos_lab.errors import LabProblem
from chaos_lab.places import Lab, read_object
from chaos_lab.valkey import Connection, Refusal

_SUMMARIES = """
SELECT json_build_object('survey', survey, 'responses', count(*), 'average_score', avg(score)::float8)
FROM responses WHERE survey LIKE 'benchmark-%' GROUP BY survey
"""


def warm(lab: Lab, ask: health.Ask) -> int:
    """How many summaries were put into the cache. Raises LabProblem when not all of them were."""
    release = read_object(lab.releases / "dashboard" / "current" / "config.json")
    state = lab.state()
    if release is None or state is None:
        raise LabProblem(f"cache warm: {lab.dir}: no lab that runs.")
    said, problem = ask(str(release["database"]), " ".join(_SUMMARIES.split()))
    if problem:
        raise LabProblem(f"cache warm: {release['database']}: {problem}")
    # The dashboard's own form: what it keeps is what it would have computed.
    keep_ms = str(int(float(release["benchmark_ttl_s"]) * 1000)).encode()
    commands = []
    for line in said.splitlines():
        summary = json.loads(line)
        key = f"benchmark:{summary['survey'].rpartition('-')[2]}"
        commands.append([b"SET", key.encode(), json.dumps(summary).encode(), b"PX", keep_ms])
    port = state["ports"][parts.CACHE]
    try:
        with Connection("127.0.0.1", port, timeout_s=5) as cache:
            cache.send(*commands)
            replies = [cache.reply() for _ in commands]
    except OSError as error:
        raise LabProblem(f"cache warm: 127.0.0.1:{port}: {error}") from None
    refused = [reply for reply in replies if isinstance(reply, Refusal)]
    if refused:
        raise LabProblem(f"cache warm: {len(refused)} of {len(replies)} were refused: {refused[0]}")
    return len(replies)


def main() -> None:
    """The tool; exit 1 with a line that says why."""
    parser = argparse.ArgumentParser(
        prog="cache", description="Looks after the dashboard's cache.", epilog="example: cache warm"
    )
    parser.add_argument("--lab", type=Path, required=True, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("warm", help="put the summary of every benchmark into it", description=warm.__doc__)
    try:
        lab = Lab(parser.parse_args().lab)
        print(f"{warm(lab, health.psql(lab, timeout_s=30))} benchmarks are in the cache")
    except LabProblem as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
