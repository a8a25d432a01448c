"""A client of the lab's database that lives on by itself, as a person's session or a job on another machine does.

Run as a process of its own by `clients.start`. It says "ready", does nothing before it is told to go (so that a
runner that is killed meanwhile leaves nothing behind), says what it holds, and goes on until somebody ends it or
what it holds. It never comes back by itself: whoever ended a session is not to be surprised by another.

    python -m chaos_ext.actions.lab.client lock NODE TABLE
    python -m chaos_ext.actions.lab.client leak NODE…

Who it is says the environment: PGUSER, PGAPPNAME, PGSERVICEFILE, PGPASSFILE.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
import time
from pathlib import Path
from typing import Any

LAB_DIR = "CHAOS_CLIENT_IN"  # the variable that says in which lab's directory it works
_LOCK_WITHIN_S = 10
_TRY_EVERY_S = 0.01  # how often a leak asks each node for one more session


def main(words: list[str]) -> None:
    import psycopg

    print("ready", flush=True)
    if sys.stdin.readline() != "go\n":
        return
    try:
        if words[0] == "lock":
            _hold_lock(psycopg, words[1], words[2])
        else:
            _leak(psycopg, words[1:])
    except psycopg.Error as error:
        _say({"error": " ".join(str(error).split()) or type(error).__name__})


def _say(what: dict[str, Any]) -> None:
    """Tell whoever started us, who does not listen for long."""
    try:
        print(json.dumps(what), flush=True)
    except OSError:
        return
    finally:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1):
            os.dup2(nowhere, stream)


def _connect(psycopg: Any, node: str, **options: Any) -> Any:
    # The service file names a user, which beats PGUSER when nobody says otherwise.
    return psycopg.connect(service=node, user=os.environ["PGUSER"], connect_timeout=2, **options)


def _hold_lock(psycopg: Any, node: str, table: str) -> None:
    """Idle in a transaction that holds a lock, until the server ends the session."""
    connection = _connect(psycopg, node)
    connection.execute(f"SET lock_timeout = '{_LOCK_WITHIN_S}s'")
    connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
    _say({"session": connection.info.backend_pid})
    select.select([connection.fileno()], [], [])  # the server has nothing to say but good-bye


def _leak(psycopg: Any, nodes: list[str]) -> None:
    """Open sessions and never close one: as many as there are slots, and each that becomes free."""
    full = {node: threading.Event() for node in nodes}
    held: dict[str, list[Any]] = {node: [] for node in nodes}
    for node in nodes:
        threading.Thread(target=_leak_on, args=(psycopg, node, held[node], full[node]), daemon=True).start()
    for one in full.values():
        one.wait()
    _say({"sessions": {node: len(sessions) for node, sessions in held.items()}})
    while Path(os.environ[LAB_DIR]).is_dir():
        time.sleep(1)


def _leak_on(psycopg: Any, node: str, sessions: list[Any], full: threading.Event) -> None:
    while True:
        try:
            sessions.append(_connect(psycopg, node, autocommit=True))
        except psycopg.OperationalError:
            full.set()
            time.sleep(_TRY_EVERY_S)
        sessions[:] = [session for session in sessions if not _ended(session)]


def _ended(session: Any) -> bool:
    """Whether the server has closed it: an idle session has nothing else to read."""
    readable, _, _ = select.select([session.fileno()], [], [], 0)
    if readable:
        session.close()
    return bool(readable)


if __name__ == "__main__":
    main(sys.argv[1:])
