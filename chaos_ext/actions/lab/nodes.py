"""The lab's PostgreSQL nodes: where each is, and asking it as an operator does."""

from __future__ import annotations

import configparser
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaoslib.exceptions import ActivityFailed

from chaos_ext.actions.lab import proven
from chaos_ext.language import listed, t

_CONNECT_WITHIN_S = 2


@dataclass(frozen=True)
class Node:
    """One server of the cluster, as the lab's facts describe it."""

    name: str
    host: str
    port: int
    data: Path
    program: str
    supervisor: Path
    service_file: str
    pass_file: str
    tools: Path

    @property
    def lost(self) -> Path:
        """Where its disk is while it is lost."""
        return self.data.with_name(f"{self.data.name}.lost")


class Refused(ActivityFailed):
    """A node did not answer, or answered with an error."""


def find(name: str, configuration: Mapping[str, Any] | None) -> Node:
    """The node that the lab calls `name`. Raises ActivityFailed when there is no such lab or node."""
    facts = proven.facts(configuration)
    nodes = facts["postgresql"]["nodes"]
    if name not in nodes:
        raise ActivityFailed(t("node: got {name!r}, expected one of {nodes}", name=name, nodes=listed(nodes)))
    said = nodes[name]
    return Node(
        name=name,
        host=said["host"],
        port=int(said["port"]),
        data=Path(said["data"]),
        program=said["program"],
        supervisor=Path(facts["supervisor"]["socket"]),
        service_file=facts["postgresql"]["service_file"],
        pass_file=facts["postgresql"]["pass_file"],
        tools=Path(facts["bin"]),
    )


def every(configuration: Mapping[str, Any] | None) -> list[Node]:
    """All nodes of the lab."""
    return [find(name, configuration) for name in proven.facts(configuration)["postgresql"]["nodes"]]


def reached(node: Node) -> dict[str, Any]:
    """How the service file says the node is reached, without the user: what a driver connects with."""
    services = configparser.ConfigParser()
    services.read(node.service_file, encoding="utf-8")
    return {key: value for key, value in services[node.name].items() if key != "user"}


def ask(
    node: Node, sql: str, *, user: str = "", application: str = "", within_s: float = 10.0
) -> list[list[str]]:
    """What `sql` answers: the rows, each a list of texts. As the superuser, or as `user`.

    `sql` may be several statements; psql's own commands (`\\copy`) work in it, and the first error ends it. Raises
    Refused with the node's own words.
    """
    done = run(node, ["-f", "-"], stdin=sql, user=user, application=application, within_s=within_s)
    return [line.split("\x1f") for line in done.splitlines()]


def run(
    node: Node, words: list[str], *, stdin: str, user: str = "", application: str = "", within_s: float = 10.0
) -> str:
    """Run psql with `words`, `stdin` on its standard input; its standard output. Raises Refused."""
    who = f" user={user}" if user else ""
    command = [str(node.tools / "psql"), "-XAtqw", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", *words]
    environment = {
        **os.environ,
        "PGCONNECT_TIMEOUT": str(_CONNECT_WITHIN_S),
        "PGAPPNAME": application or "chaos",
        "PGSERVICEFILE": node.service_file,
    }
    try:
        done = subprocess.run(
            [*command, f"service={node.name}{who}"],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
            timeout=within_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"{node.name}: {error}") from error
    if done.returncode != 0:
        raise Refused(
            t(
                "{name}: got '{said}', expected an answer",
                name=node.name,
                said=listed(done.stderr.split(), " "),
            )
        )
    return done.stdout
