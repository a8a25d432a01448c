"""Is every part usable, and do both standbys follow the primary? Asked at start and by `status`."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from chaos_lab import parts, postgresql, valkey
from chaos_lab.places import Lab

# Through the edge, as a user comes: TLS, routing, a replica, its database. Cheap ones: a summary that is not in
# the cache costs a dozen statements over a long way.
USERS_WAYS = ("/responses?survey=lab-health", "/dashboard/topics/welcome-1")


# Answers a question to a node: (what it says, why it failed), one of them empty.
Ask = Callable[[str, str], tuple[str, str]]


def http_problem(url: str, timeout_s: float = 1.0) -> str:
    """Why GET `url` does not answer 200; nothing when it does."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=timeout_s)
    return _ask(connection, f"/{path}")


def edge_problem(port: int, ca_file: Path, timeout_s: float = 3.0) -> str:
    """Why a user could not reach the services; nothing when they can."""
    context = ssl.create_default_context(cafile=str(ca_file))
    for way in USERS_WAYS:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout_s, context=context)
        if problem := _ask(connection, way):
            return problem
    return ""


def _ask(connection: http.client.HTTPConnection, path: str) -> str:
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read(300).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return f"GET {path}: {error}"
    finally:
        connection.close()
    return "" if response.status == 200 else f"GET {path} answers {response.status} {body}".rstrip()


def query(lab: Lab, node: str, sql: str, timeout_s: float = 3.0) -> tuple[str, str]:
    """(what psql prints, why it failed): one of them is empty. Rows by line, columns by `|`."""
    environment = {**os.environ, "PGCONNECT_TIMEOUT": "2"}
    command = [str(lab.bin / "psql"), "-XAtqw", "-v", "ON_ERROR_STOP=1", "-c", sql, f"service={node}"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
            cwd="/",
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {timeout_s:g} s"
    except OSError as error:
        return "", f"psql: {error.strerror}"
    if done.returncode != 0:
        return "", " ".join(done.stderr.split()) or f"psql: exit code {done.returncode}"
    return done.stdout.strip(), ""


def psql(lab: Lab, timeout_s: float = 3.0) -> Ask:
    """Asks as operators do."""
    return lambda node, sql: query(lab, node, sql, timeout_s)


def replication_problem(ask: Ask, primary: str = parts.PRIMARY) -> str:
    """Why the primary has not all others streaming from it; nothing when it has."""
    followers = sorted(node.replace("-", "_") for node in postgresql.NODES if node != primary)
    sql = "SELECT application_name, state FROM pg_stat_replication ORDER BY 1"
    said, problem = ask(primary, sql)
    if problem:
        return problem
    streaming = [line.partition("|")[0] for line in said.splitlines() if line.endswith("|streaming")]
    return (
        ""
        if streaming == followers
        else f"got {', '.join(streaming) or 'nobody'} streaming, expected {', '.join(followers)}"
    )


def part_problem(ask: Ask, ports: Mapping[str, int], part: str) -> str:
    """Why one part is not usable by itself; nothing when it is."""
    if part in postgresql.NODES:
        return ask(part, "SELECT 1")[1]
    if part == parts.CACHE:
        return valkey.problem(ports[part])
    return http_problem(parts.health_url(ports, part))


def last_words(lab: Lab, part: str) -> str:
    """The last line of a part's log that tells why, else the last line, else nothing."""
    try:
        lines = (lab.logs / f"{part}.log").read_text(encoding="utf-8", errors="replace").splitlines()[-40:]
    except OSError:
        return ""
    lines = [line for line in lines if line.strip()]
    for line in reversed(lines):
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict) and event.get("level") == "error":
            return str(event.get("why") or event.get("error") or event.get("event"))[-300:]
        if event is None and ("FATAL" in line or "Error" in line or "ERROR" in line):
            return line.strip()[-300:]
    return lines[-1].strip()[-300:] if lines else ""
